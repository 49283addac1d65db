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
from merchants.models import Merchant, PaymentMethod, Shop
from payments.admin import columns


def _merchants(request: HttpRequest) -> list[Merchant]:
    """Return every merchant, read once for all filters of a list."""
    found: list[Merchant] | None = getattr(request, "pgb_merchants", None)
    if found is None:
        found = list(Merchant.objects.only("code", "gateway", "mode", "currency"))
        request.pgb_merchants = found  # type: ignore[attr-defined]  # kept for this request
    return found


def _to_session(rows: QuerySet[Any]) -> str:
    """Return the way from a row to its payment."""
    return "" if hasattr(rows.model, "merchant") else "session__"


class _AlwaysShown(DropdownFilter):
    """A choice that is shown also before there is anything to choose from."""

    def has_output(self) -> bool:
        """Show it."""
        return True


class _MerchantFilter(_AlwaysShown):
    """Filters by a property of the merchants, through the index on the merchant's key."""

    choices_of_merchants: list[tuple[str, Any]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer only what some merchant has."""
        there = {getattr(merchant, str(self.parameter_name)) for merchant in _merchants(request)}
        return [(value, label) for value, label in self.choices_of_merchants if value in there]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of the merchants that have the chosen property."""
        if not self.value():
            return queryset
        name = str(self.parameter_name)
        chosen = [merchant.pk for merchant in _merchants(request) if str(getattr(merchant, name)) == self.value()]
        return queryset.filter(**{f"{_to_session(queryset)}merchant__in": chosen})


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


class MerchantFilter(_MerchantFilter):
    """By 가맹점 (MID)."""

    title = _("가맹점")
    parameter_name = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer every merchant, by its code."""
        return [(merchant.code, columns.merchant(merchant)) for merchant in _merchants(request)]


class CurrencyFilter(_MerchantFilter):
    """By currency; a payment has its merchant's."""

    title = _("통화")
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer the merchants' currencies."""
        there = sorted({merchant.currency for merchant in _merchants(request)})
        return [(currency, currency) for currency in there]


class MethodFilter(_AlwaysShown):
    """By 결제수단."""

    title = _("결제수단")
    parameter_name = "method"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer what gateways charge."""
        return [(method.code, method.local_name) for method in PaymentMethod.objects.filter(is_main=True)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows paid, or to be paid, in this way."""
        return queryset.filter(**{f"{_to_session(queryset)}method": self.value()}) if self.value() else queryset


class ShopFilter(_AlwaysShown):
    """By 상점."""

    title = _("상점")
    parameter_name = "shop"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer every shop."""
        return [(str(shop.pk), str(shop)) for shop in Shop.objects.only("db_type", "joiner_id")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of the shop's orders; a key that is none has no orders."""
        if not self.value():
            return queryset
        offered = {str(key) for key, _label in self.lookup_choices}
        if self.value() not in offered:
            return queryset.none()
        return queryset.filter(**{f"{_to_session(queryset)}order__shop": self.value()})


class _DaysForm(forms.Form):
    """Two days, both included, in the browser's own calendar."""

    def __init__(self, name: str, data: dict[str, str]) -> None:
        super().__init__(data=data)
        for end, label in (("from", _("이날부터")), ("to", _("이날까지"))):
            attrs = {"type": "date", "class": " ".join(INPUT_CLASSES)}
            self.fields[f"{name}_{end}"] = forms.DateField(
                label=label, required=False, widget=forms.DateInput(attrs=attrs)
            )


class DaysFilter(RangeDateFilter):
    """By days of the back office's time zone. A day that is none filters nothing."""

    form_class = _DaysForm
    template = "admin/payments/days_filter.html"

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
