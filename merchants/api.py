"""The functions that tell an order page what it may offer. No answer holds a key."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from merchants import api_docs, lookup, offers
from merchants.functions import AskedSerializer, ShopFunction, answer, error
from merchants.models import MethodConnection, PaymentMethod
from merchants.offers import Shopper
from merchants.serializers import MerchantAskedSerializer, MethodAskedSerializer, PgInfoAskedSerializer


class OrderPageFunction(ShopFunction):
    """A function about one order page."""

    def shopper(self, request: Request, wish: dict[str, Any]) -> Shopper:
        """Return whose order page is asked about, as it is now."""
        return Shopper(
            shop=self.shop(request, wish),
            joiner_id=wish["joiner_id"],
            nation=wish["nation_code"],
            device=wish["device"],
            at=timezone.now(),
            amount=wish.get("amount"),
            gateway=wish.get("pg_type"),
        )


class PaymentMethodConnection(OrderPageFunction):
    """POST /api/v1/payment-methods/connections"""

    serializer = MethodAskedSerializer

    @api_docs.payment_method_connection
    def post(self, request: Request) -> HttpResponse:
        """Tell both flags of a method. A sub method (부결제수단) has none: it never goes to a gateway."""
        wish = self.wish(request)
        shopper, method = self.shopper(request, wish), wish["pay_type"]
        connected, in_use = offers.flags_for(shopper, method)
        return answer(pay_type=method, is_main=not lookup.is_sub_method(method), connected=connected, in_use=in_use)


class MerchantLookup(OrderPageFunction):
    """POST /api/v1/merchants/lookup"""

    serializer = MerchantAskedSerializer

    @api_docs.merchant_lookup
    def post(self, request: Request) -> HttpResponse:
        """Tell who charges; without a merchant the payment is impossible."""
        wish = self.wish(request)
        return answer(**_told(offers.merchant_for(self.shopper(request, wish), wish["pay_type"])))


class PgInfo(OrderPageFunction):
    """POST /api/v1/pg-info"""

    serializer = PgInfoAskedSerializer

    @api_docs.pg_info
    def post(self, request: Request) -> HttpResponse:
        """Tell what is connected and in use, in display order."""
        wish = self.wish(request)
        found = offers.offers(self.shopper(request, wish), wish.get("pay_types"))
        return answer(offers=[_told(row) for row in found])


class AccountVerificationMid(ShopFunction):
    """GET /api/v1/account-verification-mid"""

    serializer = AskedSerializer

    @api_docs.account_verification_mid
    def get(self, request: Request) -> HttpResponse:
        """Tell the MID that checks refund accounts: from the settings, not the database."""
        wish = self.wish(request)
        shop = self.shop(request, wish)
        mids = settings.PGB_ACCOUNT_VERIFICATION_MIDS
        mid = mids.get(shop.db_type) or mids.get(wish["nation_code"])
        if mid is None:
            message = (
                "no MID checks refund accounts for this DBType or nation: PGB_ACCOUNT_VERIFICATION_MIDS names none"
            )
            return Response(error("NO_MERCHANT", message))
        return answer(mid=mid)


def _told(row: MethodConnection) -> dict[str, Any]:
    merchant = row.merchant
    return {
        "pay_type": row.method_id,
        "names": _names(row.method),
        "pg_type": merchant.gateway,
        "mid": merchant.mid,
        "mode": merchant.mode,
        "currency": merchant.currency,
        "min_amount": row.min_amount,
        "max_amount": row.max_amount,
        "card_issuers": lookup.issuers_of(merchant) if row.method_id == lookup.CARD else None,
    }


def _names(method: PaymentMethod) -> dict[str, str]:
    return {"ko": method.name, "ja": method.name_ja or method.name, "en": method.name_en or method.name}
