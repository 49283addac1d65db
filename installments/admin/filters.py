"""Filters of the list of notices."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter
from unfold.widgets import INPUT_CLASSES

from installments.models import InterestFreeNotice


class State(models.TextChoices):
    """Where today lies: before, within or after the period."""

    NOW = "now", _("진행중")
    COMING = "coming", _("예정")
    OVER = "over", _("종료")


def state_of(notice: InterestFreeNotice) -> State:
    """Return how the notice stands today, in Korea."""
    today = timezone.localdate()
    if today < notice.starts_on:
        return State.COMING
    return State.OVER if notice.ends_on < today else State.NOW


class StateFilter(DropdownFilter):
    """By how notices stand today."""

    title = _("상태")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return State.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        today = timezone.localdate()
        wanted: dict[str | None, dict[str, Any]] = {
            State.NOW: {"starts_on__lte": today, "ends_on__gte": today},
            State.COMING: {"starts_on__gt": today},
            State.OVER: {"ends_on__lt": today},
        }
        return queryset.filter(**wanted.get(self.value(), {}))


class _DayForm(forms.Form):
    def __init__(self, name: str, data: dict[str, Any]) -> None:
        super().__init__(data=data)
        attrs = {"type": "date", "class": " ".join(INPUT_CLASSES)}
        widget = forms.DateInput(attrs=attrs)
        self.fields[name] = forms.DateField(label=_("기준일"), required=False, widget=widget)


class DayFilter(admin.SimpleListFilter):
    """By a day within the period. A day that is none filters nothing."""

    title = _("기준일")
    parameter_name = "day"
    template = "unfold/filters/filters_field.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("", "")]

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Any:
        yield {"form": _DayForm(self.parameter_name, {self.parameter_name: self.value() or ""})}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        try:
            day = parse_date(self.value() or "")
        except ValueError:
            day = None
        return queryset.filter(starts_on__lte=day, ends_on__gte=day) if day else queryset
