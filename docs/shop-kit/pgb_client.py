"""PGB's kit for shops, for Python: copy this one file into your project. README.md beside it shows how to use it.

Python 3.9 or later; needs only `requests`. Keys are spelled as in PGB's documents: client.pay_start(DBType="KR1", ...).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests

__all__ = [
    "CompletionRefused",
    "CompletionStore",
    "CompletionTransaction",
    "MemoryCompletionStore",
    "PgbClient",
    "PgbError",
    "PgbInDoubt",
    "PgbReceiver",
    "PgbRefused",
    "PgbSetupError",
    "PgbUnavailable",
    "Reply",
    "ReturnHint",
    "SignatureError",
    "read_return",
    "sign",
    "verify",
]

log = logging.getLogger("pgb")

# ---------------------------------------------------------------- calls


class PgbError(Exception):
    """A call that did not succeed. Its class says what to do, ``code`` and the message say why.

    code: PGB's, such as ALREADY_PAID, empty where PGB gave none. status: HTTP's, 0 where no answer came.
    answer: what PGB answered. x_request_id: name it when you ask PGB's people for help.
    """

    def __init__(self, message: str, reply: _Reply) -> None:
        super().__init__(message)
        self.code = reply.code
        self.status = reply.status
        self.answer = reply.answer
        self.x_request_id = reply.x_request_id


class PgbRefused(PgbError):
    """PGB decided: no. The same call will get the same answer; look at ``code``."""


class PgbInDoubt(PgbError):
    """It is not known whether it happened, or it is under way.

    Ask with pay_status, or make the same call again with the same values. Never start with another amount and never
    refund by other means meanwhile.
    """


class PgbUnavailable(PgbError):
    """Nothing happened: try later; a cancel with a new RequestId."""


class PgbSetupError(PgbError):
    """A developer has to correct something: address, key, shop, or a field."""


_START, _CANCEL, _NONE = "start", "cancel", "none"
_MOST_LOST_TRIES = 3
_CONNECT_SECONDS = 5.0
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_IN_DOUBT = {"PAYMENT_IN_PROGRESS", "OUTCOME_UNKNOWN"}
_BUSY = {"THROTTLED", "UNAVAILABLE"}
_SETUP = {"INVALID_REQUEST", "UNAUTHORIZED", "FORBIDDEN", "UNKNOWN_SHOP", "REDIRECT_NOT_ALLOWED"}


class PgbClient:
    """Calls PGB. A call is repeated only where that is safe, always with the same bytes; see "Repeats" in README.md.

    An answer with IsSuccess true is returned as the dict that PGB sent; every other one is raised as a PgbError.
    Amounts are Decimal, int or text in the currency's own unit. An argument that is None is not sent.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str = "",
        signing_secret: str = "",
        timeout: float = 30.0,
        patience: float = 40.0,
        repeat_after: float = 2.0,
    ) -> None:
        """Give ``api_key`` (sent as Bearer) or ``signing_secret`` (every call is signed; the secret never travels).

        timeout: seconds for one try; PGB itself answers PayStart within 25. patience: no further try of a call begins
        later than this. repeat_after: the pause before a repeat, unless PGB names a longer one.
        """
        parts = urlsplit(base_url)
        plain = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
        if not parts.hostname or not (parts.scheme == "https" or plain):
            raise ValueError("base_url: give PGB's address, such as https://pgb.example")
        if bool(api_key) == bool(signing_secret):
            raise ValueError("give api_key or signing_secret, one of the two")
        if signing_secret:
            _key(signing_secret)
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._secret = signing_secret
        self._timeout = timeout
        self._patience = patience
        self._repeat_after = repeat_after

    def pay_start(self, **keys: Any) -> dict[str, Any]:
        """Start a payment; send the buyer to RedirectUrl of the answer."""
        return self._call("/PGB/PayStart", uuid.uuid4().hex, keys, _START)

    def pay_status(self, **keys: Any) -> dict[str, Any]:
        """Tell what PGB knows of an order, from PGB's own books: ask as often as you need."""
        return self._call("/PGB/PayStatus", uuid.uuid4().hex, keys, _NONE)

    def partial_cancel(self, *, RequestId: str, **keys: Any) -> dict[str, Any]:
        """Give a part back. Type Done: the money moved. Type Pending: accepted, a message follows.

        RequestId: your own id of this one refund. Store it with the refund before the call, and use it again for
        every repeat: PGB then refunds once. ModifedTotalPrice is worked out here.
        """
        left = Decimal(_text(keys["CurrentTotalPrice"])) - Decimal(_text(keys["RefundPrice"]))
        return self._cancel("/PGB/PartialCancel", RequestId, {**keys, "ModifedTotalPrice": left})

    def full_cancel(self, *, RequestId: str, **keys: Any) -> dict[str, Any]:
        """Give back all that is left, or close a payment that was not made yet. See partial_cancel.

        PGType and PayType, which are needed: the gateway and the method that the payment was made by.
        """
        return self._cancel("/PGB/FullCancel", RequestId, keys)

    def is_integration_target(self, **keys: Any) -> bool:
        """Say whether this payment method goes through PGB: it is connected and in use there.

        db_type, joiner_id, nation_code, pay_type; optional pg_type, device (pc, or mobile). Points, deposits and gift
        cards never do: settle them yourself.
        """
        found = self._call("/api/v1/payment-methods/connections", uuid.uuid4().hex, keys, _NONE)
        return found["connected"] is True and found["in_use"] is True

    def _cancel(self, path: str, request_id: str, keys: Mapping[str, Any]) -> dict[str, Any]:
        if not _REQUEST_ID.fullmatch(request_id or ""):
            raise ValueError(
                "RequestId: give every refund an id of its own (letters, digits, - and _), stored before the call"
            )
        return self._call(path, request_id, {**keys, "RequestId": request_id}, _CANCEL)

    def _call(self, path: str, id_: str, keys: Mapping[str, Any], effect: str) -> dict[str, Any]:
        """Make the call, again where that is safe, and return only what succeeded."""
        sent = {name: _text(value) for name, value in keys.items() if value is not None and value != ""}
        body = json.dumps(sent, ensure_ascii=False).encode()
        ends = time.monotonic() + self._patience
        lost = 0
        while True:
            reply = self._try(path, id_, body)
            if reply.answer is not None and _is_good(path, reply, effect):
                return reply.answer
            lost += reply.is_lost
            pause = self._pause(reply, effect)
            if pause is None or lost >= _MOST_LOST_TRIES or time.monotonic() + pause > ends:
                raise _problem(path, reply, effect, lost > 0) from reply.error
            time.sleep(pause)

    def _try(self, path: str, id_: str, body: bytes) -> _Reply:
        def authorise(request: requests.PreparedRequest) -> requests.PreparedRequest:
            proof = {"Authorization": f"Bearer {self._api_key}"}
            request.headers.update(sign(self._secret, id_, body, time.time()) if self._secret else proof)
            return request

        try:
            response = requests.post(
                self._base_url + path,
                data=body,
                headers={"Content-Type": "application/json; charset=utf-8"},
                auth=authorise,
                timeout=(_CONNECT_SECONDS, self._timeout),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            return _Reply(error=error)
        return _read_reply(response)

    def _pause(self, reply: _Reply, effect: str) -> float | None:
        """Return how long to wait before the same call may be made again; None: it may not."""
        if reply.is_lost:
            return self._repeat_after
        if reply.code in _BUSY:
            return max(reply.retry_after, self._repeat_after)
        return self._repeat_after if reply.code in _IN_DOUBT and effect == _START else None


@dataclass(frozen=True)
class _Reply:
    """What one try brought: an answer, or the error that stands in its place."""

    status: int = 0
    answer: dict[str, Any] | None = None
    code: str = ""
    retry_after: float = 0.0
    x_request_id: str = ""
    error: Exception | None = None

    @property
    def is_lost(self) -> bool:
        """No answer of PGB: whether it did the work is open."""
        no_answer = self.status >= 500 or (self.status == 200 and self.answer is None)
        return self.error is not None or (not self.code and no_answer)

    @property
    def said(self) -> str:
        if self.error is not None:
            return f"no answer: {self.error}"
        answer = self.answer or {}
        message = answer.get("ErrorMessage") or answer.get("error_message") or ""
        said = f"{self.code} {message}".strip() or "no answer of PGB's"
        id_ = f", X-Request-Id {self.x_request_id}" if self.x_request_id else ""
        return f"{said} (HTTP {self.status}{id_})"


def _read_reply(response: requests.Response) -> _Reply:
    answer = _json_object(response.content)
    said = answer or {}
    code = str(said.get("ErrorCode") or said.get("error_code") or "")  # is_integration_target speaks in snake_case
    code = code or ("THROTTLED" if response.status_code == 429 else "")
    retry_after = response.headers.get("Retry-After", "")
    return _Reply(
        status=response.status_code,
        answer=answer,
        code=code,
        retry_after=float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0,
        x_request_id=response.headers.get("X-Request-Id", ""),
    )


def _is_good(path: str, reply: _Reply, effect: str) -> bool:
    answer = reply.answer or {}
    if reply.status != 200:
        return False
    if not path.startswith("/PGB/"):
        return "connected" in answer and "in_use" in answer
    return answer.get("IsSuccess") is True and (effect != _START or bool(answer.get("RedirectUrl")))


def _problem(path: str, reply: _Reply, effect: str, lost_before: bool) -> PgbError:
    said = f"{path}: {reply.said}"
    if reply.code in _IN_DOUBT:
        return PgbInDoubt(said, reply)
    if reply.code == "GATEWAY_UNREACHABLE" or (reply.code in _BUSY and not lost_before):
        return PgbUnavailable(said, reply)
    if reply.code == "INTERNAL" or reply.code in _BUSY:
        return _undecided(said, reply, effect)
    if reply.code in _SETUP or 300 <= reply.status < 500:
        hint = "; is base_url right?" if reply.status == 404 else ""
        return PgbSetupError(said + hint, reply)
    # Without a code, a 2xx is no refusal: a proxy's page, or a success that lacks what it must have.
    return PgbRefused(said, reply) if reply.code else _undecided(said, reply, effect)


def _undecided(said: str, reply: _Reply, effect: str) -> PgbError:
    if effect == _NONE:
        return PgbUnavailable(said, reply)
    return PgbInDoubt(f"{said}; it is not known whether it happened: ask with pay_status", reply)


def _text(value: Any) -> Any:
    """Return a value as it is sent: Decimal as plain digits; a float is no amount."""
    if isinstance(value, float):
        raise TypeError("an amount is never a float: give Decimal, int or text")
    return format(value, "f") if isinstance(value, Decimal) else value


def _json_object(content: bytes) -> dict[str, Any] | None:
    try:
        read = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


# ---------------------------------------------------------------- signatures

TOLERANCE_SECONDS = 300


class SignatureError(Exception):
    """Somebody else's, damaged, or too old. The message says which."""


def sign(secret: str, id_: str, body: bytes, at: float) -> dict[str, str]:
    """Return the three headers of Standard Webhooks that prove who sent these bytes, and when."""
    timestamp = str(int(at))
    return {
        "webhook-id": id_,
        "webhook-timestamp": timestamp,
        "webhook-signature": _signature(secret, id_, timestamp, body),
    }


def verify(body: bytes, header: Callable[[str], str | None], secrets: list[str], now: float) -> None:
    """Return if a signature fits a secret (two while one is being replaced) and the time is right.

    ``body``: the raw bytes as they came. Raises SignatureError.
    """
    id_, timestamp, signatures = (header(f"webhook-{name}") for name in ("id", "timestamp", "signature"))
    if not id_ or not timestamp or not signatures:
        raise SignatureError("webhook-id, webhook-timestamp or webhook-signature is missing")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        raise SignatureError("webhook-timestamp is not a number")
    if abs(int(now) - int(timestamp)) > TOLERANCE_SECONDS:
        raise SignatureError("signed more than 300 s from this machine's time: is its clock right?")
    wanted = [_signature(secret, id_, timestamp, body).encode() for secret in secrets]
    if not any(hmac.compare_digest(one, given.encode()) for one in wanted for given in signatures.split(" ")):
        raise SignatureError("no signature fits: is it the right secret, and are these the raw bytes?")


def _signature(secret: str, id_: str, timestamp: str, body: bytes) -> str:
    content = f"{id_}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(_key(secret), content, sha256)).decode()


def _key(secret: str) -> bytes:
    """Return the key bytes of a "whsec_" secret. An empty or short one would let anybody sign."""
    prefix = "whsec_"
    try:
        key = base64.b64decode(secret[len(prefix) :], validate=True) if secret.startswith(prefix) else b""
    except (binascii.Error, ValueError):
        key = b""
    if not 24 <= len(key) <= 64:
        raise ValueError('a signing secret is "whsec_" and the base64 of 24 to 64 bytes')
    return key


def _checked(secrets: tuple[str, ...]) -> list[str]:
    given = [secret for secret in secrets if secret]
    if not given:
        raise ValueError("give at least one signing secret")
    for secret in given:
        _key(secret)
    return given


# ---------------------------------------------------------------- messages


class CompletionRefused(Exception):
    """Raise it in apply: the shop does not take this message now.

    PGB repeats it for seven days; with ``final`` never again, and people at PGB are told. Only for what can never be
    accepted, such as an order that does not exist.
    """

    def __init__(self, message: str, *, final: bool) -> None:
        super().__init__(message)
        self.final = final


class CompletionTransaction(Protocol):
    """The open transaction of the shop's database. README.md has the SQL."""

    def remember_event(self, event_id: str) -> bool:
        """Store the id; False if it is there already."""

    def raise_sequence(self, db_type: str, order_id: int, claim_id: int, sequence: int) -> bool:
        """Store the number as the order's latest; False if the order has this or a higher one already."""

    def apply(self, message: dict[str, Any]) -> None:
        """Do what the message means for the order, in the same transaction.

        EventType is PayComplete, PayFailed, PayExpired, VirtualAccountIssued, CancelComplete, CancelFailed,
        RefundReversed, DepositReversed or Disputed; more may come: accept what you do not know, Stage and Balance
        say all. CancelComplete, CancelFailed and RefundReversed also tell of one cancel, by CancelId and the other
        keys of a line in Cancellations of pay_status; a CancelComplete without them: an unpaid payment was ended.
        """


class CompletionStore(Protocol):
    """The shop's database."""

    def begin(self) -> AbstractContextManager[CompletionTransaction]:
        """Return a transaction: committed where the block ends, undone where it raises."""


@dataclass(frozen=True)
class Reply:
    """What to answer PGB, as application/json."""

    status: int
    body: bytes


class PgbReceiver:
    """Takes PGB's messages at the shop's completion URL. Make one and keep it."""

    def __init__(self, store: CompletionStore, *secrets: str) -> None:
        """``secrets``: the signing secret; the old and the new one while it is being replaced."""
        self._store = store
        self._secrets = _checked(secrets)

    def receive(self, body: bytes, header: Callable[[str], str | None]) -> Reply:
        """Take one message: the raw bytes of the body, and a way to read a header (None where it is absent).

        The reply says IsSuccess true only after the transaction is committed.
        """
        try:
            verify(body, header, self._secrets, time.time())
        except SignatureError as error:
            log.warning("a message that is not PGB's: %s", error)
            return _reply(401, ErrorMessage=str(error))
        message = _json_object(body) or {}
        if not _is_completion(message) or message["EventId"] != header("webhook-id"):
            log.error("a signed message that is no completion")
            return _reply(400, ErrorMessage="this is no completion message")
        try:
            self._keep(message)
        except CompletionRefused as refusal:
            log.error("refused a message of PGB: %s", refusal)
            return _reply(200, ErrorMessage=str(refusal), **({"Final": True} if refusal.final else {}))
        except Exception:
            log.exception("could not store a message of PGB")
            return _reply(500, ErrorMessage="the shop could not store this message")
        return _reply(200, IsSuccess=True)

    def _keep(self, message: dict[str, Any]) -> None:
        order = (message["DBType"], message["OrderId"], message["ClaimId"])
        with self._store.begin() as transaction:
            is_new = transaction.remember_event(message["EventId"])
            if is_new and transaction.raise_sequence(*order, message["Sequence"]):
                transaction.apply(message)


def _is_completion(message: Mapping[str, Any]) -> bool:
    texts, numbers = ("EventId", "DBType"), ("OrderId", "ClaimId", "Sequence")
    if not all(type(message.get(name)) is int for name in numbers):
        return False
    return message["OrderId"] > 0 and message["Sequence"] > 0 and all(message.get(name) for name in texts)


def _reply(status: int, *, IsSuccess: bool = False, **keys: Any) -> Reply:
    return Reply(status, json.dumps({"IsSuccess": IsSuccess, **keys}).encode())


class MemoryCompletionStore:
    """FOR TRIAL ONLY: forgets everything when the process ends, and then takes repeats for new messages."""

    def __init__(self, apply: Callable[[dict[str, Any]], None]) -> None:
        self.apply = apply
        self._events: set[str] = set()
        self._sequences: dict[tuple[str, int, int], int] = {}
        self._lock = threading.Lock()

    @contextmanager
    def begin(self) -> Iterator[MemoryCompletionStore]:
        with self._lock:
            before = set(self._events), dict(self._sequences)
            try:
                yield self
            except BaseException:
                self._events, self._sequences = before
                raise

    def remember_event(self, event_id: str) -> bool:
        is_new = event_id not in self._events
        self._events.add(event_id)
        return is_new

    def raise_sequence(self, db_type: str, order_id: int, claim_id: int, sequence: int) -> bool:
        order = (db_type, order_id, claim_id)
        is_newer = sequence > self._sequences.get(order, 0)
        if is_newer:
            self._sequences[order] = sequence
        return is_newer


# ---------------------------------------------------------------- the buyer's return


@dataclass(frozen=True)
class ReturnHint:
    """What the browser of a buyer brought back. A HINT, NOT A PAYMENT: it chooses the page that is shown.

    Ship nothing and mark nothing as paid because of it: that is for the message PayComplete, or pay_status.
    """

    payment_id: str
    order_id: int
    claim_id: int
    stage: str
    timestamp: int


def read_return(query: Mapping[str, str], *secrets: str) -> ReturnHint | None:
    """Return the hint that PGB added to RedirectUrl or CancelUrl; None if PGB did not sign these parameters.

    Anybody may type an address. Even a signed hint is no payment, and an old one may be shown again.
    """
    values = [query.get(name, "") for name in ("PaymentId", "OrderId", "ClaimId", "Stage", "Timestamp")]
    content, given = ".".join(values).encode(), query.get("Signature", "").encode()
    wanted = [hmac.digest(_key(secret), content, sha256).hex().encode() for secret in _checked(secrets)]
    if not any([hmac.compare_digest(one, given) for one in wanted]):
        return None
    payment_id, order_id, claim_id, stage, timestamp = values
    return ReturnHint(payment_id, int(order_id), int(claim_id), stage, int(timestamp))
