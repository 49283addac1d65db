"""대사: each day of each merchant, held against the gateway's own list; the way to what was different."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from merchants.codes import Mode
from payments.admin import columns, difference_words, words
from payments.admin.base import RecordAdmin
from payments.admin.filters import DaysFilter, GatewayFilter, MerchantFilter, ModeFilter
from payments.models import Difference, DifferenceKind, Reconciliation, ReconciliationState

TONES: dict[str, str] = {
    ReconciliationState.RUNNING: "info",
    ReconciliationState.DONE: "success",
    ReconciliationState.FAILED: "danger",
    "DIFFERENT": "warning",
}
OPEN = Q(closed_at=None, handled_at=None)


class OutcomeFilter(DropdownFilter):
    """By what came out of it."""

    title = gettext_lazy("결과")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer what needs somebody."""
        return [
            ("todo", gettext_lazy("처리할 차이 있음")),
            (ReconciliationState.FAILED, ReconciliationState.FAILED.label),
            (ReconciliationState.DONE, ReconciliationState.DONE.label),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the runs with that outcome."""
        if self.value() == "todo":
            return queryset.filter(Exists(Difference.objects.filter(OPEN, run=OuterRef("pk"))))
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(Reconciliation)
class ReconciliationAdmin(RecordAdmin):
    """대사."""

    list_display = ("on", "account", "paid_count", "paid_sum", "refund_count", "refund_sum", "state_label")
    list_display_links = ("on", "account")
    list_select_related = ("merchant",)
    list_only = (
        "day", "state", "payments", "paid", "refunds", "refunded",
        "merchant__code", "merchant__gateway", "merchant__mid", "merchant__mode", "merchant__currency",
    )  # fmt: skip
    list_filter = (OutcomeFilter, ("day", DaysFilter), GatewayFilter, MerchantFilter, ModeFilter)
    search_fields = ()
    ordering = ("-day", "-pk")
    page_template = "admin/payments/reconciliation.html"
    list_before_template = "admin/payments/reconciliation_todo.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Count the differences of each run that nobody has handled."""
        return super().get_queryset(request).annotate(open=Count("differences", filter=_within("differences__")))

    def find(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Find nothing: there is no search box."""
        return rows.none()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the days, and how many differences there are to be handled in all."""
        extra = {"open_ones": Difference.objects.filter(OPEN).count()}
        return super().changelist_view(request, {**(extra_context or {}), **extra})

    @display(description=gettext_lazy("대사일"))
    def on(self, run: Reconciliation) -> str:
        """Return the day."""
        return str(run.day)

    @display(description=gettext_lazy("PG사, 가맹점"), header=True)
    def account(self, run: Reconciliation) -> tuple[str, str]:
        """Return the merchant, and beneath it its account at the gateway."""
        return columns.merchant(run.merchant), f"{run.merchant.get_gateway_display()} · {run.merchant.mid}"

    @display(description=gettext_lazy("PG 결제"))
    def paid_count(self, run: Reconciliation) -> str:
        """Return how many payments the gateway's list had of the day."""
        return f"{run.payments:,}"

    @display(description=gettext_lazy("PG 결제 금액"))
    def paid_sum(self, run: Reconciliation) -> str:
        """Return their sum."""
        return words.amount(run.paid, run.merchant.currency)

    @display(description=gettext_lazy("PG 환불"))
    def refund_count(self, run: Reconciliation) -> str:
        """Return how many refunds it had."""
        return f"{run.refunds:,}"

    @display(description=gettext_lazy("PG 환불 금액"))
    def refund_sum(self, run: Reconciliation) -> str:
        """Return their sum."""
        return words.amount(run.refunded, run.merchant.currency) if run.refunds else ""

    @display(description=gettext_lazy("결과"), label=TONES)
    def state_label(self, run: Any) -> tuple[str, str]:
        """Return the outcome, for a coloured label."""
        return _outcome(run, run.open)

    def page(self, request: HttpRequest, record: Reconciliation) -> dict[str, Any]:
        """Return what was counted, and how many differences of each kind there are."""
        counts = _counts(record)
        state, label = _outcome(record, sum(row["open"] for row in counts))
        merchant = record.merchant
        facts = {
            _("대사일"): str(record.day),
            _("PG사"): str(merchant.get_gateway_display()),
            _("가맹점"): str(merchant),
            "MID": merchant.mid,
            _("구분"): str(Mode(merchant.mode).label),
            _("시작"): columns.moment(record.started_at),
            _("종료"): columns.moment(record.ended_at),
            _("응답 코드"): record.code,
        }
        listed = f"{reverse('admin:payments_difference_changelist')}?"
        where = {"day_from": str(record.day), "day_to": str(record.day), "code": merchant.code}
        return {
            "title": _("%(day)s 대사 · %(merchant)s") % {"day": record.day, "merchant": merchant},
            "run": record,
            "tone": TONES[state],
            "state": label,
            "paid": words.amount(record.paid, merchant.currency),
            "refunded": words.amount(record.refunded, merchant.currency),
            "facts": [(name, value) for name, value in facts.items() if value],
            "counts": [
                {**row, "where": listed + urlencode({**where, "state": "all", "kind__exact": row["kind"]})}
                for row in counts
            ],
            "where": listed + urlencode(where),
        }


def _within(way: str) -> Q:
    return Q(**{f"{way}closed_at": None, f"{way}handled_at": None})


def _counts(run: Reconciliation) -> list[dict[str, Any]]:
    """Return for each kind that was found how many are open, handled by a person, and gone."""
    parts = {
        "open": Count("pk", filter=OPEN),
        "handled": Count("pk", filter=Q(closed_at=None, handled_at__isnull=False)),
        "closed": Count("pk", filter=Q(closed_at__isnull=False)),
    }
    found = {row["kind"]: row for row in run.differences.order_by().values("kind").annotate(**parts)}
    return [
        {**found[kind], "label": kind.label, "tone": difference_words.TONES[kind]}
        for kind in DifferenceKind
        if kind in found
    ]


def _outcome(run: Reconciliation, open_ones: int) -> tuple[str, str]:
    if run.state == ReconciliationState.DONE and open_ones:
        return "DIFFERENT", _("차이 %s건") % f"{open_ones:,}"
    return run.state, str(run.get_state_display())
