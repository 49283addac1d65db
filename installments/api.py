"""무이자할부 안내 목록 조회: what an order page may show of interest-free instalments."""

import hashlib
from datetime import date, datetime, time
from typing import Any

from django.http import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from installments import lookup
from installments.listing import listing
from installments.lookup import IssuerNotices
from installments.models import LARGEST_AMOUNT, Bearer
from merchants.functions import FunctionAnswerSerializer, ShopFunction, answer, documented
from merchants.lookup import CARD, MethodNotConnected, NoMerchant, issuers_of
from merchants.offers import Shopper, merchant_for
from merchants.serializers import NamesSerializer, OrderPageSerializer

SECONDS = 30  # a page may show what it has for that long without asking again


class InterestFreeAskedSerializer(OrderPageSerializer):
    """Whose order page, and what for."""

    date = serializers.DateField(required=False, help_text="A day in Korea, 2026-12-01; absent: today.")
    amount = serializers.IntegerField(
        min_value=0,
        max_value=LARGEST_AMOUNT,
        required=False,
        help_text="What is to be paid, in won; absent: whatever the amount.",
    )


class NoticeSerializer(serializers.Serializer[Any]):
    """One number of months. Amounts are won, both ends included; days are days in Korea, both included."""

    months = serializers.IntegerField()
    buyer_turns = serializers.IntegerField(help_text="The buyer pays the interest of the first so many; 0: of none.")
    bearer = serializers.ChoiceField(Bearer.choices, help_text="Who pays the interest that the buyer does not.")
    min_amount = serializers.IntegerField()
    max_amount = serializers.IntegerField(allow_null=True)
    title = serializers.CharField(allow_blank=True)
    target = serializers.CharField(allow_blank=True, help_text="What it applies to, in Korean.")
    exceptions = serializers.CharField(allow_blank=True, help_text="What it does not apply to, in Korean.")
    starts_on = serializers.DateField()
    ends_on = serializers.DateField()


class IssuerSerializer(serializers.Serializer[Any]):
    """A card issuer with its notices, from the fewest months on."""

    code = serializers.CharField()
    names = NamesSerializer()
    notices = NoticeSerializer(many=True)


class InterestFreeAnswerSerializer(FunctionAnswerSerializer):
    """The notices in force, by issuer in display order. None: ``issuers`` is empty."""

    date = serializers.DateField()
    nation_code = serializers.CharField()
    amount = serializers.IntegerField(allow_null=True)
    issuers = IssuerSerializer(many=True)


_NOTICE = {
    "months": 10,
    "buyer_turns": 4,
    "bearer": "issuer",
    "min_amount": 50000,
    "max_amount": None,
    "title": "",
    "target": "개인 신용카드",
    "exceptions": "법인, 체크, 선불, 기프트카드",
    "starts_on": "2026-12-01",
    "ends_on": "2026-12-31",
}
_ISSUER = {"code": "SAMSUNG", "names": {"ko": "삼성", "ja": "サムスン", "en": "Samsung"}, "notices": [_NOTICE]}
_EXAMPLE = {
    "is_success": True,
    "error_code": "",
    "error_message": "",
    "date": "2026-12-10",
    "nation_code": "KR",
    "amount": 64900,
    "issuers": [_ISSUER],
}


class InterestFree(ShopFunction):
    """GET /api/v1/installments/interest-free"""

    serializer = InterestFreeAskedSerializer

    @documented(
        "interest_free_notices",
        summary="Interest-free instalments that are in force",
        description=(
            "For an order page or the popup (`/static/installments/interest-free.js`): what card issuers, or the shop, "
            "offer on a day for an amount. Only issuers that the shop's card payments can be charged with are told; "
            "if cards cannot be paid with at all, the list is empty. A gateway's own row stands instead of the general "
            "one for the same issuer and months. Send `If-None-Match` with the last ETag: 304 if nothing has changed."
        ),
        answer=InterestFreeAnswerSerializer,
        answers={"In force": _EXAMPLE, "None": _EXAMPLE | {"issuers": []}},
        query=InterestFreeAskedSerializer,
        has_etag=True,
        parameters=(
            OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="The ETag of the last answer."),
            OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200]),
        ),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Tell the notices in force."""
        wish = self.wish(request)
        now = timezone.localtime()
        day = wish.get("date") or now.date()
        shopper = Shopper(
            shop=self.shop(request, wish),
            joiner_id=wish["joiner_id"],
            nation=wish["nation_code"],
            device=wish["device"],
            at=_moment(day, now),
            amount=wish.get("amount"),
            gateway=wish.get("pg_type"),
        )
        return _conditional(request, listing(day, shopper.nation, shopper.amount, _found(shopper, day)))


def _moment(day: date, now: datetime) -> datetime:
    """Return now, or noon of another day in Korea: which contract charges then?"""
    return now if day == now.date() else datetime.combine(day, time(12), now.tzinfo)


def _found(shopper: Shopper, day: date) -> list[IssuerNotices]:
    """Return what is in force for the merchant that would charge a card; nothing if none would."""
    try:
        merchant = merchant_for(shopper, CARD).merchant
    except (MethodNotConnected, NoMerchant):
        return []
    return lookup.in_force(
        day=day, nation=shopper.nation, amount=shopper.amount, gateway=merchant.gateway, issuers=issuers_of(merchant)
    )


def _conditional(request: Request, told: dict[str, Any]) -> HttpResponseBase:
    response = answer(**told)
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response["ETag"], response["Cache-Control"] = etag, f"max-age={SECONDS}, private"
    response["Vary"] = "Authorization"
    return get_conditional_response(request._request, etag=etag, response=response) or response
