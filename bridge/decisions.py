"""What a person decided about a payment, carried out: the gateway was asked just before, and the shop is told."""

from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from bridge import refunding, shop
from bridge.gateways.base import Fetched, Refund, RefundStatus, Status
from payments import ledger, reviewing
from payments.models import DeliveryKind, PaymentSession
from payments.states import Decision, Stage, move

ACTOR = "sweep"


def carry_out(session_pk: int, found: Fetched | None) -> None:
    """Do what was decided, if the payment and the gateway still allow it; say so in the timeline either way."""
    now = timezone.now()
    with transaction.atomic():
        session = ledger.lock_session(session_pk)
        if not session.decision:
            return
        decision = Decision(session.decision)
        PaymentSession.objects.filter(pk=session_pk).update(decision="")
        session.decision = ""
        obstacle = _ACTS[decision](session, found, now)
        kind = "decision_not_possible" if obstacle else "decision_carried_out"
        ledger.note(session, kind, ACTOR, decision=decision, code=obstacle)


def _accept(session: PaymentSession, found: Fetched | None, now: datetime) -> str:
    """Let the money pay its order after all. What the gateway holds now is what counts."""
    if session.stage != Stage.REVIEW or reviewing.why_no_accept(session):
        return "not_possible_any_more"
    if found is None or found.status not in (Status.PAID, Status.UNSETTLED) or found.currency != session.currency:
        return "not_paid_at_the_gateway"
    if found.received - found.returned != session.paid - session.cancelled:
        return "another_amount_at_the_gateway"
    move(session, Stage.PAID, paid_at=session.paid_at or now, reason="", attention=False)
    if session.cancelled:
        move(session, Stage.PARTIALLY_CANCELLED)
    shop.tell(session.order, session, DeliveryKind.PAY_COMPLETE, now)
    return ""


def _close(session: PaymentSession, found: Fetched | None, now: datetime) -> str:
    """End it without the shop's order: the shop was never told of this money, but may wait for its cancel."""
    if session.stage != Stage.REVIEW or session.reserved:
        return "not_possible_any_more"
    move(session, Stage.CANCELLED, attention=False)
    if refunding.shop_waits(session):
        shop.tell(session.order, session, DeliveryKind.CANCEL_COMPLETE, now)
    return ""


def _fail(session: PaymentSession, found: Fetched | None, now: datetime) -> str:
    """End it unpaid; the shop that waits for it, and has no other payment of the order, is told."""
    if session.stage != Stage.REVIEW or session.paid:
        return "not_possible_any_more"
    move(session, Stage.FAILED, attention=False)
    if ledger.standing(session.order) == session:
        shop.tell(session.order, session, DeliveryKind.PAY_FAILED, now)
    return ""


def _refunded(session: PaymentSession, found: Fetched | None, now: datetime) -> str:
    return _settle_by_hand(session, RefundStatus.DONE, now, found.refunds if found else None)


def _not_refunded(session: PaymentSession, found: Fetched | None, now: datetime) -> str:
    return _settle_by_hand(session, RefundStatus.FAILED, now)


def _settle_by_hand(
    session: PaymentSession, status: RefundStatus, now: datetime, listed: Iterable[Refund] | None = None
) -> str:
    """Book what a person saw at the gateway of a cancel in doubt, unless it has been found out meanwhile.

    It is the refund that the gateway lists without our id, if there is one: booked by itself it would count twice.
    """
    call = reviewing.call_in_doubt(session)
    if call is None or call.cancellation is None:
        return "not_in_doubt_any_more"
    cancel = call.cancellation
    seen = Refund(
        gateway_cancel_id="", cancel_id=str(cancel.uuid), amount=cancel.amount, status=status, code="decided_by_staff"
    )
    refunding.settle(session, cancel, refunding.may_be(cancel, listed or ()) or seen, now)
    # Refunds made without us were not booked while it was open.
    ledger.look_at(session, now)
    return ""


_ACTS: dict[Decision, Callable[[PaymentSession, Fetched | None, datetime], str]] = {
    Decision.ACCEPTED: _accept,
    Decision.CLOSED: _close,
    Decision.FAILED: _fail,
    Decision.REFUNDED: _refunded,
    Decision.NOT_REFUNDED: _not_refunded,
}
