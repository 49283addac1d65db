"""Stripe's events: recorded, signed, sent, and sent again until they are accepted."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from secrets import token_hex

from bridge.sandbox.books import Event, Json, Sent, Session, StripeBooks
from bridge.sandbox.faults import Fault, Faults, Taken
from bridge.sandbox.outbound import post
from bridge.sandbox.recorder import Exchange, Recorder
from bridge.sandbox.schedule import Job, Schedule, now
from bridge.sandbox.stripe.accounts import Account
from bridge.sandbox.stripe.shapes import API_VERSION

RETRY_FIRST, RETRY_LONGEST, RETRY_FOR = 60.0, 12 * 3600.0, 3 * 86400.0
REORDER_LONGEST = 5.0
ROUTING = ("drop", "delay", "duplicate", "reorder")
SENDING = ("wrong_signature", "clock_skew", "answer_lost")


@dataclass
class Delivery:
    """One webhook on its way. `answered` is set after the first try, or when there will not be one soon."""

    account: Account
    event: Event
    form: str
    body: bytes
    facts: Json
    attempt: int = 0
    age: float = 0.0  # seconds on the retry ladder, before the clock factor
    answered: threading.Event = field(default_factory=threading.Event)


def signature_header(secret: str, body: bytes, timestamp: int) -> str:
    """The value of Stripe-Signature."""
    digest = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def thin(event: Event, livemode: bool) -> Json:
    """The thin form of an event: names what changed, carries nothing of it."""
    related = event.body["data"]["object"]
    folder = {"checkout.session": "checkout/sessions"}.get(related["object"], f"{related['object']}s")
    created = datetime.fromtimestamp(event.created, UTC)
    return {
        "id": f"evt_{'' if livemode else 'test_'}65{event.id.removeprefix('evt_')}",
        "object": "v2.core.event",
        "type": f"v1.{event.type}",
        "livemode": livemode,
        "created": created.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "context": None,
        "reason": None,
        "related_object": {
            "id": related["id"],
            "type": related["object"],
            "url": f"/v1/{folder}/{related['id']}",
        },
        "snapshot_event": event.id,
    }


class Events:
    """Emits events and delivers their webhooks; `clock` speeds the retry ladder up."""

    def __init__(self, books: StripeBooks, faults: Faults, schedule: Schedule, clock: float, record: Recorder) -> None:
        self._books = books
        self._faults = faults
        self._schedule = schedule
        self._clock = clock
        self._record = record
        self._lock = threading.Lock()
        self._held: list[Delivery] = []
        faults.on_clear.append(self.release)

    def emit(
        self,
        account: Account,
        kind: str,
        obj: Json,
        session: Session | None = None,
        *,
        after: float = 0.0,
        silent: bool = False,
    ) -> list[Delivery]:
        """Records an event and starts its webhooks, `after` seconds from now; they can be waited for.

        `silent` sends none.
        """
        event = self._recorded(account, kind, obj, session)
        if silent or kind not in account.subscribed:
            return []
        deliveries = []
        for form in account.forms:
            body = event.body if form == "snapshot" else thin(event, account.livemode)
            facts = {
                "event_type": kind,
                "event": event.id,
                "session": event.session,
                "reference": session.reference if session else None,
                "form": form,
                "account": account.mid,
            }
            raw = json.dumps(body, indent=2, ensure_ascii=False).encode()
            deliveries.append(Delivery(account, event, form, raw, facts))
            self._route(deliveries[-1], after)
        return deliveries

    def _recorded(self, account: Account, kind: str, obj: Json, session: Session | None) -> Event:
        created = int(now())
        event_id = f"evt_1{token_hex(12)}"
        body = {
            "id": event_id,
            "object": "event",
            "api_version": API_VERSION,
            "created": created,
            "data": {"object": obj},
            "livemode": account.livemode,
            "pending_webhooks": 1 if kind in account.subscribed else 0,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        event = Event(event_id, account.mid, kind, created, session.id if session else None, body)
        self._books.events[event_id] = event
        return event

    def _route(self, delivery: Delivery, after: float) -> None:
        event = delivery.event
        taken = self._faults.take("webhook", delivery.facts, ROUTING)
        if fault := taken.get("delay"):
            after += fault["seconds"]
        if after or taken.keys() & {"drop", "reorder"}:
            delivery.answered.set()
        if "drop" in taken:
            self._books.webhooks.append(Sent(event.id, event.type, delivery.form, 0, None, "dropped"))
        elif fault := taken.get("reorder"):
            self._hold(delivery, fault)
        else:
            self._start(delivery, taken.get("duplicate"), now() + after)

    def _start(self, delivery: Delivery, duplicate: Fault | None, due: float) -> None:
        copies = duplicate["copies"] if duplicate else 1
        jobs: list[Job] = [partial(self._attempt, replace(delivery)) for _ in range(copies)]
        if duplicate and not duplicate["concurrent"]:
            jobs = [partial(_in_turn, jobs)]
        for job in jobs:
            self._schedule.at(due, job)

    def _hold(self, delivery: Delivery, fault: Fault) -> None:
        with self._lock:
            self._held.append(delivery)
            full = len(self._held) >= fault["window"]
        if full:
            self.release()
        else:
            self._schedule.at(now() + REORDER_LONGEST, self.release)

    def forget(self) -> None:
        """Drops what a reorder fault holds back."""
        with self._lock:
            self._held.clear()

    def release(self) -> None:
        """Sends what a reorder fault held back, the newest first."""
        with self._lock:
            held, self._held = self._held[::-1], []
        if held:
            self._schedule.at(now(), partial(_in_turn, [partial(self._attempt, one) for one in held]))

    def _attempt(self, delivery: Delivery) -> None:
        delivery.attempt += 1
        event = delivery.event
        taken = self._faults.take("webhook", delivery.facts, SENDING)
        status, error = self._send(delivery, taken)
        if "answer_lost" in taken:
            status, error = None, "answer lost"
        self._books.webhooks.append(Sent(event.id, event.type, delivery.form, delivery.attempt, status, error))
        delivery.answered.set()
        if status is None or not 200 <= status < 300:
            self._retry(delivery)

    def _retry(self, delivery: Delivery) -> None:
        wait = min(RETRY_FIRST * 2 ** (delivery.attempt - 1), RETRY_LONGEST)
        delivery.age += wait
        if delivery.age <= RETRY_FOR:
            self._schedule.at(now() + wait / self._clock, partial(self._attempt, delivery))

    def _send(self, delivery: Delivery, taken: Taken) -> tuple[int | None, str]:
        account = delivery.account
        skew = taken["clock_skew"]["seconds"] if "clock_skew" in taken else 0
        secret = "whsec_of_somebody_else" if "wrong_signature" in taken else account.webhook_secret
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": signature_header(secret, delivery.body, int(now() + skew)),
        }
        answer = post(account.webhook_url, delivery.body, headers)
        self._record(
            Exchange("webhook", "POST", account.webhook_url, delivery.body, answer.status or 0, b"", bool(taken))
        )
        return answer.status, answer.error


def _in_turn(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job()


def wait_for(deliveries: Iterable[Delivery], seconds: float) -> None:
    """Waits until each delivery was answered once, at most `seconds` of real time in all."""
    deadline = time.monotonic() + seconds
    for delivery in deliveries:
        delivery.answered.wait(max(0.0, deadline - time.monotonic()))
