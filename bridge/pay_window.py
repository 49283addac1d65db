"""이니시스 PC 결제요청 파라미터: what the shop's own page needs to open Inicis's window for an open payment."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from bridge.accounts import is_live
from bridge.errors import ErrorCode, ShopError
from bridge.gateways.inicis import window
from bridge.log_lines import about
from bridge.redirects import is_allowed_url
from installments import lookup as notices
from installments.models import Bearer
from merchants import lookup
from merchants.codes import GatewayCode
from merchants.models import Shop
from payments import ledger
from payments.models import Order, PaymentSession
from payments.states import HOLDING, LIVE, Stage

SEOUL = ZoneInfo("Asia/Seoul")


def open_window(shop: Shop, joiner_id: int, order_id: int, claim_id: int, return_url: str) -> dict[str, Any]:
    """Return the script, the form's fields, and where the shop relays what Inicis posts to ``return_url``.

    All that decides about money is the session's own: its amount, its merchant, its number. Raises ShopError.
    """
    if not is_allowed_url(return_url, shop.redirect_hosts):
        message = "return_url: must be an absolute https address whose host is on the shop's list at PGB"
        raise ShopError(ErrorCode.REDIRECT_NOT_ALLOWED, message)
    session = _session(shop, joiner_id, order_id, claim_id)
    about(session)
    now = timezone.now()
    _check_open(session, now)
    merchant = session.merchant
    credentials: dict[str, str] = merchant.credentials
    shown = window.Window(
        mid=merchant.mid,
        oid=session.reference,
        price=session.amount,
        method=session.method,
        goods=session.description,
        buyer=_buyer(session),
        return_url=return_url,
        expires_at=session.expires_at,
        interest_free=_interest_free(session, now),
    )
    return {
        "payment_id": session.reference,
        "mode": merchant.mode,
        "script_url": window.SCRIPTS[is_live(merchant)],
        "parameters": window.parameters(shown, credentials["sign_key"], now),
        "relay_url": f"{settings.PGB_PUBLIC_URL}/PGBReturn/Return/{session.return_token}",
        "expires_at": session.expires_at,
    }


def _session(shop: Shop, joiner_id: int, order_id: int, claim_id: int) -> PaymentSession:
    order = Order.objects.filter(db_type=shop.db_type, order_id=order_id, claim_id=claim_id).first()
    if order is not None and order.joiner_id != joiner_id:
        raise ShopError(ErrorCode.FORBIDDEN, "this order_id belongs to another joiner_id")
    session = ledger.standing(order) if order else None
    if session is None:
        message = "no payment of this order was ever started here: begin with PayStart"
        raise ShopError(ErrorCode.ORDER_NOT_FOUND, message)
    return session


def _check_open(session: PaymentSession, now: datetime) -> None:
    """Refuse what the buyer cannot pay in this window now."""
    if session.stage in HOLDING:
        raise ShopError(ErrorCode.ALREADY_PAID, "this order is paid: do not send the buyer to pay again")
    if session.stage == Stage.REVIEW:
        raise ShopError(ErrorCode.IN_REVIEW, "a person is checking money of this order: do not start it again")
    if session.stage not in LIVE or session.close_wanted or session.expires_at <= now:
        raise ShopError(ErrorCode.PAYMENT_ENDED, "the payment of this order is over: begin a new one with PayStart")
    if session.stage != Stage.STANDBY:
        message = "the buyer has been in the window already: wait for the message, or ask with PayStatus"
        raise ShopError(ErrorCode.PAYMENT_IN_PROGRESS, message)
    if session.gateway != GatewayCode.INICIS:
        message = f"this payment was opened at {session.gateway}: send the buyer to RedirectUrl of PayStart's answer"
        raise ShopError(ErrorCode.NO_WINDOW, message)
    if session.method not in window.METHODS or session.currency != "KRW" or session.tax_free:
        message = f"PGB cannot open Inicis's window for {session.method} in {session.currency}, or with a tax-free part"
        raise ShopError(ErrorCode.NO_WINDOW, message)


def _buyer(session: PaymentSession) -> Mapping[str, str]:
    buyer: dict[str, str] = session.buyer or {}
    missing = [name for name in ("name", "tel", "email") if not buyer.get(name)]
    if missing:
        names = ", ".join(f"Buyer{name.capitalize()}" for name in missing)
        message = f"Inicis needs {names}: repeat the same PayStart with it, then ask again"
        raise ShopError(ErrorCode.INVALID_REQUEST, message)
    return buyer


def _interest_free(session: PaymentSession, now: datetime) -> dict[str, list[int]]:
    """Return by Inicis's card number the months whose whole interest the shop bears today, for this amount."""
    groups = notices.in_force(
        day=now.astimezone(SEOUL).date(),
        nation=session.nation,
        amount=session.amount,
        gateway=GatewayCode.INICIS,
        issuers=lookup.issuers_of(session.merchant),
    )
    found = {}
    for group in groups:
        # How Inicis wants months that are free in part (slimquota) is not known for sure.
        months = [row.months for row in group.notices if row.bearer == Bearer.SHOP and not row.buyer_turns]
        card = group.issuer.code_at(GatewayCode.INICIS)
        if months and card:
            found[card] = months
    return found
