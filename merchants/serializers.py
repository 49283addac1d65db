"""The functions as they are written down: what may be asked, and what is answered."""

from typing import Any

from rest_framework import serializers

from merchants.codes import Device, GatewayCode, Mode
from merchants.functions import AskedSerializer, FunctionAnswerSerializer

MOST_METHODS = 50
LARGEST_AMOUNT = 10**15 - 1

Amount = serializers.IntegerField
_IN_MINOR_UNITS = "In minor units of the shop's currency: 64900 is 64,900 won, 1050 is 10.50 dollars."


class PayTypeField(serializers.RegexField):
    """The code of a payment method, in any letter case."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,19}$", **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Codes are stored in capitals."""
        return str(super().to_internal_value(data)).upper()


class OrderPageSerializer(AskedSerializer):
    """The order page that is asked about."""

    pg_type = serializers.ChoiceField(
        GatewayCode.values, required=False, allow_null=True, help_text="Only this gateway."
    )
    device = serializers.ChoiceField(
        [Device.PC.value, Device.MOBILE.value], default=Device.PC.value, help_text="The buyer's device."
    )


class MethodAskedSerializer(OrderPageSerializer):
    """One payment method of an order page."""

    pay_type = PayTypeField(help_text="CARD, BANK, VBANK, KAKAOPAY ...")


class MerchantAskedSerializer(MethodAskedSerializer):
    """One payment method, for an amount."""

    amount = Amount(
        min_value=1,
        max_value=LARGEST_AMOUNT,
        required=False,
        allow_null=True,
        help_text=f"What is to be paid; absent: whatever the amount. {_IN_MINOR_UNITS}",
    )


class PgInfoAskedSerializer(OrderPageSerializer):
    """Some payment methods, or all."""

    pay_types = serializers.ListField(
        child=PayTypeField(), required=False, allow_null=True, max_length=MOST_METHODS, help_text="Absent: all methods."
    )
    amount = Amount(
        min_value=1,
        max_value=LARGEST_AMOUNT,
        required=False,
        allow_null=True,
        help_text=f"What is to be paid: the order's amount, or a claim's additional one; absent: whatever the amount. "
        f"{_IN_MINOR_UNITS}",
    )


class ConnectionSerializer(FunctionAnswerSerializer):
    """Whether a method is wired, and wanted."""

    pay_type = serializers.CharField()
    is_main = serializers.BooleanField(help_text="False: a sub method, which the shop settles itself; no gateway.")
    connected = serializers.BooleanField(help_text="연결여부: wired to a gateway and healthy.")
    in_use = serializers.BooleanField(help_text="사용여부: the business wants it.")


class NamesSerializer(serializers.Serializer[Any]):
    """A name in the languages of order pages."""

    ko = serializers.CharField()
    ja = serializers.CharField()
    en = serializers.CharField()


class OfferSerializer(serializers.Serializer[Any]):
    """A method, and who charges it."""

    pay_type = serializers.CharField()
    names = NamesSerializer()
    pg_type = serializers.ChoiceField(GatewayCode.values)
    mid = serializers.CharField()
    mode = serializers.ChoiceField(Mode.values, help_text="test: no money moves.")
    currency = serializers.CharField(help_text="ISO 4217.")
    min_amount = serializers.IntegerField(help_text=_IN_MINOR_UNITS)
    max_amount = serializers.IntegerField(allow_null=True, help_text="null: no limit.")
    card_issuers = serializers.ListField(
        child=serializers.CharField(),
        allow_null=True,
        help_text="CARD: the issuers whose cards can be charged, in display order; null: all.",
    )


class MerchantSerializer(FunctionAnswerSerializer, OfferSerializer):
    """Who charges."""


class PgInfoSerializer(FunctionAnswerSerializer):
    """What an order page may offer, in display order."""

    offers = OfferSerializer(many=True)


class AccountMidSerializer(FunctionAnswerSerializer):
    """The MID that checks refund accounts."""

    mid = serializers.CharField()
