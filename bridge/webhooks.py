"""What comes in from gateways: verified on the raw bytes, stored, acknowledged; worked afterwards."""

from collections.abc import Mapping, Sequence

import structlog
from django.utils import timezone

from bridge import complete, doubt
from bridge.accounts import gateway_of, is_live
from bridge.gateways import GATEWAYS, gateway_class
from bridge.gateways.base import Fetched, Gateway, Notice, RefundStatus, Status
from bridge.gateways.errors import BadNotice, GatewayError
from bridge.log_lines import about
from bridge.waiting import hands_off
from merchants import lookup
from merchants.codes import GatewayCode
from merchants.models import Merchant
from payments import inbox, ladders
from payments.models import Notification, PaymentSession

DEFAULT_ENDPOINT = "default"
DEFAULT_GATEWAY = GatewayCode.STRIPE
ACTOR = "webhook"

log = structlog.get_logger(__name__)

# How much a claim says: a notice that says more than a lookup shows is looked into again.
_SAYS: dict[str, int] = {
    Status.OPEN: 0,
    Status.APPROVING: 1,
    Status.WAITING_DEPOSIT: 2,
    Status.FAILED: 3,
    Status.EXPIRED: 3,
    Status.UNSETTLED: 3,
    # More than a bad end: money is believed to be there until the gateway has denied it for an hour.
    Status.PAID: 4,
}
# The same of a refund. A notice that only names one claims that it is there.
_SAYS_OF_REFUND: dict[str, int] = {"": 0, RefundStatus.PENDING: 0, RefundStatus.DONE: 1, RefundStatus.FAILED: 2}


class UnknownEndpoint(Exception):
    """No merchant of a gateway that PGB can talk to has this webhook address."""


def receive(code: str, token: str | None, headers: Mapping[str, str], body: bytes) -> tuple[int, str, str]:
    """Store what a gateway says and return what it takes as received: (status, content type, body).

    Raises UnknownEndpoint. Nothing that is not signed by the merchant's own gateway is stored.
    """
    merchants = _merchants_at(code, token)
    gateway = gateway_class(code)
    try:
        told = _verified(gateway, merchants, headers, body)
    except BadNotice as error:
        endpoint = merchants[0].code if token else DEFAULT_ENDPOINT
        log.warning("webhook_refused", gateway=code, endpoint=endpoint, reason=str(error))
        return gateway.ack(False)
    for notice, signers in told:
        inbox.take_in(
            notice,
            gateway=code,
            endpoint=token or DEFAULT_ENDPOINT,
            signers=[merchant.pk for merchant in signers],
            body=body,
            at=timezone.now(),
        )
    return gateway.ack(True)


def _merchants_at(code: str, token: str | None) -> list[Merchant]:
    if code not in GATEWAYS:
        raise UnknownEndpoint(code)
    if token is None:
        return lookup.merchants_of(code)
    merchant = lookup.merchant_by_token(token)
    if merchant is None or merchant.gateway != code:
        raise UnknownEndpoint(code)
    return [merchant]


def _verified(
    gateway: type[Gateway], merchants: list[Merchant], headers: Mapping[str, str], body: bytes
) -> list[tuple[Notice, list[Merchant]]]:
    """Return each notice with the merchants who may have been meant: those whose secret signed it, in its mode."""
    notices: list[Notice] = []
    signers: list[Merchant] = []
    refusal = BadNotice("no merchant is set up for this gateway")
    for merchant in merchants:
        try:
            secrets = gateway.webhook_secrets(merchant.credentials)
            notices = gateway.verify_notification(headers, body, secrets)
            signers.append(merchant)
        except BadNotice as error:
            refusal = error
    if not signers:
        raise refusal
    told = [(notice, [m for m in signers if is_live(m) == notice.livemode]) for notice in notices]
    if not all(meant for _, meant in told):
        raise BadNotice("test and live are mixed up")
    return told


