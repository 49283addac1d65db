"""Money going back, as the gateway shows it: ours is recognised by our cancel id, the rest was made without us.

Everything here runs under the session's lock and tells the shop in the same transaction.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings

from bridge import shop
from bridge.gateways import gateway_class
from bridge.gateways.base import Fetched, Refund, RefundStatus
from payments import ladders, ledger, refunds
from payments.models import (
    OPEN_CANCELS,
    CallState,
    Cancellation,
    CancelOrigin,
    CancelState,
    DeliveryKind,
    PaymentSession,
)
from payments.refunds import Wish
from payments.states import Reason

# Good money that may not pay its order.
UNWANTED = frozenset({Reason.DOUBLE_PAYMENT, Reason.SUPERSEDED, Reason.CANCELLED_BY_SHOP})
_BEST_FIRST = (RefundStatus.DONE, RefundStatus.PENDING, RefundStatus.FAILED)


def follow(session: PaymentSession, found: Fetched, now: datetime) -> datetime | None:
    """Book what a lookup shows of the payment's refunds and of a dispute.

    Returns when to look again where it did not show all that it should.
    """
    if not session.paid:
        return None
    _follow_dispute(session, found, now)
    if found.refunds is None:
        return None
    known = list(session.cancellations.select_for_update().order_by("pk"))
    again = ladders.after(ladders.UNANSWERED_LOOK, 1, now) if _is_outdated(known, found) else None
    others = _settle_known(session, known, found, now)
    if any(cancellation.state in OPEN_CANCELS for cancellation in known):
        # One of them may be the open cancel's, under another name: its end makes a look due.
        return None
    for refund in others:
        if refund.status is not RefundStatus.FAILED:
            _record_outside(session, refund, now)
    refunds.flag_if_overdrawn(session)
    if any(ladders.is_overdue(cancellation, now) for cancellation in known):
        refunds.flag(session, "refund_overdue")
    if found.returned > session.cancelled + session.reserved:
        return _await_refund(session, found.returned, now)
    return again


def _await_refund(session: PaymentSession, returned: int, now: datetime) -> datetime | None:
    """Return when to look for a refund that no list shows: a list may lag behind. At last it is shown to staff."""
    lately = session.events.filter(at__gt=now - ladders.SAYS_MORE_PATIENCE).order_by("pk")
    seen = lately.filter(kind="refund_awaited", facts={"returned": returned}).first()
    if seen is None:
        ledger.note(session, "refund_awaited", "gateway", returned=returned)
    again = ladders.next_of(ladders.UNLISTED_REFUND, seen.at if seen else now, now)
    if again is None:
        refunds.flag(session, "unlisted_refund", returned=returned)
    return again


def _settle_known(
    session: PaymentSession, known: Sequence[Cancellation], found: Fetched, now: datetime
) -> list[Refund]:
    """Settle the cancels that the refunds belong to, and return the refunds that belong to none.

    A cancel is one refund: a second one under its id went without a request.
    """
    by_theirs = {one.gateway_cancel_id: one for one in known if one.gateway_cancel_id}
    by_ours = {str(one.uuid): one for one in known if not one.gateway_cancel_id}
    others = []
    for refund in sorted(found.refunds or (), key=lambda one: _BEST_FIRST.index(one.status)):
        cancellation = by_theirs.get(refund.gateway_cancel_id) or by_ours.pop(refund.cancel_id, None)
        if cancellation is None:
            others.append(refund)
        elif refund.status is not RefundStatus.DONE or not _was_asked_before_it_came_back(cancellation, found):
            settle(session, cancellation, refund, now)
    return others


def _is_outdated(known: Iterable[Cancellation], found: Fetched) -> bool:
    return any(_was_asked_before_it_came_back(cancellation, found) for cancellation in known)


def _was_asked_before_it_came_back(cancellation: Cancellation, found: Fetched) -> bool:
    """Whether another lookup, begun later and booked sooner, has shown that the refund failed."""
    came_back_at = cancellation.reversed_at or cancellation.ended_at
    is_back = cancellation.state in (CancelState.REFUSED, CancelState.REVERSED)
    return is_back and found.asked_at is not None and came_back_at is not None and found.asked_at < came_back_at


def may_be(cancellation: Cancellation, listed: Iterable[Refund]) -> Refund | None:
    """Return a listed refund that our books do not know and that may be this cancel: it has the same amount."""
    known = set(cancellation.session.cancellations.values_list("gateway_cancel_id", flat=True))
    found = (one for one in listed if one.gateway_cancel_id not in known and one.status is not RefundStatus.FAILED)
    return next((one for one in found if one.amount == cancellation.amount), None)


def settle(session: PaymentSession, cancellation: Cancellation, refund: Refund, now: datetime) -> None:
    """Write what became of one cancel, and tell the shop once it is decided."""
    state = CancelState(cancellation.state)
    is_open = state in OPEN_CANCELS
    if refund.amount != cancellation.amount:
        refunds.flag(session, "refund_differs", cancel=str(cancellation.uuid), found=refund.amount)
        return
    if is_open:
        ended = CallState.REFUSED if refund.status is RefundStatus.FAILED else CallState.DONE
        refunds.end_cancel_call(cancellation, ended, now)
    if refund.status is RefundStatus.DONE:
        if state is not CancelState.DONE:
            refunds.done(session, cancellation, now, refund.gateway_cancel_id)
            tell(session, DeliveryKind.CANCEL_COMPLETE, cancellation, now)
    elif refund.status is RefundStatus.PENDING:
        if is_open:
            refunds.pending(session, cancellation, refund.gateway_cancel_id)
    elif is_open or state is CancelState.PENDING:
        refuse(session, cancellation, now, refund.code or "refund_failed")
    elif state is CancelState.DONE:
        refunds.reversed(session, cancellation, now, refund.code)
        tell(session, DeliveryKind.REFUND_REVERSED, cancellation, now)


def refuse(session: PaymentSession, cancellation: Cancellation, now: datetime, code: str, message: str = "") -> None:
    """Give up a cancel that the gateway does not carry out."""
    refunds.refused(session, cancellation, now, code, message)
    tell(session, DeliveryKind.CANCEL_FAILED, cancellation, now)


def _record_outside(session: PaymentSession, refund: Refund, now: datetime) -> None:
    is_done = refund.status is RefundStatus.DONE
    found = refunds.found_outside(session, refund.amount, refund.gateway_cancel_id, now, is_done=is_done)
    if is_done:
        tell(session, DeliveryKind.CANCEL_COMPLETE, found, now)


def tell(session: PaymentSession, kind: DeliveryKind, cancellation: Cancellation, now: datetime) -> None:
    """Tell the shop of a cancel, if it knows of the payment or waits; a repeat of one kind is a new generation."""
    if cancellation.origin == CancelOrigin.GATEWAY and kind == DeliveryKind.CANCEL_FAILED:
        return
    if _shop_knows(session) or shop_waits(session):
        cause = f"{cancellation.uuid}/{session.generation}"
        shop.tell(session.order, session, kind, now, cause, **shop.cancel_of(cancellation, session.currency))


def _shop_knows(session: PaymentSession) -> bool:
    return bool(session.deliveries.filter(kind=DeliveryKind.PAY_COMPLETE).exists())


def shop_waits(session: PaymentSession) -> bool:
    """Whether the shop, which wanted the payment cancelled, was told that a message follows and has heard of no end."""
    told = session.deliveries.filter(kind=DeliveryKind.CANCEL_COMPLETE)
    return session.close_wanted and not told.exists()


def _follow_dispute(session: PaymentSession, found: Fetched, now: datetime) -> None:
    """Keep the flag as the gateway shows it."""
    if found.disputed == session.disputed:
        return
    refunds.mark_disputed(session, found.disputed)
    if found.disputed and _shop_knows(session):
        told = session.deliveries.filter(kind=DeliveryKind.DISPUTED).count()
        shop.tell(session.order, session, DeliveryKind.DISPUTED, now, f"dispute/{told + 1}")


def send_back(session: PaymentSession, origin: CancelOrigin, reason: str, now: datetime) -> None:
    """Reserve all that is left; by policy only what goes back without the buyer's doing, else a person decides."""
    itself = gateway_class(session.gateway).capabilities.refunds_itself
    by_itself = settings.PGB_REFUND_UNWANTED_PAYMENTS and session.method in itself
    if origin is CancelOrigin.POLICY and not by_itself:
        return
    try:
        refunds.reserve(session, Wish(amount=session.balance, origin=origin, reason=reason), now)
    except refunds.NotGranted:
        refunds.flag(session, "not_sent_back", reason=reason)
