"""확인 필요: what needs a person, since when, and what to do; and the buttons 확인 중 and 처리함."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesCheckboxFilter, ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from merchants.codes import Mode
from payments import ledger, reviewing, staff
from payments.admin import advice, columns
from payments.admin.asking import HandlingForm
from payments.admin.base import RecordAdmin
from payments.models import Attention, AttentionKind, Handling, PaymentSession, StaffAlert

STATE_TONES: dict[str, str] = {Handling.NEW: "danger", Handling.IN_HAND: "info", Handling.DONE: "", "CLOSED": "success"}
MODE_TONES: dict[str, str] = {Mode.TEST: "info", Mode.LIVE: "danger", "": ""}
# So many failures in a row mean that staff are not told.
MANY_TRIES = 3


class StateFilter(DropdownFilter):
    """By what became of it; nothing chosen means what is still to be done."""

    title = gettext_lazy("상태")
    parameter_name = "state"
    all_option = None
    todo = "todo"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer what is to be done, and what is not."""
        return [
            (self.todo, gettext_lazy("할 일 (신규, 확인 중)")),
            *Handling.choices,
            ("closed", gettext_lazy("해소됨")),
            ("all", gettext_lazy("모두")),
        ]

    def value(self) -> str:
        """Return the choice."""
        return str(super().value() or self.todo)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of the chosen state."""
        chosen = self.value()
        if chosen == "all":
            return queryset
        if chosen == "closed":
            return queryset.filter(closed_at__isnull=False)
        still_open = queryset.filter(closed_at=None)
        return still_open.exclude(handling=Handling.DONE) if chosen == self.todo else still_open.filter(handling=chosen)


@admin.register(Attention)
class AttentionAdmin(RecordAdmin):
    """확인 필요."""

    list_display = ("begun", "kind_label", "about", "advice", "state_label", "mode_label")
    list_display_links = ("begun", "about")
    list_only = (
        "kind", "subject", "mode", "facts", "since", "opened_at", "closed_at", "handling", "handled_by",
    )  # fmt: skip
    list_filter = (
        StateFilter,
        ("kind", ChoicesCheckboxFilter),
        ("mode", ChoicesDropdownFilter),
    )
    search_fields = ()
    ordering = ("-opened_at", "-pk")
    page_template = "admin/payments/attention.html"
    list_before_template = "admin/payments/attention_silence.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the buttons."""
        view = self.admin_site.admin_view(self.handle)
        return [path("<int:pk>/handle/", view, name="payments_handle"), *super().get_urls()]

    def find(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Find nothing: there is no search box."""
        return rows.none()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, and whether staff can be told at all."""
        unsent = StaffAlert.objects.filter(due_at__isnull=False, attempts__gte=MANY_TRIES).exists()
        return super().changelist_view(request, {**(extra_context or {}), "unsent": unsent})

    @display(description=gettext_lazy("발생"))
    def begun(self, row: Attention) -> str:
        """Return since when it is so."""
        return columns.moment(row.since)

    @display(description=gettext_lazy("종류"), label=advice.TONES)
    def kind_label(self, row: Attention) -> tuple[str, str]:
        """Return the kind, for a coloured label."""
        return row.kind, row.get_kind_display()

    @display(description=gettext_lazy("내용"))
    def about(self, row: Attention) -> str:
        """Return what is known of it."""
        return advice.what(row)

    @display(description=gettext_lazy("할 일"))
    def advice(self, row: Attention) -> SafeString:
        """Return what to do, and the way there."""
        return format_html('<span>{} <a href="{}">{}</a></span>', advice.hint(row), advice.page(row), _("바로 가기"))

    @display(description=gettext_lazy("상태"), label=STATE_TONES)
    def state_label(self, row: Attention) -> tuple[str, str]:
        """Return what became of it."""
        return _state(row)

    @display(description=gettext_lazy("구분"), label=MODE_TONES)
    def mode_label(self, row: Attention) -> tuple[str, str]:
        """Return whether it is about real money."""
        return row.mode, row.get_mode_display() if row.mode else ""

    def page(self, request: HttpRequest, record: Attention) -> dict[str, Any]:
        """Return what is known of one row, and what was done about it."""
        facts = {
            _("내용"): advice.what(record),
            _("구분"): record.get_mode_display() if record.mode else "",
            _("발생"): columns.moment(record.since),
            _("발견"): columns.moment(record.opened_at),
            _("직원 알림"): columns.moment(record.told_at),
            _("해소"): columns.moment(record.closed_at),
            _("담당"): record.handled_by,
            _("처리 시각"): columns.moment(record.handled_at),
            _("메모"): record.note,
        }
        state, label = _state(record)
        payment = advice.payment(record)
        return {
            "title": record.get_kind_display(),
            "row": record,
            "tone": advice.TONES[AttentionKind(record.kind)] if record.closed_at is None else "",
            "state": label,
            "state_tone": STATE_TONES[state],
            "hint": advice.hint(record),
            "payment": payment,
            "may_look": request.user.has_perm("payments.change_paymentsession"),
            "may_resolve": request.user.has_perm("payments.cancel_paymentsession") and _to_decide(payment),
            "where": advice.page(record),
            "facts": [(name, value) for name, value in facts.items() if value],
            "alerts": list(record.alerts.order_by("pk")),
            "form": HandlingForm(initial={"note": record.note}),
        }

    @method_decorator(require_POST)
    def handle(self, request: HttpRequest, pk: int) -> HttpResponse:
        """확인 중, or 처리함."""
        handling = Handling.DONE if request.POST.get("handling") == Handling.DONE else Handling.IN_HAND
        form = HandlingForm(request.POST)
        if not form.is_valid():
            return self.say_again(request, pk, form)
        wish = partial(staff.handle, handling=handling, note=form.cleaned_data["note"])
        self.act(request, wish, pk, _("'%s'으로 표시했습니다.") % handling.label)
        return HttpResponseRedirect(reverse("admin:payments_attention_change", args=[pk]))


def _to_decide(payment: int | None) -> bool:
    session = PaymentSession.objects.filter(pk=payment).first() if payment else None
    return session is not None and reviewing.is_undecided(session, ledger.open_call(session))


def _state(row: Attention) -> tuple[str, str]:
    if row.closed_at is not None:
        return "CLOSED", _("해소됨")
    label = str(row.get_handling_display())
    return row.handling, f"{label} · {row.handled_by}" if row.handled_by else label
