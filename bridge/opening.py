"""The one call that a web process makes: the opening of a payment at the gateway."""

import time
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from bridge import complete
from bridge.accounts import gateway_of
from bridge.errors import ErrorCode, ShopError
from bridge.gateways.base import Gateway, Started, StartRequest, StoredCall
from bridge.gateways.errors import GatewayError, NotSent, Refused
from bridge.log_lines import about
from bridge.waiting import hands_off
from payments import circuits, ladders, ledger
from payments.models import CallKind, CallState, GatewayCall, PaymentSession
from payments.states import Reason, Stage

SECONDS = 10.0
LEASE_SECONDS = SECONDS + 5
FIRST_PAUSE, LONGEST_PAUSE = 0.3, 2.0
_REASONS = {
    ErrorCode.GATEWAY_REFUSED: Reason.GATEWAY_REFUSED,
    ErrorCode.GATEWAY_UNREACHABLE: Reason.GATEWAY_UNREACHABLE,
}


def intend(session: PaymentSession, now: datetime) -> GatewayCall:
    """Write the opening call, leased to this process. Raises Refused if the gateway cannot express the payment."""
    request = StartRequest(
        reference=session.reference,
        amount=session.amount,
        currency=session.currency,
        method=session.method,
        nation=session.nation,
        description=session.description,
        return_url=f"{settings.PGB_PUBLIC_URL}/PGBReturn/Return/{session.return_token}",
        cancel_url=f"{settings.PGB_PUBLIC_URL}/PGBReturn/Cancel/{session.return_token}",
        expires_at=session.expires_at,
        buyer=session.buyer or {},
    )
    body = gateway_of(session.merchant).start_body(request)
    return ledger.send_now(session, CallKind.START, body, now, LEASE_SECONDS)


def send(session: PaymentSession, call: GatewayCall) -> PaymentSession | None:
    """Open the payment and write the outcome. Returns it with its page; None: in doubt, or decided by others.

    Raises ShopError when it surely was not opened.
    """
    about(session)
    gateway = gateway_of(session.merchant)
    hands_off()
    try:
        started = _try(gateway, call)
    except GatewayError as error:
        _did_not_open(session, call, error)
        return None
    return opened(session, call, started)


def _try(gateway: Gateway, call: GatewayCall) -> Started:
    """Call until an answer comes or the deadline does; only what was not sent at all is tried again."""
    ends = time.monotonic() + SECONDS
    pause = FIRST_PAUSE
    while True:
        try:
            left = ends - time.monotonic()
            return gateway.start(StoredCall(body=call.body, key=call.idempotency_key, seconds=left))
        except NotSent:
            if ends - time.monotonic() < 2 * pause:
                raise
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


def opened(session: PaymentSession, call: GatewayCall, started: Started) -> PaymentSession | None:
    """Write that the payment is open at the gateway; None if the call is no longer ours, or nobody wants its page.

    ``session`` is as it was when the call was leased: whoever changes what it is ends that call first, but for
    the shop that wants it closed.
    """
    now = timezone.now()
    with transaction.atomic():
        ledger.lock_order_of(session)
        if not ledger.end_call(call, CallState.DONE, now):
            return None
        page = {"gateway_id": started.gateway_id, "page_url": started.url}
        wanted = ledger.identify(session, now, next_look=ladders.next_look(session, now), **page)
        ledger.note(session, "started", "gateway", gateway_id=started.gateway_id)
        if not wanted:
            complete.close_at_gateway(session, Reason.CANCELLED_BY_SHOP, now)
    circuits.answered(circuits.Kind.ACCOUNT, call.merchant_id, now)
    return session if wanted else None


def _did_not_open(session: PaymentSession, call: GatewayCall, error: GatewayError) -> None:
    now = timezone.now()
    if not isinstance(error, Refused):
        circuits.failed(circuits.Kind.ACCOUNT, call.merchant_id, now)
    if not isinstance(error, NotSent | Refused):
        ledger.leave_unknown(call, ladders.after(ladders.UNKNOWN_CALL, 1, now), error.code, error.message)
        return
    code = ErrorCode.GATEWAY_REFUSED if isinstance(error, Refused) else ErrorCode.GATEWAY_UNREACHABLE
    with transaction.atomic():
        session = ledger.lock_session(session.pk)
        if not ledger.end_call(call, CallState.REFUSED, now, code=error.code, message=error.message):
            return
        # Told in this answer only: the shop never knew of the session.
        ledger.end_unpaid(session, Stage.FAILED, _REASONS[code], "gateway")
    raise ShopError(code, f"the payment was not opened: {error}", PaymentId=session.reference, Stage=session.stage)
