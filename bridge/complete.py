"""From a doorbell to the truth: ask the gateway, compare with what we asked for, move the session, tell the shop.

Webhooks, browser returns, sweeps and staff all come here; how often and in which order does not matter.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from bridge import refunding, shop
from bridge.accounts import gateway_of, is_live
from bridge.gateways.base import Fetched, Status
from bridge.waiting import hands_off
from payments import ladders, ledger
from payments.models import CallKind, CallState, CancelOrigin, DeliveryKind, GatewayCall, PaymentSession
from payments.states import LIVE, UNPAID_ENDS, Reason, Stage, move

# A call's try may begin this much before or after the time that our clock gave it.
CLOCK_MARGIN = timedelta(minutes=1)
DEPOSIT_PATIENCE = timedelta(days=8)
# What a gateway says of a payment that it will not change by itself any more.
ENDED = frozenset({Status.PAID, Status.UNSETTLED, Status.FAILED, Status.EXPIRED})


def ask(session: PaymentSession, gateway_id: str = "", *, refunds: bool = False) -> Fetched | None:
    """Ask the gateway what the session is; None: it has no such payment. Raises GatewayError for no answer.

    ``gateway_id`` is what a notice calls the payment while our own row has no id yet. ``refunds``: it speaks of one,
    so that they are asked for though nothing else shows any.
    """
    gateway = gateway_of(session.merchant)
    known = session.gateway_id or gateway_id
    since = _first_sent(session) - CLOCK_MARGIN if not known else None
    may_go_back = refunds or (bool(session.paid) and session.cancellations.exists())
    hands_off()
    asked_at = timezone.now()
    found = gateway.fetch(known) if since is None else gateway.find(session.reference, since, asked_at + CLOCK_MARGIN)
    if found is not None and found.gateway_payment_id and (found.returned or may_go_back):
        return replace(found, refunds=gateway.refunds(found.gateway_payment_id), asked_at=asked_at)
    return found


def _first_sent(session: PaymentSession) -> datetime:
    opening: GatewayCall = session.calls.filter(kind=CallKind.START).latest("pk")
    return opening.first_sent_at or opening.created_at


def settle(session_pk: int, found: Fetched | None, actor: str) -> PaymentSession:
    """Write what a lookup found. Returns the session as it stands then."""
    now = timezone.now()
    with transaction.atomic():
        session = ledger.lock_session(session_pk)
        if found is None or (not session.gateway_id and found.reference != session.reference):
            return session
        _settle_calls(session, found, now)
        ledger.identify(
            session,
            now,
            gateway_id=found.gateway_id,
            gateway_payment_id=found.gateway_payment_id,
            page_url=found.page_url,
        )
        _STEPS[found.status](session, found, actor, now)
        again = refunding.follow(session, found, now)
        _plan_look(session, found, now, again)
    return session


def _plan_look(session: PaymentSession, found: Fetched, now: datetime, again: datetime | None) -> None:
    """A live session always has a next look; of others only money on its way back, or gone lately, and ``again``."""
    if again is not None:
        ledger.look_at(session, again)
    elif session.stage in LIVE and session.due_at is None:
        ledger.look_at(session, ladders.next_look(session, now))
    elif session.stage not in LIVE and (session.due_at is None or found.status in ENDED):
        at = ladders.next_refund_look(session, now)
        if at != session.due_at:
            ledger.look_at(session, at)


def _settle_calls(session: PaymentSession, found: Fetched, now: datetime) -> None:
    """A payment that is there was opened; one that is paid, or waits for its deposit, was not closed."""
    call = ledger.open_call(session)
    if call is None:
        return
    if call.kind == CallKind.START or (call.kind == CallKind.EXPIRE and found.status is Status.EXPIRED):
        ledger.take_call(call, CallState.DONE, now)
    elif call.kind == CallKind.EXPIRE and found.status not in (Status.OPEN, Status.APPROVING):
        ledger.take_call(call, CallState.REFUSED, now)


def _pay(session: PaymentSession, found: Fetched, actor: str, now: datetime) -> None:
    if session.stage not in LIVE | UNPAID_ENDS and (session.stage != Stage.CANCELLED or session.paid):
        return
    problem = _mismatch(session, found) or _out_of_turn(session)
    if problem is None:
        ledger.book_payment(session, found.received, now)
        shop.tell(session.order, session, DeliveryKind.PAY_COMPLETE, now)
        if session.close_wanted:
            refunding.send_back(session, CancelOrigin.SHOP, Reason.CANCELLED_BY_SHOP, now)
        return
    same_money = found.currency == session.currency
    ledger.put_in_review(
        session,
        problem,
        found.received if same_money else 0,
        found_amount=found.amount,
        found_currency=found.currency,
        found_reference=found.reference,
        found_livemode=found.livemode,
        found_returned=found.returned,
    )
    if problem in refunding.UNWANTED and session.paid:
        refunding.send_back(session, CancelOrigin.POLICY, problem, now)


def _mismatch(session: PaymentSession, found: Fetched) -> Reason | None:
    """Compare what the gateway was paid with what we asked for."""
    if found.status is not Status.PAID:
        return Reason.NOT_SETTLED
    if found.reference != session.reference or found.gateway_id != session.gateway_id:
        return Reason.WRONG_ORDER
    if found.livemode != is_live(session.merchant):
        return Reason.WRONG_MODE
    if found.currency != session.currency:
        return Reason.WRONG_CURRENCY
    if found.amount != session.amount or found.received != session.amount:
        return Reason.WRONG_AMOUNT
    return Reason.ALREADY_REVERSED if found.returned or found.disputed else None


def _out_of_turn(session: PaymentSession) -> Reason | None:
    """Say why good money may not pay the order: it has been paid, given up for a new payment, or cancelled."""
    another_paid, newer_exists = ledger.others_of(session)
    if another_paid:
        return Reason.DOUBLE_PAYMENT
    if session.stage == Stage.CANCELLED:
        return Reason.CANCELLED_BY_SHOP
    return Reason.SUPERSEDED if newer_exists or session.reason == Reason.SUPERSEDED else None


def _await_deposit(session: PaymentSession, found: Fetched, actor: str, now: datetime) -> None:
    if session.close_wanted and session.stage in LIVE:
        _close_or_give_up(session, actor, now)
    elif session.stage in (Stage.STANDBY, Stage.CONFIRMING):
        move(session, Stage.WAITING_DEPOSIT, expires_at=now + DEPOSIT_PATIENCE)
        ledger.note(session, "waiting_deposit", actor)
        shop.tell(session.order, session, DeliveryKind.VIRTUAL_ACCOUNT_ISSUED, now)


def _close_or_give_up(session: PaymentSession, actor: str, now: datetime) -> None:
    """Close what waits for a deposit; where it can be closed no more, a deposit that still comes is not the order's."""
    closings = session.calls.filter(kind=CallKind.EXPIRE, purpose=Reason.CANCELLED_BY_SHOP)
    if closings.filter(state=CallState.REFUSED).exists():
        end_and_tell(session, Stage.EXPIRED, Reason.CANCELLED_BY_SHOP, actor, now)
        ledger.look_at(session, ladders.next_look(session, now))
    else:
        close_at_gateway(session, Reason.CANCELLED_BY_SHOP, now)


