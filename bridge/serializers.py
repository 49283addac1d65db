"""The shop interface as it is written down: request keys, their rules, and the answers."""

from typing import Any

from rest_framework import serializers

from bridge.cardlike import holds_card_number
from bridge.errors import ErrorCode
from bridge.intake import JsonFloat
from merchants.codes import GatewayCode
from payments.states import Stage

LARGEST_ID = 2**63 - 1
DESCRIPTION_LENGTH = 500


class IdField(serializers.IntegerField):
    """A whole number, as JSON number or text: ids are never fractions."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool | float | JsonFloat) or (isinstance(data, str) and not data.isascii()):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class TextField(serializers.CharField):
    """Short text; numbers are no text here."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or isinstance(data, JsonFloat):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class CardFreeField(TextField):
    """Text that people wrote, in which no card number may stand."""

    default_error_messages = {"card": "seems to hold a card number: PGB must never receive one"}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if holds_card_number(text):
            self.fail("card")
        return text


class PriceField(serializers.Field[Any, Any, Any, Any]):
    """An amount in the currency's own unit: a JSON whole number, or text such as "64900" or "64900.0000".

    The currency is the shop's, so the digits are read where the shop is known (payments.money.parse).
    """

    default_error_messages = {"invalid": 'must be a whole JSON number or text such as "64900"'}

    def to_internal_value(self, data: Any) -> str | int:
        if isinstance(data, bool | JsonFloat) or not isinstance(data, str | int):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class OrderSerializer(serializers.Serializer[Any]):
    """Which order of which shop."""

    DBType = TextField(max_length=20)
    OrderId = IdField(min_value=1, max_value=LARGEST_ID)
    JoinerId = IdField(min_value=0, max_value=LARGEST_ID)
    ClaimId = IdField(min_value=0, max_value=LARGEST_ID, default=0)


class PayStartSerializer(OrderSerializer):
    """Opens an attempt to pay."""

    PayType = TextField(max_length=20)
    TotalPrice = PriceField()
    OrderDescription = CardFreeField(max_length=DESCRIPTION_LENGTH)
    RedirectUrl = TextField(max_length=2000)
    NationCode = TextField(min_length=2, max_length=2)
    PGType = serializers.ChoiceField(choices=GatewayCode.choices, required=False, allow_blank=True)
    Device = serializers.ChoiceField(choices=["pc", "mobile"], default="pc")
    BuyerName = CardFreeField(max_length=100, required=False, allow_blank=True, default="")
    BuyerEmail = CardFreeField(max_length=254, required=False, allow_blank=True, default="")
    BuyerTel = CardFreeField(max_length=30, required=False, allow_blank=True, default="")
    CancelUrl = TextField(max_length=2000, required=False, allow_blank=True, default="")
    TaxFreePrice = PriceField(default=0)
    RequestId = TextField(max_length=255, required=False, allow_blank=True, default="")

    def to_internal_value(self, data: Any) -> Any:
        for name in ("PGType", "Device"):
            if isinstance(data.get(name), str):
                data[name] = data[name].lower()
        for name in ("PayType", "NationCode"):
            if isinstance(data.get(name), str):
                data[name] = data[name].upper()
        # An absent option is often sent as null by .NET.
        given = {key: value for key, value in data.items() if value is not None}
        return super().to_internal_value(given)


class PayStatusSerializer(OrderSerializer):
    """Asks for what PGB knows of an order. Without ClaimId its claim payments are listed too."""

    ClaimId = IdField(min_value=0, max_value=LARGEST_ID, required=False, allow_null=True, default=None)


class AnswerSerializer(serializers.Serializer[Any]):
    """The answer to every call; the first five keys are always there."""

    ErrorCode = serializers.ChoiceField(choices=["", *ErrorCode], allow_blank=True)
    ErrorMessage = serializers.CharField(allow_blank=True)
    IsSuccess = serializers.BooleanField()
    RedirectUrl = serializers.CharField(allow_blank=True)
    Type = serializers.ChoiceField(choices=["", "Redirect", "Page", "Done", "Pending"], allow_blank=True)
    PaymentId = serializers.CharField(required=False)
    Stage = serializers.ChoiceField(choices=Stage.choices, required=False)
    Balance = serializers.CharField(required=False, help_text="what can still be given back")
    Reserved = serializers.CharField(required=False, help_text="what open cancels hold")


class PaymentStateSerializer(serializers.Serializer[Any]):
    """One payment as the shop reads it; amounts are text in the currency's own unit."""

    DBType = serializers.CharField()
    OrderId = serializers.IntegerField()
    ClaimId = serializers.IntegerField()
    JoinerId = serializers.IntegerField()
    NationCode = serializers.CharField()
    PaymentId = serializers.CharField()
    PGType = serializers.CharField()
    PayType = serializers.CharField()
    TotalPrice = serializers.CharField()
    PaidPrice = serializers.CharField()
    Balance = serializers.CharField()
    Reserved = serializers.CharField()
    Currency = serializers.CharField()
    Stage = serializers.ChoiceField(choices=Stage.choices)
    Reason = serializers.CharField(allow_blank=True)
    PaidAt = serializers.DateTimeField(allow_null=True)


class PayStatusAnswerSerializer(AnswerSerializer, PaymentStateSerializer):
    """The standing payment of the order, its other attempts, and the order's claim payments."""

    Cancellations = serializers.ListField(child=serializers.DictField())
    OtherPayments = PaymentStateSerializer(many=True)
    ClaimPayments = PaymentStateSerializer(many=True)


class CompletionSerializer(PaymentStateSerializer):
    """A message to the shop. It carries the whole state of the order's standing payment."""

    EventId = serializers.UUIDField(help_text="the same in every repeat, and the webhook-id header")
    EventType = serializers.ChoiceField(choices=["PayComplete", "PayFailed", "PayExpired", "VirtualAccountIssued"])
    Sequence = serializers.IntegerField(help_text="rises per order: ignore a lower one than you have seen")
    OccurredAt = serializers.DateTimeField()


class CompletionAnswerSerializer(serializers.Serializer[Any]):
    """What the shop answers. Only IsSuccess true ends the repeats; Final beside false ends them too."""

    IsSuccess = serializers.BooleanField()
    Final = serializers.BooleanField(required=False)
