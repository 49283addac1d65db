"""The books of money going back: reserved under the lock, called by the worker, booked as the gateway says.

Every function runs inside the caller's transaction, after ``ledger.lock_session``. A reservation is granted only
while ``cancelled + reserved + new <= paid``; what the gateway did is always recordable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, Sum

from payments import ledger
from payments.models import (
    OPEN_CALLS,
    OPEN_CANCELS,
    RESERVING,
    CallKind,
    Cancellation,
    CancelOrigin,
    CancelState,
    GatewayCall,
    PaymentSession,
)
from payments.states import HOLDING, LIVE, Reason, Stage, StaleStage, move

C = CancelState
MOVES: dict[CancelState, frozenset[CancelState]] = {
    C.REQUESTED: frozenset({C.SENDING, C.UNKNOWN, C.PENDING, C.DONE, C.REFUSED}),
    C.SENDING: frozenset({C.UNKNOWN, C.PENDING, C.DONE, C.REFUSED}),
    C.UNKNOWN: frozenset({C.PENDING, C.DONE, C.REFUSED}),
    C.PENDING: frozenset({C.DONE, C.REFUSED}),
    C.DONE: frozenset({C.REVERSED}),
    # Not by our doing: the gateway shows money that went back after all.
    C.REFUSED: frozenset({C.DONE}),
    C.REVERSED: frozenset({C.DONE}),
}
# Lines of the timeline that say why a payment with money needs a person.
WRONGS = ("disputed", "overlap", "refund_differs", "unlisted_refund", "refund_overdue", "not_sent_back")
CANCELLABLE = HOLDING | {Stage.REVIEW}


class NotGranted(Exception):
    """The reservation is not granted; the class says why."""


class NothingToCancel(NotGranted):
    """The session holds no money."""


class CancelOpen(NotGranted):
    """Another cancel of the session is under way."""


class NotEnough(NotGranted):
    """More is asked for than is left, or a larger tax-free (or taxed) part of it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A cancel as it is asked for, in minor units. ``tax_free`` None: the smallest part that fits."""

    amount: int
    origin: CancelOrigin
    tax_free: int | None = None
    request_id: str = ""
    request_digest: str = ""
    reason: str = ""
    requested_by: str = ""
    approved_by: str = ""
    account: Mapping[str, str] = field(default_factory=dict, repr=False)


def reserve(session: PaymentSession, wish: Wish, at: datetime) -> Cancellation:
    """Grant a cancel and write its call, due now. Raises NotGranted."""
    if session.stage not in CANCELLABLE or not session.paid:
        raise NothingToCancel
    if open_cancel(session) is not None or ledger.open_call(session) is not None:
        raise CancelOpen
    tax_free = _tax_free_part(session, wish.amount, wish.tax_free)
    cancellation = Cancellation(
        session=session,
        origin=wish.origin,
        amount=wish.amount,
        tax_free=tax_free,
        balance_before=session.balance,
        generation=session.generation,
        request_id=wish.request_id,
        request_digest=wish.request_digest,
        reason=wish.reason,
        requested_by=wish.requested_by,
        approved_by=wish.approved_by,
        requested_at=at,
    )
    if wish.account:
        cancellation.account = dict(wish.account)
    cancellation.save(force_insert=True)
    _write(session, reserved=session.reserved + wish.amount)
    ledger.intend(session, CallKind.CANCEL, None, due_at=at, cancellation=cancellation)
    actor = wish.requested_by or wish.origin.lower()
    ledger.note(session, "cancel_requested", actor, cancel=str(cancellation.uuid), amount=wish.amount)
    return cancellation


def fits(session: PaymentSession, amount: int, tax_free: int | None) -> bool:
    """Whether so much, and this tax-free part of it, can still be given back."""
    try:
        _tax_free_part(session, amount, tax_free)
    except NotEnough:
        return False
    return True


def _tax_free_part(session: PaymentSession, amount: int, tax_free: int | None) -> int:
    """Return the tax-free part of this cancel; the last one takes what is left of it. Raises NotEnough."""
    left = tax_free_balance(session)
    taxed_left = session.balance - left
    least = max(0, amount - taxed_left)
    chosen = least if tax_free is None else tax_free
    if not 0 < amount <= session.balance or not least <= chosen <= min(left, amount):
        raise NotEnough
    return chosen


def tax_free_balance(session: PaymentSession) -> int:
    """Return what is left of the payment's tax-free part, in minor units."""
    counted = session.cancellations.exclude(state__in=(C.REFUSED, C.REVERSED))
    given: int = counted.aggregate(sum=Sum("tax_free", default=0))["sum"]
    return max(0, min(session.tax_free - given, session.balance))


def open_cancel(session: PaymentSession) -> Cancellation | None:
    """Return the cancel of the session whose outcome nobody knows yet."""
    return session.cancellations.filter(state__in=OPEN_CANCELS).first()


def sending(cancellation: Cancellation, state: CancelState) -> None:
    """Write how the call of an open cancel stands: REQUESTED (not sent), SENDING or UNKNOWN."""
    Cancellation.objects.filter(pk=cancellation.pk, state__in=OPEN_CANCELS).update(state=state)


def done(session: PaymentSession, cancellation: Cancellation, at: datetime, gateway_cancel_id: str) -> None:
    """Book money that went back."""
    held = cancellation.amount if cancellation.state in RESERVING else 0
    # It went after all: what was said of its way back counts no more.
    gone = {"ended_at": at, "reversed_at": None, "gateway_cancel_id": gateway_cancel_id, "code": "", "message": ""}
    _change(cancellation, C.DONE, **gone)
    ours = cancellation.origin != CancelOrigin.GATEWAY
    cancelled = session.cancelled + cancellation.amount
    _follow(session, ours=ours, cancelled=cancelled, reserved=session.reserved - held)
    _note(session, cancellation, "cancelled")


