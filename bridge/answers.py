"""What a shop is told: the answers to its calls, and the messages at its completion URL."""

from typing import Any

from rest_framework import serializers

from bridge.errors import ErrorCode
from merchants.codes import GatewayCode
from payments.models import CancelOrigin, CancelState, DeliveryKind
from payments.states import Stage


class CancelStateSerializer(serializers.Serializer[Any]):
    """One cancel of a payment; amounts are text in the currency's own unit."""

    CancelId = serializers.CharField()
    RequestId = serializers.CharField(help_text="Yours, if it came with one.")
    RefundPrice = serializers.CharField()
    RefundTaxFreePrice = serializers.CharField()
    CancelState = serializers.ChoiceField(
        choices=CancelState.values,
        help_text="REQUESTED, SENDING, UNKNOWN: not decided yet. PENDING: the gateway has accepted it. REVERSED: the "
        "money came back to the merchant later.",
    )
    CancelOrigin = serializers.ChoiceField(
        choices=CancelOrigin.values, help_text="Who wanted it. GATEWAY: it was made in the gateway's own console."
    )
    CancelCode = serializers.CharField(help_text="Why it was refused, in the gateway's words; else empty.")
    CancelRequestedAt = serializers.DateTimeField()
    CancelEndedAt = serializers.DateTimeField(allow_null=True)


class AnswerSerializer(serializers.Serializer[Any]):
    """The answer to every call; the first five keys are always there."""

    ErrorCode = serializers.ChoiceField(choices=["", *ErrorCode], help_text="Empty when IsSuccess is true.")
    ErrorMessage = serializers.CharField(help_text="For developers: what was wrong and what to do. Not for buyers.")
    IsSuccess = serializers.BooleanField()
    RedirectUrl = serializers.CharField(help_text="Where to send the buyer now; else empty.")
    Type = serializers.ChoiceField(
        choices=["", "Redirect", "Page", "Done", "Pending"],
        help_text="Redirect: the gateway's page. Page: PGB's own pay page. Done: nothing more to do. "
        "Pending: not decided yet. Empty: an error.",
    )
    PaymentId = serializers.CharField(required=False, help_text="The number of this attempt to pay, 26 characters.")
    Stage = serializers.ChoiceField(choices=Stage.values, required=False)
    Balance = serializers.CharField(required=False, help_text="What can still be given back.")
    Reserved = serializers.CharField(required=False, help_text="What open cancels hold.")
    CancelId = serializers.CharField(required=False, help_text="The number of the cancel.")


class PaymentStateSerializer(serializers.Serializer[Any]):
    """One payment as the shop reads it; amounts are text in the currency's own unit."""

    DBType = serializers.CharField()
    OrderId = serializers.IntegerField()
    ClaimId = serializers.IntegerField()
    JoinerId = serializers.IntegerField()
    NationCode = serializers.CharField()
    PaymentId = serializers.CharField(help_text="The number of this attempt to pay, 26 characters.")
    PGType = serializers.ChoiceField(choices=GatewayCode.values)
    PayType = serializers.CharField()
    TotalPrice = serializers.CharField(help_text="What was asked for.")
    PaidPrice = serializers.CharField(help_text="What the gateway has verified as paid.")
    Balance = serializers.CharField(help_text="What can still be given back: paid less cancelled less Reserved.")
    Reserved = serializers.CharField(help_text="What open cancels hold.")
    Currency = serializers.CharField(help_text="ISO 4217.")
    Stage = serializers.ChoiceField(choices=Stage.values)
    Reason = serializers.CharField(help_text="Why it ended unpaid or is in REVIEW; else empty.")
    Disputed = serializers.BooleanField(help_text="The buyer disputes it at the gateway.")
    PaidAt = serializers.DateTimeField(allow_null=True)


class PayStatusAnswerSerializer(AnswerSerializer, PaymentStateSerializer):
    """The order's standing payment, its other attempts and its claim payments. An error has the five keys only."""

    Cancellations = CancelStateSerializer(many=True, help_text="Its cancels, the newest first.")
    OtherPayments = PaymentStateSerializer(many=True, help_text="The order's other attempts, the newest first.")
    ClaimPayments = PaymentStateSerializer(many=True, help_text="Only when ClaimId is absent.")

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        for name, field in fields.items():
            field.required = name in ("ErrorCode", "ErrorMessage", "IsSuccess", "RedirectUrl", "Type")
        return fields


class CompletionSerializer(PaymentStateSerializer, CancelStateSerializer):
    """A message to the shop. It carries the whole state of the order's standing payment.

    CancelComplete, CancelFailed and RefundReversed also tell of the cancel; a CancelComplete without one
    says that an unpaid payment was ended.
    """

    EventId = serializers.UUIDField(help_text="The same in every repeat, and the webhook-id header.")
    EventType = serializers.ChoiceField(choices=DeliveryKind.values)
    Sequence = serializers.IntegerField(
        help_text="Rises per order. Keep it per (DBType, OrderId, ClaimId) and ignore a message with a lower one."
    )
    OccurredAt = serializers.DateTimeField()

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        for name in CancelStateSerializer().get_fields():
            fields[name].required = False
        return fields


class CompletionAnswerSerializer(serializers.Serializer[Any]):
    """What the shop answers. Only IsSuccess true ends the repeats; Final beside false ends them too."""

    IsSuccess = serializers.BooleanField()
    ErrorMessage = serializers.CharField(required=False)
    Final = serializers.BooleanField(required=False, help_text="Beside IsSuccess false: do not repeat this message.")
