"""The form for new notices: what several numbers of months share is typed once, and each becomes a row."""

from collections.abc import Mapping
from copy import copy
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from installments.models import InterestFreeNotice, Overlap

OFFERED = (*range(2, 13), 15, 18, 20, 24, 30, 36)


class MonthsWidget(forms.Widget):
    """A tick for each number of months, and how many first turns the buyer pays. Its value: {months: turns}."""

    template_name = "installments/months.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        chosen = value or {}
        rows = [(months, months in chosen, chosen.get(months, 0)) for months in OFFERED]
        return context | {"rows": rows, "name": name}

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> dict[int, Any]:
        return {
            months: data.get(f"{name}_{months}_turns", "") for months in OFFERED if data.get(f"{name}_{months}") == "on"
        }

    def id_for_label(self, id_: str) -> str:
        return ""

    def use_required_attribute(self, initial: Any) -> bool:
        return False


class MonthsField(forms.Field):
    """Numbers of months with the buyer's turns."""

    widget = MonthsWidget

    def clean(self, value: Any) -> dict[int, int]:
        """Return {months: turns}. Raises ValidationError."""
        if not value:
            raise ValidationError(_("할부개월을 하나 이상 고르세요."), code="required")
        found = {}
        for months, turns in value.items():
            text = str(turns).strip() or "0"
            if not (text.isascii() and text.isdecimal() and len(text) <= 2 and int(text) < months):
                problem = _("%(months)s개월: 고객부담 회차는 0부터 %(most)s까지입니다.")
                raise ValidationError(problem % {"months": months, "most": months - 1}, code="turns")
            found[months] = int(text)
        return found


class LinkedOverlaps(forms.ModelForm):
    """A form whose errors link to the notice that is in the way."""

    def _post_clean(self) -> None:
        super()._post_clean()
        errors = self._errors.get(NON_FIELD_ERRORS)
        if errors is not None:
            errors.data[:] = [linked(one) if isinstance(one, Overlap) else one for one in errors.data]


def linked(error: Overlap, before: str = "") -> ValidationError:
    """Return the same error with a link in place of the name."""
    url = reverse("admin:installments_interestfreenotice_change", args=[error.other.pk])
    words = _("이미 있는 안내와 겹칩니다: {link}. 기간이나 금액을 바꾸거나 그 안내를 먼저 고치세요.")
    link = format_html('<a class="underline" href="{}">#{} {}</a>', url, error.other.pk, error.other)
    return ValidationError(format_html("{}{}", before, format_html(words, link=link)), code=error.code)


class AddForm(LinkedOverlaps):
    """Makes one row for each number of months: all or none. ``notices`` are the rows, not yet saved."""

    months_and_turns = MonthsField(label=gettext_lazy("할부개월"))

    class Meta:
        model = InterestFreeNotice
        exclude = ("months", "buyer_turns")

    def _post_clean(self) -> None:
        super()._post_clean()
        self.notices: list[InterestFreeNotice] = []
        if self._errors:
            return
        for months, turns in self.cleaned_data["months_and_turns"].items():
            notice = copy(self.instance)
            notice.months, notice.buyer_turns = months, turns
            try:
                notice.full_clean()
            except ValidationError as error:
                self._tell(months, error)
            self.notices.append(notice)
        self.instance = self.notices[0]

    def _tell(self, months: int, error: ValidationError) -> None:
        before = _("%s개월: ") % months
        for one in [one for errors in error.error_dict.values() for one in errors]:
            told = linked(one, before) if isinstance(one, Overlap) else ValidationError(f"{before}{one.messages[0]}")
            self.add_error("months_and_turns", told)
