"""What a shop sends: the keys of each call and their rules."""

import re
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from merchants.codes import GatewayCode
from payments.cardlike import holds_card_number
from payments.money import MAX_DIGITS

LARGEST_ID = 2**63 - 1
DESCRIPTION_LENGTH = 500


class IdField(serializers.IntegerField):
    """A whole number, as JSON number or as digits: ids are never fractions."""

    default_error_messages = {"invalid": "must be a whole number, such as 1001"}

    def to_internal_value(self, data: Any) -> int:
        digits = isinstance(data, str) and re.fullmatch(r"[0-9]{1,20}", data)
        if isinstance(data, bool) or not (digits or isinstance(data, int)):
            self.fail("invalid")
        return int(data)


class TextField(serializers.CharField):
    """Short text; numbers are no text here."""

    default_error_messages = {"invalid": "must be text"}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class CardFreeField(TextField):
    """Text that people wrote, in which no card number may stand."""

    default_error_messages = {"card": "seems to hold a card number, which PGB must never receive: leave it out"}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if holds_card_number(text):
            self.fail("card")
        return text


class WordField(serializers.ChoiceField):
    """One of a few words, in any letter case. The message does not repeat what was sent."""

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(choices, **kwargs)
        self.error_messages["invalid_choice"] = f"must be one of {', '.join(map(str, self.choices))}"

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value(data.lower() if isinstance(data, str) else data)


@extend_schema_field({
    "anyOf": [
        {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"},
        {"type": "integer", "minimum": 0, "maximum": 10**MAX_DIGITS - 1},
    ]
})  # fmt: skip
class PriceField(serializers.Field[Any, Any, Any, Any]):
    """An amount in the currency's own unit. The currency is the shop's: it is read where the shop is known."""

    def to_internal_value(self, data: Any) -> Any:
        return data


class CallSerializer(serializers.Serializer[Any]):
    """Which order of which shop a call is about."""

    DBType = CardFreeField(min_length=1, max_length=20, help_text="The shop database that calls, as registered at PGB.")
    OrderId = IdField(min_value=1, max_value=LARGEST_ID, help_text="Your order. Unique within a DBType.")
    JoinerId = IdField(min_value=0, max_value=LARGEST_ID, help_text="The joiner of the order.")
    ClaimId = IdField(
        min_value=0,
        max_value=LARGEST_ID,
        default=0,
        help_text="An additional payment for a claim of this order. Absent or 0: the order itself.",
    )

    def to_internal_value(self, data: Any) -> Any:
        """Read an option that is null or empty as absent: .NET often sends it so."""
        fields = self.fields
        empty = {name for name, value in data.items() if value is None or (value == "" and not fields[name].required)}
        return super().to_internal_value({name: value for name, value in data.items() if name not in empty})


class PayStartSerializer(CallSerializer):
    """Opens an attempt to pay."""

    PayType = CardFreeField(
        min_length=1, max_length=20, help_text="Payment method: CARD, BANK, VBANK, KAKAOPAY, NAVERPAY ..."
    )
    TotalPrice = PriceField(
        help_text='What is to be paid, in the currency of the shop. No sign, no separator, no exponent. "64900.0000" '
        "is 64900 won; a JSON number must be whole."
    )
    OrderDescription = CardFreeField(
        min_length=1, max_length=DESCRIPTION_LENGTH, help_text="What the buyer reads while paying."
    )
    RedirectUrl = TextField(
        min_length=1,
        max_length=2000,
        help_text="Where the buyer comes back to: absolute, https, its host on your list.",
    )
    NationCode = TextField(min_length=2, max_length=2, help_text="ISO 3166 code of a nation that the shop serves.")
    PGType = WordField(GatewayCode.values, required=False, help_text="Pay through this gateway only.")
    Device = WordField(["pc", "mobile"], default="pc", help_text="The buyer's device.")
    BuyerName = CardFreeField(max_length=100, default="")
    BuyerEmail = CardFreeField(max_length=254, default="")
    BuyerTel = CardFreeField(max_length=30, default="")
    CancelUrl = TextField(
        max_length=2000, default="", help_text="Where a buyer who turns back goes. Absent: RedirectUrl."
    )
    TaxFreePrice = PriceField(default=0, help_text="The part of TotalPrice that is free of tax.")
    RequestId = TextField(
        max_length=255,
        default="",
        help_text="Your own id of this call. It stands in PGB's log if it is at most 64 letters, digits and `_.-`.",
    )

    def validate_PayType(self, value: str) -> str:
        return value.upper()

    def validate_NationCode(self, value: str) -> str:
        return value.upper()


class PayStatusSerializer(CallSerializer):
    """Asks for what PGB knows of an order."""

    ClaimId = IdField(
        min_value=0,
        max_value=LARGEST_ID,
        default=None,
        help_text="Absent: the order itself, and its claim payments are listed too.",
    )


class _CancelSerializer(CallSerializer):
    """What both cancels take."""

    CurrentTotalPrice = PriceField(help_text="What can still be given back, as the shop knows it: Balance.")
    NationCode = TextField(min_length=2, max_length=2, help_text="ISO 3166 code of a nation that the shop serves.")
    RequestId = CardFreeField(
        max_length=255,
        default="",
        help_text="Your own id of this cancel, the same in every repeat: it makes the repeat surely no second cancel. "
        "Absent, a signed call's webhook-id counts, else the prices.",
    )
    Reason = CardFreeField(max_length=200, default="", help_text="Why, in your words. Staff read it.")
    TaxFreePrice = PriceField(
        default=None, help_text="The tax-free part of this refund. Absent: the smallest part that fits."
    )
    RefundBank = CardFreeField(max_length=20, default="", help_text="Where the method needs it: the buyer's bank.")
    RefundAccount = TextField(
        max_length=40, default="", help_text="Where the method needs it: the buyer's account, digits and hyphens."
    )
    RefundHolder = CardFreeField(max_length=60, default="", help_text="Where the method needs it: who holds it.")

    def validate_NationCode(self, value: str) -> str:
        return value.upper()

    def validate_RefundAccount(self, value: str) -> str:
        if not re.fullmatch(r"[0-9-]*", value):
            raise serializers.ValidationError("must be digits and hyphens")
        return value


class PartialCancelSerializer(_CancelSerializer):
    """Gives a part of the money back."""

    spellings = {"modifiedtotalprice": "ModifedTotalPrice"}

    RefundPrice = PriceField(help_text="What is to go back.")
    ModifedTotalPrice = PriceField(
        help_text="CurrentTotalPrice less RefundPrice. The spelling ModifiedTotalPrice is taken too."
    )


class FullCancelSerializer(_CancelSerializer):
    """Gives back all that remains, or ends a payment that nobody has made yet."""

    PGType = WordField(GatewayCode.values, help_text="The gateway of the payment.")
    PayType = CardFreeField(min_length=1, max_length=20, help_text="The payment method of the payment.")

    def validate_PayType(self, value: str) -> str:
        return value.upper()
