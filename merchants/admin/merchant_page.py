"""What the page of one merchant shows beside its form."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from merchants.admin import checks, reviews
from merchants.codes import Mode, Purpose
from merchants.consoles import CONSOLES
from merchants.crypto import CannotOpen
from merchants.models import Merchant, PaymentMethod

LAST_PAYMENTS = 20
MOST_CONNECTIONS = 100
_OF_A_PAYMENT = (
    "reference",
    "created_at",
    "method",
    "amount",
    "currency",
    "stage",
    "merchant",
    "order__db_type",
    "order__order_id",
    "order__claim_id",
)


def merchant_page(request: HttpRequest, merchant: Merchant) -> dict[str, Any]:
    """Return everything that is known of one merchant."""
    sees_payments = request.user.has_perm("payments.view_paymentsession")
    return {
        **checks.facts(request, merchant),
        "console": CONSOLES[merchant.gateway],
        "is_live": merchant.mode == Mode.LIVE,
        "is_used": merchant.is_used(),
        "warnings": _warnings(merchant),
        "webhook_url": f"{settings.PGB_PUBLIC_URL}/PGBReturn/Webhook/{merchant.gateway}/{merchant.webhook_token}",
        "reviews": reviews.standing(merchant) if merchant.needs_issuer_reviews else None,
        "connections": merchant.connections.select_related("method")[:MOST_CONNECTIONS],
        "sees_payments": sees_payments,
        "payments": _payments(merchant) if sees_payments else [],
    }


def _payments(merchant: Merchant) -> Any:
    newest = (
        merchant.sessions.select_related("order").only(*_OF_A_PAYMENT).order_by("-created_at", "-pk")[:LAST_PAYMENTS]
    )
    names = {method.code: method.local_name for method in PaymentMethod.objects.all()}
    for payment in newest:
        payment.method_name = names.get(payment.method, payment.method)
    return newest


def _warnings(merchant: Merchant) -> dict[str, Any]:
    """Return, by name, what staff should know at once; the template has the words."""
    now = timezone.now()
    today = timezone.localdate(now)
    ends_on = merchant.credentials_expire_on
    return {
        "unreadable": not _is_readable(merchant),
        "expired": ends_on is not None and ends_on < today,
        "expires_in": (ends_on - today).days if ends_on and merchant.credentials_expire_soon(today) else None,
        "off": not merchant.is_active,
        "not_yet": merchant.starts_at is not None and merchant.starts_at > now,
        "over": merchant.ends_at is not None and merchant.ends_at <= now,
        "not_for_orders": merchant.purpose != Purpose.NORMAL,
    }


def _is_readable(merchant: Merchant) -> bool:
    try:
        return bool(merchant.credentials)
    except CannotOpen:
        return False
