"""웹훅 수신내역: what gateways told us. Bodies are never shown: they may hold anything about a buyer."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display

from payments.admin import columns, search, words
from payments.admin.base import RecordAdmin
from payments.admin.filters import DaysFilter, GatewayFilter
from payments.models import Notification


@admin.register(Notification)
class NotificationAdmin(RecordAdmin):
    """웹훅 수신내역."""

    list_display = ("received", "merchant_code", "kind", "claimed", "session", "outcome", "attention_label")
    list_display_links = ("received", "kind")
    list_select_related = ("session", "merchant")
    list_only = (
        "received_at",
        "gateway",
        "kind",
        "claims",
        "gateway_cancel_id",
        "result",
        "attention",
        "session__reference",
        "merchant__code",
        "merchant__mode",
    )
    list_filter = (
        ("attention", BooleanRadioFilter),
        GatewayFilter,
        ("received_at", DaysFilter),
    )
    search_help_text = gettext_lazy("주문번호, 결제번호, PG 거래번호, 이벤트 번호")
    ordering = ("-received_at", "-pk")
    page_template = "admin/payments/notification.html"

    @display(description=gettext_lazy("수신"))
    def received(self, notice: Notification) -> str:
        """Return when it came first."""
        return columns.moment(notice.received_at)

    @display(description=gettext_lazy("가맹점"))
    def merchant_code(self, notice: Notification) -> str:
        """Return whose secret signed it; the gateway where several merchants have the same."""
        return columns.merchant(notice.merchant) or str(notice.get_gateway_display())

    @display(description=gettext_lazy("알린 상태"))
    def claimed(self, notice: Notification) -> str:
        """Return what it says, which is no proof of anything."""
        return words.claimed(notice)

    @display(description=gettext_lazy("처리 결과"))
    def outcome(self, notice: Notification) -> str:
        """Return what became of it."""
        return words.notice_result(notice.result)

    @display(description=gettext_lazy("확인 필요"), label=words.ATTENTION_TONES)
    def attention_label(self, notice: Notification) -> tuple[bool, str]:
        """Return a red label where a person must look."""
        return notice.attention, _("확인 필요") if notice.attention else ""

    def find(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Find by order, payment number, an id at the gateway, or the event's id."""
        return rows.filter(pk__in=search.notices(term))

    def page(self, request: HttpRequest, record: Notification) -> dict[str, Any]:
        """Return the facts of one notice."""
        facts = {
            _("PG사"): record.get_gateway_display(),
            _("가맹점"): columns.merchant(record.merchant),
            _("이벤트"): record.kind,
            _("이벤트 번호"): record.dedupe_key,
            _("알린 상태"): self.claimed(record),
            _("결제번호"): record.reference,
            _("PG 거래번호"): record.gateway_id,
            _("PG 결제번호"): record.gateway_payment_id,
            _("PG 취소번호"): record.gateway_cancel_id,
            _("첫 수신"): columns.moment(record.received_at),
            _("마지막 수신"): columns.moment(record.last_received_at),
            _("처리 시도"): str(record.attempts),
            _("다음 처리"): columns.moment(record.due_at),
            _("본문 SHA-256"): record.body_sha256,
        }
        return {
            "title": record.kind,
            "notice": record,
            "outcome": self.outcome(record),
            "facts": [(name, value) for name, value in facts.items() if value],
        }