def _fail(session: PaymentSession, found: Fetched, actor: str, now: datetime) -> None:
    if session.stage in LIVE:
        end_and_tell(session, Stage.FAILED, Reason.NOT_PAID, actor, now)


def _expire(session: PaymentSession, found: Fetched, actor: str, now: datetime) -> None:
    if session.stage in LIVE:
        closing = session.calls.filter(kind=CallKind.EXPIRE, state=CallState.DONE).order_by("-pk").first()
        reason = Reason(closing.purpose) if closing else Reason.LIFETIME
        end_and_tell(session, Stage.EXPIRED, reason, actor, now)


def end_and_tell(session: PaymentSession, stage: Stage, reason: Reason, actor: str, now: datetime) -> None:
    """End a live session unpaid, under its lock. The shop that replaced it itself is not told.

    One that the shop wanted closed is cancelled, however it ended.
    """
    if session.close_wanted:
        ledger.end_unpaid(session, Stage.CANCELLED, Reason.CANCELLED_BY_SHOP, actor)
        shop.tell(session.order, session, DeliveryKind.CANCEL_COMPLETE, now)
        return
    ledger.end_unpaid(session, stage, reason, actor)
    if reason in (Reason.REPLACED, Reason.SUPERSEDED):
        return
    kind = DeliveryKind.PAY_FAILED if stage is Stage.FAILED else DeliveryKind.PAY_EXPIRED
    shop.tell(session.order, session, kind, now)


def _leave_or_close(session: PaymentSession, found: Fetched, actor: str, now: datetime) -> None:
    """Nothing has happened yet; an unwanted page, or one at the end of its life, is closed at the gateway."""
    if session.stage not in LIVE or found.status is not Status.OPEN:
        return
    if session.close_wanted:
        close_at_gateway(session, Reason.CANCELLED_BY_SHOP, now)
    elif session.expires_at <= now:
        close_at_gateway(session, Reason.LIFETIME, now)


def close_at_gateway(session: PaymentSession, purpose: Reason, now: datetime) -> None:
    """Write the intent to close a live session, under its lock, unless a call of it is still open."""
    if ledger.open_call(session) is None:
        body = gateway_of(session.merchant).expire_body(session.gateway_id)
        ledger.intend(session, CallKind.EXPIRE, body, due_at=now, purpose=purpose)


_STEPS = {
    Status.OPEN: _leave_or_close,
    Status.APPROVING: _leave_or_close,
    Status.WAITING_DEPOSIT: _await_deposit,
    Status.PAID: _pay,
    Status.UNSETTLED: _pay,
    Status.FAILED: _fail,
    Status.EXPIRED: _expire,
}
