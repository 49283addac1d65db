"""The worker's part of a cancel: write the exact body, send it, write the outcome; and what to do in doubt.

A cancel is locked before its call, by whoever writes both: a webhook may tell of the refund at this very moment.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from bridge import complete, doubt, refunding
from bridge.accounts import gateway_of
from bridge.gateways.base import CancelRequest, Fetched, Gateway, Refund
from bridge.gateways.errors import Denied, GatewayError, NotSent, Refused, Replayed
from bridge.waiting import hands_off
from payments import ladders, ledger, refunds
from payments.models import CallState, Cancellation, CancelOrigin, CancelState, GatewayCall, PaymentSession
from payments.reviewing import A_PERSON_DECIDES

ACTOR = "sweep"
# While the shop waits for its answer, what was not sent is tried again.
SHOP_WAITS = timedelta(seconds=15)
PAUSE = timedelta(seconds=1)
NOT_REACHED = "gateway_not_reached"


def work(call: GatewayCall) -> None:
    """Send a cancel that nobody has sent, or find out what one did whose outcome is not known."""
    gateway = gateway_of(call.session.merchant)
    if call.state == CallState.READY or call.body is None:
        _send_first(gateway, call)
    else:
        _resolve(gateway, call)


def _send_first(gateway: Gateway, call: GatewayCall) -> None:
    if call.body is None:
        try:
            call.body = gateway.cancel_body(_request(call))
        except Refused as refusal:
            _refuse(call, refusal)
            return
    if not _write_body(call):
        return
    hands_off()
    try:
        made = gateway.cancel(doubt.stored(gateway, call))
    except GatewayError as error:
        _not_done(call, error)
    else:
        _book(call, made)
        if call.attempts:
            doubt.carried_out(call)


def _request(call: GatewayCall) -> CancelRequest:
    session, cancellation = call.session, _cancellation(call)
    return CancelRequest(
        cancel_id=str(cancellation.uuid),
        reference=session.reference,
        gateway_id=session.gateway_id,
        gateway_payment_id=session.gateway_payment_id,
        amount=cancellation.amount,
        currency=session.currency,
        balance_before=cancellation.balance_before,
        tax_free=cancellation.tax_free,
        reason=cancellation.reason,
        account=cancellation.account or {},
    )


def _cancellation(call: GatewayCall) -> Cancellation:
    if call.cancellation is None:
        raise ValueError(f"call {call.pk} is no cancel")
    return call.cancellation


@transaction.atomic
def _write_body(call: GatewayCall) -> bool:
    """Commit the exact body before it is sent; False: the lease is lost."""
    held = GatewayCall.objects.filter(pk=call.pk, lease_token=call.lease_token)
    refunds.sending(_cancellation(call), CancelState.SENDING)
    return bool(held.update(sealed_body=call.sealed_body))


def _not_done(call: GatewayCall, error: GatewayError) -> None:
    if isinstance(error, Refused):
        doubt.answered(call.merchant_id)
        _refuse(call, error)
        return
    doubt.no_answer(call.merchant_id, error)
    if not isinstance(error, NotSent):
        _leave_unknown(call, error.code)
    elif _cancellation(call).origin != CancelOrigin.SHOP:
        _leave_unsent(call, doubt.next_try(call, ladders.UNSENT_CALL), error.code)
    elif timezone.now() - _cancellation(call).requested_at < SHOP_WAITS:
        _leave_unsent(call, timezone.now() + PAUSE, error.code)
    else:
        _refuse(call, Refused(NOT_REACHED, str(error)))


def _leave_unsent(call: GatewayCall, due_at: datetime, code: str) -> None:
    with transaction.atomic():
        refunds.sending(_cancellation(call), CancelState.REQUESTED)
        ledger.leave_unsent(call, due_at, code)


def _leave_unknown(call: GatewayCall, code: str, *, probed: bool = True) -> None:
    with transaction.atomic():
        refunds.sending(_cancellation(call), CancelState.UNKNOWN)
        doubt.still_unknown(call, code, probed=probed)


def _book(call: GatewayCall, made: Refund) -> None:
    """Write what the gateway made of the cancel; whoever lost the lease leaves it to the one who has it."""
    doubt.answered(call.merchant_id)
    if made.amount != _cancellation(call).amount:
        _leave_unknown(call, "another_amount")
        return
    now = timezone.now()
    with transaction.atomic():
        session, cancellation = _locked(call)
        if ledger.end_call(call, CallState.DONE, now):
            refunding.settle(session, cancellation, made, now)
            ledger.look_at(session, now)


def _refuse(call: GatewayCall, refusal: Refused) -> None:
    now = timezone.now()
    with transaction.atomic():
        session, cancellation = _locked(call)
        if ledger.end_call(call, CallState.REFUSED, now, code=refusal.code, message=refusal.message[:500]):
            refunding.refuse(session, cancellation, now, refusal.code, refusal.message)
            # It may be refused because money went back without us.
            ledger.look_at(session, now)


def _locked(call: GatewayCall) -> tuple[PaymentSession, Cancellation]:
    session = ledger.lock_session(call.session_id)
    return session, Cancellation.objects.select_for_update().get(pk=_cancellation(call).pk)


def _resolve(gateway: Gateway, call: GatewayCall) -> None:
    """Look first: a refund that carries our cancel id is this one. One that is not there is sent again."""
    try:
        found = complete.ask(call.session)
    except GatewayError as error:
        doubt.no_answer(call.merchant_id, error)
        _leave_unknown(call, error.code)
        return
    doubt.answered(call.merchant_id)
    complete.settle(call.session_id, found, ACTOR)
    if not GatewayCall.objects.filter(pk=call.pk, lease_token=call.lease_token).exists():
        return
    now = timezone.now()
    if found is None or found.refunds is None:
        _leave_unknown(call, "not_there")
    elif any(one.cancel_id == str(_cancellation(call).uuid) for one in found.refunds):
        # It is there, but not as we asked for it: made again, it would go back twice.
        _leave_unknown(call, A_PERSON_DECIDES, probed=False)
    elif doubt.key_is_valid(gateway, call, now):
        _send_again(gateway, call)
    elif doubt.surely_absent(call, now):
        _send_once_more(gateway, call, found)


def _send_once_more(gateway: Gateway, call: GatewayCall, found: Fetched) -> None:
    """The key is gone and the refund surely not there: only a gateway that minds the balance is asked again.

    Not if somebody gave as much back in the gateway's console, perhaps because this one took so long, and as much
    is left to be given back twice.
    """
    cancellation = _cancellation(call)
    is_left = found.received - found.returned >= cancellation.amount
    twice = is_left and refunding.may_be(cancellation, found.refunds or ())
    if not gateway.capabilities.balance_guard or twice:
        _leave_unknown(call, A_PERSON_DECIDES, probed=False)
        return
    now = timezone.now()
    fresh = {"first_sent_at": now, "missed_looks": 0, "first_missed_at": None}
    if GatewayCall.objects.filter(pk=call.pk, lease_token=call.lease_token).update(**fresh):
        _send_again(gateway, call)


def _send_again(gateway: Gateway, call: GatewayCall) -> None:
    """Same key, same body: while the key is valid, the answer is that of the call, whichever try made it.

    A refusal of the keys themselves says nothing of the earlier tries.
    """
    hands_off()
    try:
        made = gateway.cancel(doubt.stored(gateway, call))
    except Denied as error:
        _leave_unknown(call, error.code)
    except Refused as refusal:
        doubt.answered(call.merchant_id)
        _refuse(call, refusal)
    except GatewayError as error:
        doubt.no_answer(call.merchant_id, error)
        _leave_unknown(call, error.code, probed=not isinstance(error, Replayed))
    else:
        _book(call, made)
        doubt.carried_out(call)
