"""Filters of the lists, each in a form that an index serves."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter
from unfold.widgets import INPUT_CLASSES

from merchants.codes import GatewayCode, Mode
from merchants.models import Merchant


class _MerchantFilter(DropdownFilter):
    """Filters by a property of the merchants, through the index on the merchant's key."""

    choices_of_merchants: list[tuple[str, Any]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer only what some merchant has."""
        there = set(Merchant.objects.values_list(self.parameter_name, flat=True).distinct())
        return [(value, label) for value, label in self.choices_of_merchants if value in there]

    def has_output(self) -> bool:
        """Show the filter also before the first merchant is set up."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of the merchants that have the chosen property."""
        if not self.value():
            return queryset
        chosen = Merchant.objects.filter(**{self.parameter_name: self.value()})
        return queryset.filter(merchant__in=list(chosen.values_list("pk", flat=True)))


class GatewayFilter(_MerchantFilter):
    """By PG사."""

    title = _("PG사")
    parameter_name = "gateway"
    choices_of_merchants = GatewayCode.choices


class ModeFilter(_MerchantFilter):
    """By test or live."""

    title = _("구분")
    parameter_name = "mode"
    choices_of_merchants = Mode.choices


class _DaysForm(forms.Form):
    """Two days, both included, in the browser's own calendar."""

    def __init__(self, name: str, data: dict[str, str]) -> None:
        super().__init__(data=data)
        for end, label in (("from", _("이날부터")), ("to", _("이날까지"))):
            attrs = {"type": "date", "class": " ".join(INPUT_CLASSES), "aria-label": label}
            self.fields[f"{name}_{end}"] = forms.DateField(required=False, widget=forms.DateInput(attrs=attrs))


class DaysFilter(RangeDateFilter):
    """By days of the back office's time zone. A day that is none filters nothing."""

    form_class = _DaysForm

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of the chosen days."""
        first, last = self._day("from"), self._day("to")
        if first:
            queryset = queryset.filter(**{f"{self.field_path}__gte": _midnight(first)})
        if last:
            queryset = queryset.filter(**{f"{self.field_path}__lt": _midnight(last + timedelta(days=1))})
        return queryset

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """Yield the form, filled in."""
        data = {f"{self.field_path}_{end}": self._text(end) for end in ("from", "to")}
        yield {"form": _DaysForm(self.field_path, data)}

    def _text(self, end: str) -> str:
        return str(self.used_parameters.get(f"{self.field_path}_{end}") or "")

    def _day(self, end: str) -> date | None:
        try:
            day = parse_date(self._text(end))
        except ValueError:
            return None
        return day if day and 2000 <= day.year < 3000 else None


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
