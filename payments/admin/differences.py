"""대사 차이: both sides of each beside each other, and what staff do about it."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesCheckboxFilter, DropdownFilter
from unfold.decorators import display

from payments import follow_up
from payments.admin import columns, difference_words, search
from payments.admin.asking import HandlingForm
from payments.admin.base import RecordAdmin, RecordList
from payments.admin.difference_sheet import SHEET
from payments.admin.exports import ExportsFilter, TotalledList
from payments.admin.filters import DaysFilter, GatewayFilter, MerchantFilter, ModeFilter
from payments.models import Difference, DifferenceKind

STATE_TONES = {"OPEN": "danger", "HANDLED": "info", "CLOSED": "success"}
KIND_TONES = {str(kind): tone for kind, tone in difference_words.TONES.items()}


class StateFilter(DropdownFilter):
    """By what became of it; nothing chosen means what is still to be done."""

    title = gettext_lazy("상태")
    parameter_name = "state"
    all_option = None
    conditions = {
        "todo": Q(closed_at=None, handled_at=None),
        "handled": Q(closed_at=None, handled_at__isnull=False),
        "closed": Q(closed_at__isnull=False),
        "all": Q(),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer what is to be done, and what is not."""
        return [
            ("todo", gettext_lazy("처리할 것")),
            ("handled", gettext_lazy("처리함")),
            ("closed", gettext_lazy("해소됨")),
            ("all", gettext_lazy("모두")),
        ]

    def value(self) -> str:
        """Return the choice."""
        return str(super().value() or "todo")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of the chosen state."""
        condition = self.conditions.get(self.value())
        return queryset.none() if condition is None else queryset.filter(condition)


class DifferenceList(TotalledList):
    """The list, with how many there are of each kind."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page; a difference has no method of payment to be named."""
        RecordList.get_results(self, request)


