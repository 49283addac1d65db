"""취소내역: money on its way back, by whom and how far."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display

from merchants.codes import Mode
from payments.admin import cancel_words, columns, masking, search, timeline, words
from payments.admin.base import RecordAdmin
from payments.admin.cancel_sheet import SHEET
from payments.admin.exports import ExportsFilter
from payments.admin.filters import (
    CurrencyFilter,
    DaysFilter,
    GatewayFilter,
    MerchantFilter,
    MethodFilter,
    ModeFilter,
    ShopFilter,
)
from payments.models import Cancellation, CancelState


@admin.register(Cancellation)
class CancellationAdmin(ExportsFilter, RecordAdmin):
    """취소내역."""

    sheet = SHEET
    list_display = (
        "requested",
        "ended",
        "order_number",
        "gateway_account",
        "method_name",
        "money",
        "wanted_by",
        "state_label",
    )
    list_display_links = ("requested", "order_number")
    list_select_related = ("session__order", "session__merchant")
    list_only = (
        "requested_at",
        "ended_at",
        "amount",
        "state",
        "origin",
        "requested_by",
        "approved_by",
        "session__reference",
        "session__gateway",
        "session__method",
        "session__currency",
        "session__order__db_type",
        "session__order__order_id",
        "session__order__claim_id",
        "session__merchant__code",
        "session__merchant__mode",
    )
    list_filter = (
        ("requested_at", DaysFilter),
        ("ended_at", DaysFilter),
        ModeFilter,
        ("state", ChoicesCheckboxFilter),
        ("origin", ChoicesCheckboxFilter),
        GatewayFilter,
        MerchantFilter,
        MethodFilter,
        ShopFilter,
        CurrencyFilter,
    )
    search_help_text = gettext_lazy("주문번호, 결제번호, 취소번호, PG 취소번호, PG 거래번호")
    ordering = ("-requested_at", "-pk")
    page_template = "admin/payments/cancellation.html"

    @display(description=gettext_lazy("요청"))
    def requested(self, cancel: Cancellation) -> str:
        """Return when it was asked for."""
        return columns.moment(cancel.requested_at)

    @display(description=gettext_lazy("종료"))
    def ended(self, cancel: Cancellation) -> str:
        """Return when it ended."""
        return columns.moment(cancel.ended_at)

    @display(description=gettext_lazy("주문, 결제번호"), header=True)
    def order_number(self, cancel: Cancellation) -> tuple[str, str]:
        """Return the shop's number, and beneath it the payment's."""
        return str(cancel.session.order), cancel.session.reference

    @display(description=gettext_lazy("PG사, 가맹점"), header=True)
    def gateway_account(self, cancel: Cancellation) -> tuple[str, str]:
        """Return the gateway, and beneath it whose contract it was paid with."""
        return str(cancel.session.get_gateway_display()), columns.merchant(cancel.session.merchant)

    @display(description=gettext_lazy("결제수단"))
    def method_name(self, cancel: Any) -> str:
        """Return what staff call the method; the list has looked it up."""
        return str(cancel.method_name)

    @display(description=gettext_lazy("취소 금액"))
    def money(self, cancel: Cancellation) -> str:
        """Return how much goes back."""
        return words.amount(cancel.amount, cancel.session.currency)

    @display(description=gettext_lazy("요청 주체"), header=True)
    def wanted_by(self, cancel: Cancellation) -> tuple[str, str]:
        """Return who wanted it, and beneath it who agreed."""
        return cancel_words.asked(cancel), cancel_words.agreed(cancel)

    @display(description=gettext_lazy("상태"), label=words.CANCEL_TONES)
    def state_label(self, cancel: Cancellation) -> tuple[str, str]:
        """Return the state, for a coloured label."""
        return cancel.state, cancel.get_state_display()

    def find(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Find by payment, or by the cancel's own number here or at the gateway."""
        return rows.filter(pk__in=search.cancellations(term))

    def page(self, request: HttpRequest, record: Cancellation) -> dict[str, Any]:
        """Return one cancel: its call, and what the shop was told of it."""
        session, now = record.session, timezone.now()
        calls = timeline.latest(record.calls.defer("sealed_body"))
        deliveries = timeline.latest(session.deliveries.filter(cause__startswith=str(record.uuid)).defer("body"))
        events = [event for event in session.events.order_by("pk") if event.facts.get("cancel") == str(record.uuid)]
        lines = timeline.in_order(
            timeline.of_events(events, session.currency),
            timeline.of_calls(calls),
            *(timeline.of_delivery(one, one.tries.order_by("number"), now) for one in deliveries),
            timeline.plans(None, calls, deliveries),
        )
        return {
            "title": _("취소 %s") % words.amount(record.amount, session.currency),
            "cancel": record,
            "session": session,
            "amount": words.amount(record.amount, session.currency),
            "tone": words.CANCEL_TONES[CancelState(record.state)],
            "mode": Mode(session.merchant.mode),
            "hint": cancel_words.hint(record),
            "facts": [(name, value) for name, value in _facts(record).items() if value],
            "lines": lines,
            "shortened": False,
        }


def _facts(cancel: Cancellation) -> dict[str, str]:
    currency = cancel.session.currency
    return {
        _("취소번호"): str(cancel.uuid),
        _("요청 주체"): cancel_words.who(cancel),
        _("사유"): cancel_words.why(cancel.reason),
        _("면세 금액"): words.amount(cancel.tax_free, currency) if cancel.tax_free else "",
        _("취소 전 잔액"): words.amount(cancel.balance_before, currency),
        _("PG 취소번호"): cancel.gateway_cancel_id,
        _("응답 코드"): words.code(cancel.code),
        _("응답 내용"): masking.text(cancel.message),
        _("환불 계좌"): _("받음 (암호화해 저장됨)") if cancel.sealed_account else "",
        "RequestId": cancel.request_id,
        _("요청"): columns.moment(cancel.requested_at),
        _("종료"): columns.moment(cancel.ended_at),
        _("환불 반환"): columns.moment(cancel.reversed_at),
    }
