"""The one function for shop servers that needs a payment: what Inicis's window is opened with."""

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from bridge import api_docs, pay_window
from bridge.callers import SecretOnly
from bridge.errors import ErrorCode
from merchants.codes import Mode
from merchants.functions import (
    LARGEST_ID,
    AskedSerializer,
    FunctionAnswerSerializer,
    ShopFunction,
    answer,
    documented,
    error,
)

_ASKED = {
    "db_type": "KR1",
    "joiner_id": 1001,
    "nation_code": "KR",
    "order_id": 20261121,
    "return_url": "https://shop.example/inicis/return",
}
_PARAMETERS = {
    "version": "1.0",
    "mid": "INIpayTest",
    "oid": "01KAJ5T3W5Q8Y0V6N2M4R7X9ZB",
    "price": "64900",
    "timestamp": "1795312800000",
    "use_chkfake": "Y",
    "signature": "64 hex digits",
    "verification": "64 hex digits",
    "mKey": "3a9503069192f207491d4b19bd743fc249a761ed94246c8c42fed06c3cd15a33",
    "currency": "WON",
    "goodname": "명함 200매",
    "buyername": "홍길동",
    "buyertel": "010-1234-5678",
    "buyeremail": "buyer@example.com",
    "returnUrl": "https://shop.example/inicis/return",
    "gopaymethod": "Card",
    "acceptmethod": "below1000:centerCd(Y)",
    "charset": "UTF-8",
    "quotabase": "2:3:4:5:6:7:8:9:10:11:12",
    "nointerest": "12-2:3,34-5:12",
}
_WINDOW = {
    "is_success": True,
    "error_code": "",
    "error_message": "",
    "payment_id": "01KAJ5T3W5Q8Y0V6N2M4R7X9ZB",
    "mode": "test",
    "script_url": "https://stgstdpay.inicis.com/stdjs/INIStdPay.js",
    "parameters": _PARAMETERS,
    "relay_url": "https://pay.example.com/PGBReturn/Return/o3yqv0Xv6L2mD8rT",
    "expires_at": "2026-11-21T15:10:00+09:00",
}
_DESCRIPTION = """\
For a shop whose own page opens Inicis's window. First PayStart; then, for the payment that it opened at Inicis and
that the buyer has not paid yet, ask this from your server:

1. put `parameters` into hidden fields of a form, and load `script_url` as UTF-8;
2. `INIStdPay.pay("id of the form")` opens the window;
3. Inicis posts its result through the buyer's browser to `return_url`. It must be on the domain of the page that opened
   the window, so it is yours: its host must stand on your list at PGB (`REDIRECT_NOT_ALLOWED`). **Relay that POST**
   unchanged to `relay_url`: answer with a redirect 307, or with a page whose form holds the same fields and posts
   itself there. PGB asks Inicis for the approval and sends the buyer on to RedirectUrl of the PayStart.

The amount, the order number and the merchant are those of the payment, never the caller's. Free of interest are the
months of the notices (무이자할부 안내) whose interest the shop bears, wholly, from 50,000 won on; your contract with
Inicis must allow them. Inicis needs BuyerName, BuyerTel and BuyerEmail of the PayStart. Only with the secret key or a
signature. This PGB does not open payments at Inicis yet: until it does, no order has a payment to ask this for."""


class WindowAskedSerializer(AskedSerializer):
    """Which payment, and where Inicis comes back to."""

    order_id = serializers.IntegerField(min_value=1, max_value=LARGEST_ID)
    claim_id = serializers.IntegerField(
        min_value=0, max_value=LARGEST_ID, default=0, help_text="An additional payment for a claim. Absent or 0: none."
    )
    return_url = serializers.CharField(
        max_length=2000, help_text="On the domain of the page that opens the window: absolute, https, on your list."
    )


class WindowSerializer(FunctionAnswerSerializer):
    """What the page needs."""

    payment_id = serializers.CharField(help_text="The number of this attempt to pay, 26 characters.")
    mode = serializers.ChoiceField(Mode.values, help_text="test: no money moves.")
    script_url = serializers.CharField()
    parameters = serializers.DictField(child=serializers.CharField())
    relay_url = serializers.CharField(help_text="Where you relay what Inicis posts to return_url.")
    expires_at = serializers.DateTimeField(help_text="Until then the buyer can pay.")


class InicisPcParameters(ShopFunction):
    """POST /api/v1/inicis/pc-payment-parameters"""

    permission_classes = [SecretOnly]
    serializer = WindowAskedSerializer

    @documented(
        "InicisPcParameters",
        summary="이니시스 PC 결제요청 파라미터 생성: open Inicis's window from your own page",
        description=_DESCRIPTION
        + api_docs.table(
            ErrorCode.REDIRECT_NOT_ALLOWED,
            ErrorCode.ORDER_NOT_FOUND,
            ErrorCode.NO_WINDOW,
            ErrorCode.PAYMENT_ENDED,
            ErrorCode.PAYMENT_IN_PROGRESS,
            ErrorCode.ALREADY_PAID,
            ErrorCode.IN_REVIEW,
        ),
        asked=WindowAskedSerializer,
        answer=WindowSerializer,
        examples={"For order 20261121": _ASKED},
        answers={
            "Open the window": _WINDOW,
            "Over": error("PAYMENT_ENDED", "the payment of this order is over: begin a new one with PayStart"),
        },
        secret_only=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """Return what opens the window for the order's open payment."""
        wish: dict[str, Any] = self.wish(request)
        shop = self.shop(request, wish)
        return answer(
            **pay_window.open_window(shop, wish["joiner_id"], wish["order_id"], wish["claim_id"], wish["return_url"])
        )
