"""결제수단 연결: which merchant charges a method of payment, for whom."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import unquote
from django.core.exceptions import NON_FIELD_ERRORS
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display

from merchants.admin import matrix_page, switch_page, words
from merchants.admin.base import OneByOne
from merchants.codes import Mode
from merchants.crafted import RefusesCrafted, WholeKeys
from merchants.models import MethodConnection
from merchants.switching import Wish


class _ValuesFilter(DropdownFilter):
    """By a column, among the values that it has."""

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        rows = MethodConnection.objects.order_by(self.parameter_name)
        return [(value, value) for value in rows.values_list(self.parameter_name, flat=True).distinct() if value]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset


class NationFilter(_ValuesFilter):
    title = _("국가")
    parameter_name = "nation"


class DbTypeFilter(_ValuesFilter):
    title = "DBType"
    parameter_name = "db_type"


class ConnectionForm(forms.ModelForm):
    """Names the row that is in the way of an overlapping one, with its address."""

    def _post_clean(self) -> None:
        super()._post_clean()
        for error in self.errors.get(NON_FIELD_ERRORS, forms.utils.ErrorList()).as_data():
            if error.code == "overlap":
                error.message = format_html("{} {}", error.params["problem"], _links(error.params["others"]))
                error.params = None


def _links(rows: list[MethodConnection]) -> SafeString:
    return format_html_join(
        ", ",
        '<a class="underline" href="{}">{}</a>',
        ((reverse("admin:merchants_methodconnection_change", args=[row.pk]), str(row)) for row in rows),
    )


def _without_payments(options: dict[str, Any]) -> dict[str, Any]:
    return {**options, "fields": [name for name in options["fields"] if name != "under_way"]}


def _action(wish: Wish) -> Any:
    @admin.action(description=wish.label, permissions=["change"])
    def switch(model_admin: "MethodConnectionAdmin", request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        keys = list(queryset.order_by("pk").values_list("pk", flat=True))
        return switch_page.ask(model_admin, request, wish, keys, back=request.get_full_path())

    switch.__name__ = f"{wish}_chosen"
    return switch


@admin.register(MethodConnection)
class MethodConnectionAdmin(OneByOne, RefusesCrafted, ModelAdmin):
    form = ConnectionForm
    list_display = (
        "place",
        "method_label",
        "device",
        "merchant_label",
        "connected_label",
        "in_use_label",
        "priority",
        "amounts",
        "period",
        "display_order",
    )
    list_display_links = ("place", "method_label")
    list_select_related = ("method", "merchant")
    list_filter = (
        ("method", RelatedDropdownFilter),
        DbTypeFilter,
        NationFilter,
        ("device", ChoicesDropdownFilter),
        ("merchant__gateway", ChoicesDropdownFilter),
        ("merchant", AutocompleteSelectFilter),
        ("merchant__mode", ChoicesDropdownFilter),
        ("connected", BooleanRadioFilter),
        ("in_use", BooleanRadioFilter),
    )
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 50
    list_before_template = "admin/merchants/tabs.html"
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    search_fields = ("db_type", "joiner_id", "method__code", "method__name", "merchant__code", "merchant__mid")
    search_help_text = _("DBType, JoinerId, 결제수단, 가맹점 코드, MID")
    autocomplete_fields = ("merchant",)
    actions = tuple(map(_action, (Wish.CONNECT, Wish.DISCONNECT, Wish.USE, Wish.UNUSE)))
    readonly_fields = ("under_way",)
    fieldsets = (
        (_("대상"), {"fields": ("db_type", "joiner_id", "nation", "method", "device")}),
        (_("연결"), {"fields": ("merchant", "connected", "in_use", "priority", "display_order", "under_way")}),
        (
            _("조건 (금액은 통화의 최소 단위, 기간은 한국 시간)"),
            {"fields": ("min_amount", "max_amount", "starts_at", "ends_at")},
        ),
    )

    class Media:
        css = {"all": ("merchants/connections.css",)}

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("matrix/", wrap(self.matrix), name="merchants_connection_matrix"),
            path("switch/", wrap(self.switch), name="merchants_connection_switch"),
            *super().get_urls(),
        ]

    def matrix(self, request: HttpRequest) -> HttpResponse:
        """한눈에 보기."""
        return matrix_page.show(self, request)

    def switch(self, request: HttpRequest) -> HttpResponse:
        """Ask before switching, and switch."""
        return switch_page.switch(self, request)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.autocomplete_fields:
            kwargs["widget"] = WholeKeys(db_field, self.admin_site)
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "method":
            field.label_from_instance = lambda method: str(method) if method.is_main else f"{method} - {method.kind}"
        return field

    def save_model(self, request: HttpRequest, obj: MethodConnection, form: forms.ModelForm, change: bool) -> None:
        switched = change and {"merchant", "connected", "in_use"} & set(form.changed_data)
        was = MethodConnection.objects.select_related("merchant").get(pk=obj.pk) if switched else None
        super().save_model(request, obj, form, change)
        live = was.live_sessions() if was else 0
        if was and live:
            text = gettext("진행 중인 결제 %(count)s건은 지금까지의 가맹점 %(merchant)s(으)로 끝까지 처리됩니다.")
            messages.info(request, text % {"count": live, "merchant": was.merchant})

    def get_fieldsets(self, request: HttpRequest, obj: MethodConnection | None = None) -> Any:
        """Tell of payments under way only where there can be some."""
        found = super().get_fieldsets(request, obj)
        return found if obj else [(name, _without_payments(options)) for name, options in found]

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Ask before deleting, with what order pages will change."""
        row = self.get_object(request, unquote(object_id))
        shown = switch_page.without(row) if row else {}
        return super().delete_view(request, object_id, {**(extra_context or {}), **shown})

    @admin.display(description=_("진행 중인 결제"))
    def under_way(self, row: MethodConnection) -> str:
        text = gettext("%(count)s건. 가맹점, 연결여부, 사용여부를 바꾸어도 지금 가맹점으로 끝까지 처리됩니다.")
        return text % {"count": row.live_sessions()}

    @display(description=_("대상"), ordering="db_type", header=True)
    def place(self, row: MethodConnection) -> list[str]:
        return [row.place, row.nation]

    @display(description=_("결제수단"), ordering="method__display_order", header=True)
    def method_label(self, row: MethodConnection) -> list[str]:
        return [row.method.local_name, row.method.kind]

    @display(description=_("PG사 · 가맹점"), ordering="merchant__gateway", header=True)
    def merchant_label(self, row: MethodConnection) -> list[str]:
        merchant = row.merchant
        mode = words.label(merchant.get_mode_display(), words.MODE_TONES[Mode(merchant.mode)])
        return [merchant.get_gateway_display(), format_html("{} {}", merchant.code, mode)]

    @display(description=_("연결"), ordering="connected", label={True: "success", False: "danger"})
    def connected_label(self, row: MethodConnection) -> tuple[bool, str]:
        return row.connected, gettext("연결됨") if row.connected else gettext("끊김")

    @display(description=_("사용"), ordering="in_use", label={True: "success", False: ""})
    def in_use_label(self, row: MethodConnection) -> tuple[bool, str]:
        return row.in_use, gettext("사용") if row.in_use else gettext("사용 안 함")

    @admin.display(description=_("금액대"), ordering="min_amount")
    def amounts(self, row: MethodConnection) -> str:
        return words.amounts(row.min_amount, row.max_amount, row.merchant.currency)

    @admin.display(description=_("기간"), ordering="starts_at")
    def period(self, row: MethodConnection) -> SafeString:
        return format_html_join(
            SafeString("<br>"), "{}", ((line,) for line in words.period(row.starts_at, row.ends_at))
        )