def pending(session: PaymentSession, cancellation: Cancellation, gateway_cancel_id: str) -> None:
    """Write that the gateway has accepted a cancel and takes its time; its reservation stays."""
    _change(cancellation, C.PENDING, gateway_cancel_id=gateway_cancel_id)
    _note(session, cancellation, "cancel_pending")


def refused(session: PaymentSession, cancellation: Cancellation, at: datetime, code: str, message: str = "") -> None:
    """Give a reservation back to the balance."""
    _change(cancellation, C.REFUSED, ended_at=at, code=code[:100], message=message[:500])
    _write(session, reserved=session.reserved - cancellation.amount, generation=session.generation + 1)
    _note(session, cancellation, "cancel_refused", code=code[:100])


def reversed(session: PaymentSession, cancellation: Cancellation, at: datetime, code: str) -> None:
    """Book money that came back to us after it had gone."""
    _change(cancellation, C.REVERSED, reversed_at=at, code=code[:100])
    _follow(session, cancelled=session.cancelled - cancellation.amount, generation=session.generation + 1)
    _note(session, cancellation, "refund_reversed", code=code[:100])


def found_outside(
    session: PaymentSession, amount: int, gateway_cancel_id: str, at: datetime, *, is_done: bool
) -> Cancellation:
    """Record a refund that was made without us; still under way, it holds its amount."""
    cancellation = Cancellation.objects.create(
        session=session,
        origin=CancelOrigin.GATEWAY,
        state=C.PENDING,
        amount=amount,
        balance_before=max(session.balance, 0),
        generation=session.generation,
        gateway_cancel_id=gateway_cancel_id,
        requested_at=at,
    )
    _write(session, reserved=session.reserved + amount)
    _note(session, cancellation, "refund_found")
    if is_done:
        done(session, cancellation, at, gateway_cancel_id)
    return cancellation


def flag(session: PaymentSession, kind: str, **facts: Any) -> None:
    """Show the session to staff, with what is known; each kind once, till they take the mark off."""
    if not session.attention or not session.events.filter(kind=kind).exists():
        _write(session, attention=True)
        ledger.note(session, kind, "gateway", **facts)


def flag_if_overdrawn(session: PaymentSession) -> None:
    """Show staff a session of which more went back, or is on its way, than was granted."""
    if session.balance < 0:
        flag(session, "overlap", balance=session.balance)


def mark_disputed(session: PaymentSession, disputed: bool) -> None:
    """Follow the gateway: a dispute is shown to staff; that it is over is noted only."""
    _write(session, disputed=disputed, attention=session.attention or disputed)
    ledger.note(session, "disputed" if disputed else "dispute_over", "gateway")


def end_cancel_call(cancellation: Cancellation, state: Any, at: datetime) -> None:
    """End the open call of a cancel from what a lookup saw, taking its lease."""
    GatewayCall.objects.filter(cancellation=cancellation, state__in=OPEN_CALLS).update(
        state=state, ended_at=at, due_at=None, lease_token=None
    )


def _change(cancellation: Cancellation, target: CancelState, **changes: Any) -> None:
    """Move the cancellation if it still is where it was read. Raises StaleStage."""
    origin = CancelState(cancellation.state)
    if target not in MOVES[origin]:
        raise ValueError(f"{cancellation}: {origin} -> {target}")
    rows = Cancellation.objects.filter(pk=cancellation.pk, state=origin)
    if not rows.update(state=target, **changes):
        raise StaleStage(str(cancellation))
    for name, value in {"state": target, **changes}.items():
        setattr(cancellation, name, value)


def _follow(session: PaymentSession, *, ours: bool = True, **money: int) -> None:
    """Write the sums, and with them the stage that follows from ``cancelled`` against ``paid``."""
    target, more = _stage_for(session, money["cancelled"], ours)
    if target == session.stage:
        _write(session, **money)
    else:
        move(session, target, **money, **more)


def _stage_for(session: PaymentSession, cancelled: int, ours: bool) -> tuple[Stage, dict[str, Any]]:
    stage = Stage(session.stage)
    if stage is Stage.REVIEW:
        # What we sent back needs nobody any more; what went back without us is a person's to judge.
        all_back = ours and cancelled >= session.paid
        return (Stage.CANCELLED, {"attention": False}) if all_back else (stage, {})
    if cancelled >= session.paid:
        return Stage.CANCELLED, {}
    # Money that never was its order's, or is not any more, does not pay it when it comes back.
    if stage is Stage.CANCELLED and (session.reason or _another_counts(session)):
        return Stage.REVIEW, {"reason": session.reason or Reason.DOUBLE_PAYMENT, "attention": True}
    return (Stage.PARTIALLY_CANCELLED if cancelled else Stage.PAID), {}


def _another_counts(session: PaymentSession) -> bool:
    others = PaymentSession.objects.filter(order=session.order_id).exclude(pk=session.pk)
    return others.filter(Q(stage__in=HOLDING) | Q(stage__in=LIVE)).exists()


def _write(session: PaymentSession, **changes: Any) -> None:
    PaymentSession.objects.filter(pk=session.pk).update(**changes)
    for name, value in changes.items():
        setattr(session, name, value)


def _note(session: PaymentSession, cancellation: Cancellation, kind: str, **facts: Any) -> None:
    facts |= {"cancel": str(cancellation.uuid), "amount": cancellation.amount, "origin": cancellation.origin}
    ledger.note(session, kind, "gateway", **facts)
