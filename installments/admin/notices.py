"""The list and the forms of 무이자할부 안내."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ShowFacets
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from installments.admin import copy_page, preview, sample
from installments.admin.adding import AddForm, LinkedOverlaps
from installments.admin.exchanging import ExchangesFiles
from installments.admin.filters import DayFilter, State, StateFilter, state_of
from installments.models import InterestFreeNotice
from merchants.crafted import RefusesCrafted

_TONES = {State.NOW: "success", State.COMING: "info", State.OVER: "default"}


@admin.register(InterestFreeNotice)
class NoticeAdmin(ExchangesFiles, RefusesCrafted, ModelAdmin):
    """무이자할부 안내 관리."""

    class Media:
        css = {"all": ["installments/back_office.css"]}

    list_display = ("issuer_name", "months_label", "kind", "bearer", "band", "gateway_name", "period", "state_label")
    list_display += ("display_order", "in_use")
    list_select_related = ("issuer",)
    list_filter = (
        StateFilter,
        DayFilter,
        ("issuer", RelatedDropdownFilter),
        ("gateway", ChoicesDropdownFilter),
        ("bearer", ChoicesDropdownFilter),
        "nation",
        "in_use",
    )
    list_filter_submit = True
    list_fullwidth = True
    sortable_by = ()
    list_per_page = 50
    show_facets = ShowFacets.NEVER
    show_full_result_count = False
    search_fields = ("issuer__name", "issuer__code", "title")
    search_help_text = gettext_lazy("카드사, 제목")
    readonly_fields = ("source",)
    form = LinkedOverlaps

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask again if somebody else has just saved what this row overlaps: only the database sees both."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except IntegrityError:
            messages.error(request, _("그사이에 겹치는 안내가 저장되었습니다. 목록을 확인한 뒤 다시 저장하세요."))
            return HttpResponseRedirect(request.path)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form of one row, or the one that makes several."""
        return super().get_form(request, obj, change, **kwargs if change else {"form": AddForm, **kwargs})

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Texts are short: a line or three."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name in ("target", "exceptions"):
            field.widget.attrs["rows"] = 3
        return field

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Where a notice came from is told of those that are there."""
        return self.readonly_fields if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Group what belongs together."""
        months = ("months", "buyer_turns") if obj else ("months_and_turns",)
        state = ("display_order", "in_use", "source") if obj else ("display_order", "in_use")
        conditions = (("starts_on", "ends_on"), ("min_amount", "max_amount"), ("gateway", "nation"))
        return (
            (gettext_lazy("혜택"), {"fields": ("issuer", *months, "bearer")}),
            (gettext_lazy("조건"), {"fields": conditions}),
            (gettext_lazy("안내 문구"), {"fields": ("title", "target", "exceptions")}),
            (gettext_lazy("표시"), {"fields": state}),
        )

    def get_urls(self) -> list[URLPattern]:
        """Add the pages beside the list."""
        pages = {"copy": copy_page.copy, "preview": preview.page, "sample": sample.sample}
        pages |= {"preview/frame": preview.frame, "preview/notices": preview.notices}
        return [
            path(
                f"{place}/",
                self.admin_site.admin_view(partial(view, self)),
                name="installments_" + place.replace("/", "_"),
            )
            for place, view in pages.items()
        ] + super().get_urls()

    @display(description=gettext_lazy("카드사"), ordering="issuer__display_order")
    def issuer_name(self, notice: InterestFreeNotice) -> str:
        """Return the issuer."""
        return notice.issuer.local_name

    @display(description=gettext_lazy("할부개월"), ordering="months")
    def months_label(self, notice: InterestFreeNotice) -> str:
        """Return the months."""
        return _("%s개월") % notice.months

    @display(description=gettext_lazy("구분"), ordering="buyer_turns")
    def kind(self, notice: InterestFreeNotice) -> str:
        """Return 무이자, or 부분무이자 with the turns that the buyer pays."""
        return notice.kind

    @display(description=gettext_lazy("금액"), ordering="min_amount")
    def band(self, notice: InterestFreeNotice) -> str:
        """Return the band of amounts."""
        return notice.amounts

    @display(description=gettext_lazy("PG사"), ordering="gateway")
    def gateway_name(self, notice: InterestFreeNotice) -> str:
        """Return the gateway."""
        return notice.get_gateway_display() if notice.gateway else _("모두")

    @display(description=gettext_lazy("기간"), ordering="starts_on")
    def period(self, notice: InterestFreeNotice) -> str:
        """Return the days."""
        same_year = notice.starts_on.year == notice.ends_on.year
        return f"{notice.starts_on} ~ {notice.ends_on:%m-%d}" if same_year else f"{notice.starts_on} ~ {notice.ends_on}"

    @display(description=gettext_lazy("상태"), label=_TONES)
    def state_label(self, notice: InterestFreeNotice) -> tuple[str, Any]:
        """Return how it stands today, for a coloured label."""
        state = state_of(notice)
        return state, state.label

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save one row, or each of the new ones."""
        for notice in [obj] if change else form.notices:
            notice.save()
