"""What is looked at again: calls that wait or are in doubt, and sessions that are silent.

UNKNOWN is never guessed. The gateway is asked first; what it does not have is sent again under the
same key and with the same body while the key surely means the same call; after that "it is not there"
counts only when said three times over ten minutes.
"""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from bridge import cancel_calls, complete, decisions, doubt, opening
from bridge.accounts import gateway_of
from bridge.gateways.base import Fetched, Gateway, Status
from bridge.gateways.errors import Denied, GatewayError, NotSent, Refused, Replayed
from bridge.waiting import hands_off
from payments import ladders, ledger
from payments.models import CallKind, CallState, GatewayCall, PaymentSession
from payments.states import LIVE, Reason, Stage

ACTOR = "sweep"


def look(session: PaymentSession) -> None:
    """Ask about a session whose look is due. A look without an answer is repeated soon and counts for nothing."""
    held = PaymentSession.objects.filter(pk=session.pk)
    try:
        found = complete.ask(session)
    except GatewayError as error:
        doubt.no_answer(session.merchant_id, error)
        again = ladders.after(ladders.UNANSWERED_LOOK, session.attempts + 1, timezone.now())
        held.finish(session.lease_token, again)
        return
    doubt.answered(session.merchant_id)
    after = complete.settle(session.pk, found, ACTOR)
    if after.decision:
        decisions.carry_out(session.pk, found)
    next_look = ladders.next_look(after, timezone.now())
    if session.stage not in LIVE and next_look is None:
        # Nobody but staff asks about what has ended: they want to see what the gateway said.
        said = {"status": found.raw_status, "verified": found.received} if found else {"status": "not there"}
        ledger.note(after, "looked", "gateway", **said)
    held.finish(session.lease_token, next_look, attempts=0)


def work(call: GatewayCall) -> None:
    """Send a call that nobody has sent, or find out what one did whose outcome is not known."""
    if call.kind == CallKind.CANCEL:
        cancel_calls.work(call)
    elif call.state != CallState.READY:
        _resolve(call)
    elif call.kind == CallKind.EXPIRE:
        _close(call)


def _close(call: GatewayCall) -> None:
    """Close a session at the gateway, then look at what it became."""
    gateway = gateway_of(call.session.merchant)
    hands_off()
    try:
        gateway.expire(doubt.stored(gateway, call))
    except GatewayError as error:
        _not_closed(call, error)
        return
    doubt.answered(call.merchant_id)
    if call.attempts:
        doubt.carried_out(call)
    _look_now(call, CallState.DONE)


def _not_closed(call: GatewayCall, error: GatewayError) -> None:
    if isinstance(error, Refused):
        doubt.answered(call.merchant_id)
        _look_now(call, CallState.REFUSED, error)
        return
    doubt.no_answer(call.merchant_id, error)
    if isinstance(error, NotSent):
        ledger.leave_unsent(call, doubt.next_try(call, ladders.UNSENT_CALL), error.code)
    else:
        doubt.still_unknown(call, error.code)


def _look_now(call: GatewayCall, outcome: CallState, error: Refused | None = None) -> None:
    """End a closing that was answered, at once with what its session became: who waits for it sees both.

    Without an answer to the look the sweep looks soon.
    """
    words = {"code": error.code, "message": error.message} if error else {}
    try:
        found = complete.ask(call.session)
    except GatewayError as no_look:
        doubt.no_answer(call.merchant_id, no_look)
        ledger.end_call(call, outcome, timezone.now(), **words)
        PaymentSession.objects.filter(pk=call.session_id).ring(timezone.now())
        return
    with transaction.atomic():
        session = complete.settle(call.session_id, found, ACTOR)
        ledger.end_call(call, outcome, timezone.now(), **words)
        if call.purpose == Reason.REPLACED and _is_refused(call):
            _give_way(session, found)
        elif session.is_live and (outcome == CallState.DONE or session.close_wanted):
            # What a gateway shows may lag behind what it did; a buyer who approves just now may turn back.
            ledger.look_at(session, ladders.after(ladders.UNANSWERED_LOOK, 1, timezone.now()))


def _is_refused(call: GatewayCall) -> bool:
    """Say what counts, not what we heard: another worker may have ended the call, or hold it."""
    return GatewayCall.objects.filter(pk=call.pk, state=CallState.REFUSED).exists()


def _give_way(session: PaymentSession, found: Fetched | None) -> None:
    """End a session that cannot be closed, for the sake of a new one; money that still comes goes to REVIEW.

    While the buyer is approving it, it stays: the shop is asked to come back in a moment.
    """
    approving = found is not None and found.status is Status.APPROVING
    if session.stage in LIVE and not approving:
        now = timezone.now()
        complete.end_and_tell(session, Stage.EXPIRED, Reason.SUPERSEDED, ACTOR, now)
        ledger.look_at(session, ladders.next_look(session, now))


def _resolve(call: GatewayCall) -> None:
    """Find out what a call in doubt did: look first, then repeat it while its key is valid."""
    session = call.session
    try:
        found = complete.ask(session)
    except GatewayError as error:
        doubt.no_answer(call.merchant_id, error)
        doubt.still_unknown(call, error.code)
        return
    doubt.answered(call.merchant_id)
    complete.settle(session.pk, found, ACTOR)
    if found is not None and (call.kind == CallKind.START or found.status is not Status.OPEN):
        doubt.still_unknown(call, found.raw_status)
    else:
        _send_again_or_give_up(call)


def _send_again_or_give_up(call: GatewayCall) -> None:
    """An opening is sent again while its key and its session last, and once more when that has ended.

    A closing always: closed twice is closed once.
    """
    now = timezone.now()
    gateway = gateway_of(call.session.merchant)
    lasts = now < call.session.expires_at or not call.missed_looks
    if call.kind != CallKind.START or (lasts and doubt.key_is_valid(gateway, call, now)):
        _send_again(gateway, call)
    elif doubt.surely_absent(call, now):
        _never_opened(call, now)


def _send_again(gateway: Gateway, call: GatewayCall) -> None:
    """Same key, same body: the answer is that of the call, whichever try made it.

    So an opening that is refused now, and was not found just before, did nothing; unless the keys are refused.
    """
    hands_off()
    try:
        if call.kind == CallKind.START:
            opening.opened(call.session, call, gateway.start(doubt.stored(gateway, call)))
        else:
            gateway.expire(doubt.stored(gateway, call))
            _look_now(call, CallState.DONE)
    except GatewayError as error:
        doubt.no_answer(call.merchant_id, error)
        if call.kind == CallKind.START:
            _not_opened(call, error)
        else:
            doubt.still_unknown(call, error.code, probed=not isinstance(error, Replayed))
    else:
        doubt.carried_out(call)


def _not_opened(call: GatewayCall, error: GatewayError) -> None:
    """Without a refusal "it was not there" counts as soon as no further try can open it."""
    now = timezone.now()
    if isinstance(error, Refused) and not isinstance(error, Denied):
        _never_opened(call, now, error.code)
    elif not isinstance(error, Replayed) and now < call.session.expires_at:
        doubt.still_unknown(call, error.code)
    elif doubt.surely_absent(call, now):
        _never_opened(call, now)


def _never_opened(call: GatewayCall, now: datetime, code: str = "not_there") -> None:
    with transaction.atomic():
        session = ledger.lock_session(call.session_id)
        if ledger.end_call(call, CallState.REFUSED, now, code=code) and session.stage in LIVE:
            complete.end_and_tell(session, Stage.EXPIRED, Reason.NEVER_OPENED, ACTOR, now)
