"""What can happen to a Checkout Session: created, paid, paid later, declined, expired."""

import threading
from collections.abc import Callable
from functools import partial
from secrets import token_hex
from typing import Any

from bridge.sandbox.books import Json, Payment, Session, StripeBooks
from bridge.sandbox.schedule import Schedule, now
from bridge.sandbox.stripe.accounts import Account
from bridge.sandbox.stripe.events import Delivery, Events
from bridge.sandbox.stripe.objects import Renderer
from bridge.sandbox.stripe.params import Refused
from bridge.sandbox.stripe.requests import methods_for

DAY = 86400
Deliveries = list[Delivery]


class NotPossible(ValueError):
    """The buyer cannot do this with the session as it is."""


class Checkout:
    """The acts, each under the books' lock. An act returns the webhooks that it caused."""

    def __init__(
        self, books: StripeBooks, lock: threading.RLock, render: Renderer, events: Events, schedule: Schedule
    ) -> None:
        self._books = books
        self._lock = lock
        self._render = render
        self._events = events
        self._schedule = schedule

    def create(self, account: Account, params: Json, key: str | None) -> Session:
        created = int(now())
        prefix = "cs_live_a1" if account.livemode else "cs_test_a1"
        session = Session(
            id=prefix + token_hex(28),
            account=account.mid,
            reference=params.get("client_reference_id"),
            amount=params["amount"],
            currency=params["currency"],
            created=created,
            expires_at=params["expires_at"],
            livemode=account.livemode,
            params=params,
        )
        with self._lock:
            self._books.sessions[session.id] = session
            if key is not None:
                self._books.creates[key] += 1
        self._schedule.at(session.expires_at, partial(self.expire_if_due, account, session))
        return session

    def expire(self, account: Account, session: Session) -> Deliveries:
        """The merchant closes the session. Refused unless it is open."""
        with self._lock:
            self.expire_if_due(account, session)
            session.expire_calls += 1
            if session.status != "open":
                raise Refused(
                    'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session'
                    f" has a status of {session.status}.",
                    stored=True,
                )
            return self._expired(account, session)

    def expire_if_due(self, account: Account, session: Session) -> None:
        with self._lock:
            if session.status == "open" and session.expires_at <= now():
                self._expired(account, session)

    def _expired(self, account: Account, session: Session) -> Deliveries:
        session.status = "expired"
        return self._tell(account, "checkout.session.expired", session)

    def act(self, account: Account, session: Session, how: str, *, after: float = 0.0) -> Deliveries:
        """The buyer's act: pay, later or decline; its webhooks leave `after` seconds from now."""
        acts: dict[str, Callable[[Account, Session, float], Deliveries]] = {
            "pay": self._pay,
            "later": self._pay_later,
            "decline": self._decline,
        }
        if how not in acts:
            raise NotPossible(f"unknown act {how!r}: one of {', '.join(acts)}")
        with self._lock:
            self.expire_if_due(account, session)
            if session.status != "open":
                raise NotPossible(f"the session is {session.status}")
            return acts[how](account, session, after)

    def _pay(self, account: Account, session: Session, after: float) -> Deliveries:
        payment = self._confirm(session, _paid_at_once(session))
        session.status = "complete"
        return self._captured(account, session, payment, "checkout.session.completed", after)

    def _pay_later(self, account: Account, session: Session, after: float) -> Deliveries:
        if "konbini" not in methods_for(session.params):
            raise NotPossible("paying later (konbini) is not offered for this session")
        payment = self._confirm(session, "konbini")
        payment.status = "requires_action"
        options = session.params.get("payment_method_options", {}).get("konbini", {})
        payment.deposit_until = int(now()) + options.get("expires_after_days", 3) * DAY
        session.status = "complete"
        self._schedule.at(payment.deposit_until, partial(self._deposit_late, account, session))
        return self._tell(account, "checkout.session.completed", session, after)

    def _decline(self, account: Account, session: Session, after: float) -> Deliveries:
        payment = self._confirm(session, _paid_at_once(session))
        payment.charge, payment.charged = _new_id("ch_3"), int(now())
        rendered = self._render.payment_intent(payment)
        return self._events.emit(account, "payment_intent.payment_failed", rendered, session, after=after)

    def deposit(self, account: Account, session: Session, arrived: bool) -> Deliveries:
        """The money of a session that was paid later arrives, or never will."""
        with self._lock:
            payment = self._books.payments.get(session.payment or "")
            if payment is None or payment.status != "requires_action":
                raise NotPossible("no deposit is awaited for this session")
            if arrived:
                kind = "checkout.session.async_payment_succeeded"
                return self._captured(account, session, payment, kind, 0.0)
            payment.status = "requires_payment_method"
            return self._tell(account, "checkout.session.async_payment_failed", session)

    def _deposit_late(self, account: Account, session: Session) -> None:
        with self._lock:
            payment = self._books.payments[session.payment or ""]
            if payment.status == "requires_action":
                self.deposit(account, session, arrived=False)

    def _confirm(self, session: Session, method: str) -> Payment:
        """The buyer has confirmed: now there is a PaymentIntent (the same one after a decline)."""
        payment = self._books.payments.get(session.payment or "")
        if payment is None:
            payment = Payment(
                id=_new_id("pi_3"),
                account=session.account,
                session=session.id,
                amount=session.amount,
                currency=session.currency,
                created=int(now()),
                method=method,
                status="requires_payment_method",
            )
            self._books.payments[payment.id] = payment
            session.payment = payment.id
        payment.method = method
        return payment

    def _captured(self, account: Account, session: Session, payment: Payment, kind: str, after: float) -> Deliveries:
        payment.status = "succeeded"
        payment.captured = payment.amount
        payment.charge, payment.charged = _new_id("ch_3"), int(now())
        session.payment_status = "paid"
        emit = partial(self._events.emit, account, session=session, after=after)
        deliveries = emit("charge.succeeded", self._render.charge(payment))
        deliveries += emit("payment_intent.succeeded", self._render.payment_intent(payment))
        return deliveries + self._tell(account, kind, session, after)

    def _tell(self, account: Account, kind: str, session: Session, after: float = 0.0) -> Deliveries:
        return self._events.emit(account, kind, self._render.session(session), session, after=after)


def _paid_at_once(session: Session) -> str:
    for method in methods_for(session.params):
        if method != "konbini":
            return method
    raise NotPossible("this session can only be paid later (konbini)")


def _new_id(prefix: str) -> str:
    return prefix + token_hex(12)


def buyer_url(session: Session, how: str) -> str | None:
    """Where Checkout sends the buyer after an act: nowhere after a decline."""
    params: dict[str, Any] = session.params
    if how == "cancel":
        return params.get("cancel_url")
    if how == "pay":
        return str(params["success_url"]).replace("{CHECKOUT_SESSION_ID}", session.id)
    return None