@admin.register(Difference)
class DifferenceAdmin(ExportsFilter, RecordAdmin):
    """대사 차이."""

    sheet = SHEET
    list_display = ("on", "kind_label", "number", "our_side", "their_side", "account", "state_label")
    list_display_links = ("on", "number")
    list_select_related = ("merchant", "session")
    list_only = (
        "day", "kind", "subject", "ours", "theirs", "cancellation", "closed_at", "handled_at", "handled_by",
        "session__reference", "merchant__code", "merchant__mid", "merchant__mode", "merchant__gateway",
    )  # fmt: skip
    list_filter = (
        StateFilter,
        ("day", DaysFilter),
        ("kind", ChoicesCheckboxFilter),
        GatewayFilter,
        MerchantFilter,
        ModeFilter,
    )
    search_help_text = gettext_lazy("주문번호, 결제번호, PG 거래번호")
    ordering = ("-day", "-pk")
    page_template = "admin/payments/difference.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the addresses of the buttons."""
        view = self.admin_site.admin_view
        buttons = {"look": self.look, "tell": self.tell, "handle": self.handle}
        paths = [
            path(f"<int:pk>/{name}/", view(button), name=f"payments_difference_{name}")
            for name, button in buttons.items()
        ]
        return [*paths, *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RecordList]:
        """Return the kind of list."""
        return DifferenceList

    def find(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Find by payment, or by the number of what differs, ours or the gateway's."""
        return rows.filter(Q(session__in=search.sessions(term)) | Q(subject=term))

    @display(description=gettext_lazy("대사일"))
    def on(self, row: Difference) -> str:
        """Return the day."""
        return str(row.day)

    @display(description=gettext_lazy("종류"), label=KIND_TONES)
    def kind_label(self, row: Difference) -> tuple[str, str]:
        """Return the kind, for a coloured label."""
        return row.kind, row.get_kind_display()

    @display(description=gettext_lazy("결제번호, 거래번호"), header=True)
    def number(self, row: Difference) -> tuple[str, str]:
        """Return the payment's number, and beneath it the number of what differs."""
        known = row.session.reference if row.session else row.theirs.get("reference", "")
        return known or "-", row.subject if row.subject != known else ""

    @display(description="PGB", header=True)
    def our_side(self, row: Difference) -> tuple[str, str]:
        """Return our amount, and beneath it how it stands with us."""
        return _side(difference_words.amounts(row)[0], difference_words.states(row)[0])

    @display(description=gettext_lazy("PG사"), header=True)
    def their_side(self, row: Difference) -> tuple[str, str]:
        """Return the gateway's amount, and beneath it how it stands there."""
        return _side(difference_words.amounts(row)[1], difference_words.states(row)[1])

    @display(description=gettext_lazy("가맹점"), header=True)
    def account(self, row: Difference) -> tuple[str, str]:
        """Return the merchant in whose list it was, and beneath it the MID."""
        return columns.merchant(row.merchant), row.merchant.mid

    @display(description=gettext_lazy("상태"), label=STATE_TONES)
    def state_label(self, row: Difference) -> tuple[str, str]:
        """Return what became of it."""
        return _state(row)

    def page(self, request: HttpRequest, record: Difference) -> dict[str, Any]:
        """Return both sides of one difference, and what can be done about it."""
        session = follow_up.session_of(record)
        state, label = _state(record)
        facts = {
            _("대사일"): str(record.day),
            _("가맹점"): columns.merchant(record.merchant),
            "MID": record.merchant.mid,
            _("발견"): columns.moment(record.found_at),
            _("마지막 확인"): columns.moment(record.seen_at),
            _("다시 조회 요청"): columns.moment(record.asked_at),
            _("해소"): columns.moment(record.closed_at),
            _("담당"): record.handled_by,
            _("처리 시각"): columns.moment(record.handled_at),
            _("메모"): record.note,
        }
        kind = DifferenceKind(record.kind)
        return {
            "title": kind.label,
            "row": record,
            "session": session,
            "tone": difference_words.TONES[kind] if state == "OPEN" else "",
            "state": label,
            "state_tone": STATE_TONES[state],
            "hint": difference_words.HINTS[kind],
            "sides": list(difference_words.sides(record)),
            "facts": [(name, value) for name, value in facts.items() if value],
            "no_look": follow_up.why_no_look(record, session),
            "untold": follow_up.untold(session),
            "form": HandlingForm(initial={"note": record.note}),
        }

    @method_decorator(require_POST)
    def look(self, request: HttpRequest, pk: int) -> HttpResponse:
        """다시 조회."""
        return self._done(
            request, follow_up.look, pk, _("다시 조회를 요청했습니다. 두 기록이 같아지면 저절로 해소됩니다.")
        )

    @method_decorator(require_POST)
    def tell(self, request: HttpRequest, pk: int) -> HttpResponse:
        """재통보."""
        return self._done(request, follow_up.tell_again, pk, _("재통보를 요청했습니다. 곧 상점에 다시 보냅니다."))

    @method_decorator(require_POST)
    def handle(self, request: HttpRequest, pk: int) -> HttpResponse:
        """처리함, with a note."""
        form = HandlingForm(request.POST)
        if not form.is_valid():
            return self.say_again(request, pk, form)
        wish = partial(follow_up.handle, note=form.cleaned_data["note"])
        return self._done(request, wish, pk, _("'%s'으로 표시했습니다.") % _("처리함"))

    def _done(self, request: HttpRequest, wish: Any, pk: int, done: str) -> HttpResponse:
        self.act(request, wish, pk, done)
        return HttpResponseRedirect(reverse("admin:payments_difference_change", args=[pk]))


def _side(amount: str, state: str) -> tuple[str, str]:
    return (amount, state) if amount else (_("없음"), "")


def _state(row: Difference) -> tuple[str, str]:
    if row.closed_at is not None:
        return "CLOSED", _("해소됨")
    if row.handled_at is not None:
        return "HANDLED", " · ".join([_("처리함"), row.handled_by])
    return "OPEN", _("처리할 것")
