"""Fields of the forms about money: a reason, an amount, and who it is once more."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import RADIO_CLASSES, UnfoldAdminTextInputWidget

from payments import money
from payments.admin import masking
from payments.cardlike import holds_card_number
from payments.staff import LONGEST_NOTE

_IN_THOUSANDS = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_NUMERIC = {"inputmode": "numeric", "autocomplete": "off"}


def nothing_personal(text: str) -> None:
    """Refuse a text with a card number, or with how to reach a person: it is kept for ever. Raises ValidationError."""
    if holds_card_number(text):
        raise forms.ValidationError(_("카드번호처럼 보이는 숫자가 있습니다. 카드번호는 적지 마세요."))
    if masking.names_a_person(text):
        raise forms.ValidationError(_("전화번호나 메일 주소처럼 보이는 것이 있습니다. 개인정보는 적지 마세요."))


class WhyField(forms.CharField):
    """The reason that everything about money asks for."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs = {"label": gettext_lazy("사유"), "widget": UnfoldAdminTextInputWidget, "min_length": 2, **kwargs}
        super().__init__(**{"max_length": 200, "validators": [nothing_personal], **kwargs})


class HandlingForm(forms.Form):
    """What a person who has a matter in hand, or is done with it, says of it."""

    note = WhyField(
        label=gettext_lazy("메모"),
        required=False,
        max_length=LONGEST_NOTE,
        help_text=gettext_lazy("무엇을 확인하고 무엇을 했는지 적습니다. 개인정보는 적지 마세요."),
    )


@dataclass(frozen=True, slots=True)
class Offer:
    """One of several things to choose: what it is called, what it does, and why it is not possible now."""

    value: str
    name: str
    meaning: Any
    obstacle: str


class Offers(forms.RadioSelect):
    """Everything there is to choose, each with what it does; what is not possible says why."""

    def __init__(self, offers: Sequence[Offer]) -> None:
        super().__init__(choices=[(one.value, one.name) for one in offers if not one.obstacle])
        self.offers = offers

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Return the list: of the project's own templates, which Django's renderer of forms does not know."""
        shown = {"name": name, "chosen": value, "offers": self.offers, "classes": " ".join(RADIO_CLASSES)}
        return render_to_string("admin/payments/offers.html", {**shown, **(attrs or {})})


class MoneyField(forms.CharField):
    """An amount of a currency, typed with or without commas; its value is in minor units."""

    def __init__(self, currency: str, **kwargs: Any) -> None:
        self.currency = currency
        super().__init__(max_length=30, widget=UnfoldAdminTextInputWidget(attrs=_NUMERIC), **kwargs)

    def clean(self, value: Any) -> Any:
        """Return minor units, None for nothing."""
        text = super().clean(value)
        return minor_units(text, self.currency) if text else None


def minor_units(text: str, currency: str) -> int:
    """Return what somebody typed in minor units. Raises ValidationError.

    A comma parts thousands: taken for anything else, as in 10,50, it would make a hundred times as much.
    """
    digits = text.replace(" ", "")
    try:
        return money.parse(digits.replace(",", "") if _IN_THOUSANDS.fullmatch(digits) else digits, currency)
    except money.BadAmount as error:
        raise forms.ValidationError(_("숫자로 된 금액을 적으세요. 예: 10000")) from error
