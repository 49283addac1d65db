"""The functions for their readers: what /api/docs/ says beside the serializers, with examples."""

from typing import Any

from merchants.functions import AskedSerializer, documented, error
from merchants.serializers import (
    AccountMidSerializer,
    ConnectionSerializer,
    MerchantAskedSerializer,
    MerchantSerializer,
    MethodAskedSerializer,
    PgInfoAskedSerializer,
    PgInfoSerializer,
)

_SHOP = {"db_type": "KR1", "joiner_id": 1001, "nation_code": "KR"}
_FINE: dict[str, Any] = {"is_success": True, "error_code": "", "error_message": ""}
_CARD = {
    "pay_type": "CARD",
    "names": {"ko": "신용카드", "ja": "クレジットカード", "en": "Credit card"},
    "pg_type": "inicis",
    "mid": "SIRshop001",
    "mode": "live",
    "currency": "KRW",
    "min_amount": 1000,
    "max_amount": None,
    "card_issuers": ["SAMSUNG", "SHINHAN", "KB"],
}
_KAKAO = {
    **_CARD,
    "pay_type": "KAKAOPAY",
    "names": {"ko": "카카오페이", "ja": "カカオペイ", "en": "KakaoPay"},
    "min_amount": 0,
    "card_issuers": None,
}
_UNKNOWN_SHOP = error("UNKNOWN_SHOP", "no shop is registered here for DBType KR9, JoinerId 1001")

payment_method_connection = documented(
    "PaymentMethodConnection",
    summary="결제수단 연결여부 조회: is this method wired, and wanted?",
    description="Ask it first, for the main method (주결제수단) of a payment: only if it is `connected` and "
    "`in_use` may a payment be started with it. Both come from the back office's connections that speak of this "
    "joiner, nation and device now, the most specific first. Sub methods (부결제수단: points, deposits, gift "
    "cards) answer `is_main` false and are never connected: the shop settles them itself, and nothing goes to a "
    "gateway. A method that PGB does not know is neither connected nor in use. The shop kits call it "
    "IsIntegrationTarget.",
    asked=MethodAskedSerializer,
    answer=ConnectionSerializer,
    examples={"A main method": {**_SHOP, "pay_type": "CARD"}, "A sub method": {**_SHOP, "pay_type": "POINT"}},
    answers={
        "Connected and in use": {**_FINE, "pay_type": "CARD", "is_main": True, "connected": True, "in_use": True},
        "Switched off by the business": {
            **_FINE, "pay_type": "CARD", "is_main": True, "connected": True, "in_use": False,
        },
        "Settled by the shop itself": {
            **_FINE, "pay_type": "POINT", "is_main": False, "connected": False, "in_use": False,
        },
    },
)  # fmt: skip

merchant_lookup = documented(
    "MerchantLookup",
    summary="가맹점 정보 조회: who charges this payment?",
    description="The merchant (MID) with which a PayStart of now would be charged. **No merchant means that the "
    "payment is impossible**: `NO_MERCHANT` if the method is connected but nobody may charge this device, amount "
    "and gateway now, `METHOD_NOT_CONNECTED` if it is not connected and in use, or a sub method. Without `amount` "
    "it is the merchant of the smallest amount that can be charged. Keys never leave PGB.",
    asked=MerchantAskedSerializer,
    answer=MerchantSerializer,
    examples={"Who charges a card payment of 64,900 won?": {**_SHOP, "pay_type": "CARD", "amount": 64900}},
    answers={
        "The merchant": {**_FINE, **_CARD},
        "Nobody: the payment is impossible": error(
            "NO_MERCHANT", "no merchant may charge this now: the payment is impossible, offer another payment method"
        ),
        "Not connected": error(
            "METHOD_NOT_CONNECTED",
            "this payment method is not connected and in use for this shop and nation: offer another one",
        ),
        "Another shop": _UNKNOWN_SHOP,
    },
)

pg_info = documented(
    "PgInfo",
    summary="PG 정보 조회: what may an order page offer?",
    description="For order pages (주문서), and for additional payments of a claim (클레임 추가 금액 결제): ask "
    "with the amount that is to be paid. Only what is **connected and in use**, and what somebody may charge now, "
    "in display order. Without `amount` a method can stand there once for each range of amounts that is charged "
    "differently. `card_issuers` are the card issuers that can be paid with (카드사 심사); null: all of them.",
    asked=PgInfoAskedSerializer,
    answer=PgInfoSerializer,
    examples={
        "All methods, for an order of 64,900 won": {**_SHOP, "amount": 64900, "device": "mobile"},
        "Two methods": {**_SHOP, "pay_types": ["CARD", "KAKAOPAY"]},
    },
    answers={
        "What may be offered": {**_FINE, "offers": [_CARD, _KAKAO]},
        "Nothing may be offered": {**_FINE, "offers": []},
    },
)

account_verification_mid = documented(
    "AccountVerificationMid",
    summary="계좌인증용 MID 조회: which MID checks refund accounts?",
    description="For the page on which a buyer registers the account for refunds (환불계좌 등록). The MID comes "
    "from the settings of PGB (`PGB_ACCOUNT_VERIFICATION_MIDS`), not from its database: the DBType's, else the "
    "nation's. `NO_MERCHANT`: none is set.",
    query=AskedSerializer,
    answer=AccountMidSerializer,
    answers={
        "The MID": {**_FINE, "mid": "INIacct001"},
        "None is set": error("NO_MERCHANT", "no MID checks refund accounts for this DBType or nation"),
    },
)
