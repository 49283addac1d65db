"""Idempotency as Stripe keeps it: the first execution's answer is remembered for a day, its 500s too."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

from bridge.sandbox.schedule import now
from bridge.sandbox.stripe.params import Refused
from bridge.sandbox.wire import Response

LIFETIME = 24 * 3600
MAX_LENGTH = 255


@dataclass
class Entry:
    """What is known of one key; no answer yet means that the first request is still under way."""

    fingerprint: str
    at: float
    answer: Response | None = None


class Keys:
    """The keys of all accounts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[tuple[str, str], Entry] = {}

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()

    def run(self, account: str, key: str | None, fingerprint: str, execute: Callable[[], Response]) -> Response:
        """Executes once per key; later calls get the first answer. Failed validations are not kept."""
        if key is None:
            return execute()
        if len(key) > MAX_LENGTH:
            raise Refused(f"Idempotency keys can be at most {MAX_LENGTH} characters.")
        entry, answer = self._begin((account, key), fingerprint)
        if answer is not None:
            return answer
        try:
            entry.answer = execute()
        except BaseException:
            self._forget((account, key))
            raise
        return entry.answer

    def _begin(self, place: tuple[str, str], fingerprint: str) -> tuple[Entry, Response | None]:
        with self._lock:
            entry = self._entries.get(place)
            if entry is None or entry.at < now() - LIFETIME:
                entry = self._entries[place] = Entry(fingerprint, now())
                return entry, None
        if entry.fingerprint != fingerprint:
            raise Refused(
                "Keys for idempotent requests can only be used with the same parameters they were first"
                f" used with. Try using a key other than '{place[1]}' if you meant to execute a different"
                " request.",
                type="idempotency_error",
            )
        if entry.answer is None:
            raise Refused(
                "There is currently another in-progress request using this Idempotency Key.",
                status=HTTPStatus.CONFLICT,
                type="idempotency_error",
                code="idempotency_key_in_use",
            )
        headers = entry.answer.headers | {"Idempotent-Replayed": "true"}
        return entry, replace(entry.answer, headers=headers)

    def _forget(self, place: tuple[str, str]) -> None:
        with self._lock:
            self._entries.pop(place, None)
