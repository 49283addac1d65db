"""What comes in from browsers. A return is a hint that something may have happened, never a payment."""

import hmac
from contextlib import suppress
from functools import partial
from hashlib import sha256
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.utils import timezone

from bridge import shop
from bridge.log_lines import about
from bridge.waiting import NoSeat, seat, wait_for
from payments.models import PaymentSession
from payments.states import LIVE, Stage

RETURN_SECONDS = 5.0
_UNDECIDED = (Stage.STANDBY, Stage.CONFIRMING)


def come_back(token: str) -> str | None:
    """Return the shop's address to send the buyer on to after paying; None for an unknown token.

    The gateway is asked first, by a worker, for at most RETURN_SECONDS; then the stage is told as it is.
    """
    session = _hurry(token)
    if session is None:
        return None
    if session.stage in _UNDECIDED:
        with suppress(NoSeat), seat():
            wait_for(partial(_is_decided, session.pk), RETURN_SECONDS)
        session = _session(token) or session
    return _signed(session, session.redirect_url)


def step_back(token: str) -> str | None:
    """Return the shop's address for a buyer who turned back; the payment stays open, and is looked at."""
    session = _hurry(token)
    return _signed(session, session.cancel_url) if session else None


def _session(token: str) -> PaymentSession | None:
    return PaymentSession.objects.select_related("order__shop").filter(return_token=token).first()


def _hurry(token: str) -> PaymentSession | None:
    """Make the session due now, and count its looks from here."""
    session = _session(token)
    if session is not None:
        about(session)
    if session is not None and session.stage in LIVE and session.gateway_id:
        session.due_at = timezone.now()
        PaymentSession.objects.filter(pk=session.pk, stage__in=LIVE).update(
            due_at=session.due_at, lease_token=None, looked_from=session.due_at
        )
    return session


def _is_decided(session_pk: int) -> bool | None:
    """True once the look that the return asked for has been made, whatever it saw; None while it waits or runs."""
    session = PaymentSession.objects.only("stage", "due_at", "lease_token").get(pk=session_pk)
    return True if session.is_idle or session.stage not in _UNDECIDED else None


def _signed(session: PaymentSession, url: str) -> str:
    """Add what the shop may believe: five values and their HMAC-SHA256 under the shop's signing secret."""
    order = session.order
    values = {
        "PaymentId": session.reference,
        "OrderId": str(order.order_id),
        "ClaimId": str(order.claim_id),
        "Stage": str(session.stage),
        "Timestamp": str(int(timezone.now().timestamp())),
    }
    key = shop.raw_secret(order.shop.signing_secret)
    values["Signature"] = hmac.new(key, ".".join(values.values()).encode(), sha256).hexdigest()
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(values))))
    return urlunsplit(parts._replace(query=query))
