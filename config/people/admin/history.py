"""변경 이력: who changed what, and who saw or took out personal data. Read-only."""

from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from config.people.admin import changes
from config.people.models import HistoryEntry
from merchants import audit
from payments.admin import columns
from payments.admin.base import RecordAdmin
from payments.admin.filters import DaysFilter
from payments.models import PaymentSession

admin.site.unregister(LogEntry)


class KindFilter(DropdownFilter):
    """By what was done."""

    title = gettext_lazy("구분")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer changes by their action, the rest by its kind."""
        actions = [(str(action), label) for action, label in changes.ACTIONS.items() if action != _ACCESS]
        return [*actions, *changes.KINDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the chosen kind."""
        chosen = self.value()
        if chosen in changes.KINDS:
            return queryset.filter(action=_ACCESS, additional_data__kind=chosen)
        return queryset.filter(action=chosen) if chosen in {str(one) for one in changes.ACTIONS} else queryset


class SubjectFilter(DropdownFilter):
    """By the kind of what was changed or looked at."""

    title = gettext_lazy("대상 종류")
    parameter_name = "subject"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer what has a history, and what personal data is in."""
        models = [*auditlog.get_models(), PaymentSession]
        return sorted(((one._meta.label_lower, str(one._meta.verbose_name)) for one in models), key=itemgetter(1))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the chosen table."""
        app, _dot, model = str(self.value() or "").partition(".")
        return queryset.filter(content_type__app_label=app, content_type__model=model) if app else queryset


class RowFilter(DropdownFilter):
    """By one row: where the button 이력 of its page leads to."""

    title = gettext_lazy("대상")
    parameter_name = "row"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterator[tuple[str, str]]:
        """Offer the row that was asked for."""
        value = str(self.value() or "")
        if value:
            newest = _of_row(HistoryEntry.objects.all(), value).first()
            yield value, newest.object_repr if newest else value

    def has_output(self) -> bool:
        """Nobody chooses a row here."""
        return bool(self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what happened to the row."""
        return _of_row(queryset, str(self.value())) if self.value() else queryset


class ActorFilter(DropdownFilter):
    """By who did it."""

    title = gettext_lazy("사람")
    parameter_name = "actor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer the staff, and the file that no person stands for."""
        staff = User.objects.filter(is_staff=True).order_by("username").values_list("pk", "username")
        return [(audit.PROVISION, _("설정 파일 (provision)")), *((str(pk), name) for pk, name in staff)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what the chosen one did."""
        chosen = str(self.value() or "")
        if chosen == audit.PROVISION:
            return queryset.filter(actor=None, additional_data__origin=audit.PROVISION)
        return queryset.filter(actor=int(chosen)) if chosen.isdecimal() and len(chosen) < 10 else queryset


@admin.register(HistoryEntry)
class HistoryAdmin(RecordAdmin):
    """변경 이력."""

    list_display = ("at", "actor_name", "kind_label", "subject", "row", "what")
    list_display_links = ("at", "row")
    list_select_related = ("actor",)
    list_only = (
        "timestamp",
        "action",
        "object_repr",
        "changes",
        "additional_data",
        "content_type",
        "actor__username",
        "actor__first_name",
        "actor__last_name",
    )
    list_filter = (KindFilter, SubjectFilter, RowFilter, ActorFilter, ("timestamp", DaysFilter))
    search_help_text = gettext_lazy("대상, 사용자 이름, 요청 번호 (X-Request-Id)")
    ordering = ("-timestamp", "-pk")
    page_template = "admin/people/history_entry.html"

    @display(description=gettext_lazy("시각"))
    def at(self, entry: HistoryEntry) -> str:
        """Return when it was done."""
        return columns.moment(entry.timestamp)

    @display(description=gettext_lazy("사람"))
    def actor_name(self, entry: HistoryEntry) -> str:
        """Return who did it."""
        return changes.who(entry)

    @display(description=gettext_lazy("구분"), label=changes.TONES)
    def kind_label(self, entry: HistoryEntry) -> tuple[str, str]:
        """Return what was done, for a coloured label."""
        return changes.kind(entry)

    @display(description=gettext_lazy("대상 종류"))
    def subject(self, entry: HistoryEntry) -> str:
        """Return the kind of what it was done to."""
        return _label(ContentType.objects.get_for_id(entry.content_type_id))

    @display(description=gettext_lazy("대상"))
    def row(self, entry: HistoryEntry) -> str:
        """Return what it was done to, by its name at that time."""
        return str(entry.object_repr)

    @display(description=gettext_lazy("내용"))
    def what(self, entry: HistoryEntry) -> str:
        """Return the fields that changed, or the reason."""
        return changes.summary(entry)

    def find(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Find by the name of what was changed, by who did it, or by the number of the request."""
        return rows.filter(Q(object_repr__icontains=term) | Q(actor__username__icontains=term) | Q(cid=term))

    def page(self, request: HttpRequest, record: HistoryEntry) -> dict[str, Any]:
        """Return everything that the line says."""
        tone, done = changes.kind(record)
        details = record.additional_data or {}
        facts = {
            _("시각"): columns.moment(record.timestamp),
            _("사람"): changes.who(record),
            _("주소"): record.remote_addr,
            _("요청 번호"): record.cid,
            _("사유"): details.get("reason"),
            _("범위"): details.get("what"),
            _("건수"): f"{details['count']:,}" if "count" in details else "",
        }
        return {
            "title": f"{_label(record.content_type)} {record.object_repr}",
            "subject": _label(record.content_type),
            "tone": tone,
            "done": done,
            "changes": changes.changes(record),
            "facts": [(name, value) for name, value in facts.items() if value],
            "row_url": _row_url(record),
        }


_ACCESS = LogEntry.Action.ACCESS


def _label(content_type: ContentType) -> str:
    model = content_type.model_class()
    return str(model._meta.verbose_name) if model else content_type.model


def _of_row(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    """Return the lines of a row named as ``app.model:key``."""
    table, _colon, key = value.partition(":")
    app, _dot, model = table.partition(".")
    return rows.filter(content_type__app_label=app, content_type__model=model, object_pk=key)


def _row_url(entry: HistoryEntry) -> str:
    """Return the address of what was changed, if it has a page and is still there."""
    model = entry.content_type.model_class()
    if not entry.object_pk or model is None or not model._default_manager.filter(pk=entry.object_pk).exists():
        return ""
    try:
        return reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_change", args=[entry.object_pk])
    except NoReverseMatch:
        return ""