def work(notification: Notification) -> None:
    """Ask the gateway about the payment that a leased group of notices speaks of."""
    structlog.contextvars.bind_contextvars(notice=notification.dedupe_key)
    group = Notification.objects.filter(lease_token=notification.lease_token)
    token = notification.lease_token
    try:
        session = _session_of(notification)
    except GatewayError as error:
        again = ladders.after(ladders.SAYS_MORE, notification.attempts + 1, timezone.now())
        group.finish(token, again, result=f"no answer: {error.code}"[:200])
        return
    if session is None:
        _keep_orphan(notification)
        return
    about(session)
    try:
        found = complete.ask(session, notification.gateway_id, refunds=bool(notification.gateway_cancel_id))
    except GatewayError as error:
        doubt.no_answer(session.merchant_id, error)
        again = ladders.after(ladders.SAYS_MORE, notification.attempts + 1, timezone.now())
        group.finish(token, again, session=session, result=f"no answer: {error.code}"[:200])
        return
    doubt.answered(session.merchant_id)
    after = complete.settle(session.pk, found, ACTOR)
    _finish(notification, session, found, str(after.stage))


def _session_of(notification: Notification) -> PaymentSession | None:
    """Return the session that a notice speaks of; the gateway is asked whose a part of a payment is."""
    sessions = PaymentSession.objects.select_related("merchant")
    found = sessions.filter(notification.names()).first()
    if found is None and (payment := _payment_of(notification)):
        notification.gateway_payment_id = payment
        Notification.objects.filter(lease_token=notification.lease_token).update(gateway_payment_id=payment)
        found = sessions.filter(notification.names()).first()
    return found


def _payment_of(notification: Notification) -> str:
    """Return whose the part is that a notice names: each account that may be meant is asked. Raises GatewayError."""
    if notification.PART not in notification.gateway_payment_id:
        return ""
    for merchant in list(Merchant.objects.filter(pk__in=notification.signers)):
        gateway = gateway_of(merchant)
        hands_off()
        try:
            payment = gateway.payment_of(notification.gateway_payment_id)
        except GatewayError as error:
            doubt.no_answer(merchant.pk, error)
            raise
        doubt.answered(merchant.pk)
        if payment:
            return payment
    return ""


def _finish(notification: Notification, session: PaymentSession, found: Fetched | None, stage: str) -> None:
    """End the group; notices that say more than was found stay for an hour."""
    now = timezone.now()
    token = notification.lease_token
    group = Notification.objects.filter(lease_token=token)
    more = _unshown(notification, found)
    if more:
        again = ladders.after(ladders.SAYS_MORE, notification.attempts + 1, now)
        fresh = group.filter(claims__in=more, received_at__gt=now - ladders.SAYS_MORE_PATIENCE)
        fresh.finish(token, again, session=session, result="says more than the gateway shows")
    group.finish(token, None, session=session, result=stage)


def _unshown(notification: Notification, found: Fetched | None) -> list[str]:
    """Return the claims of such a notice that say more than was found."""
    if notification.claims == notification.DISPUTED:
        return [] if found and found.disputed else [notification.DISPUTED]
    if notification.gateway_cancel_id:
        refunds = (found and found.refunds) or ()
        its = [one.status for one in refunds if one.gateway_cancel_id == notification.gateway_cancel_id]
        return _above(_SAYS_OF_REFUND, its)
    return _above(_SAYS, [found.status] if found else [])


def _above(says: dict[str, int], shown: Sequence[str]) -> list[str]:
    most = max((says[claim] for claim in shown), default=-1)
    return [claim for claim, rank in says.items() if rank > most]


def _keep_orphan(notification: Notification) -> None:
    """A notice of a payment we do not know: perhaps its session is being written; after a day staff see it."""
    tries = notification.attempts + 1
    group = Notification.objects.filter(lease_token=notification.lease_token)
    token = notification.lease_token
    if tries > len(ladders.ORPHAN):
        group.finish(token, None, attention=True, result="no payment of ours")
    else:
        group.finish(token, ladders.after(ladders.ORPHAN, tries, timezone.now()), result="no payment of ours yet")
