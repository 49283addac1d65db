"""상점 통보내역: what we owe the shop and each try to bring it, and the button 재통보."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display

from payments import staff
from payments.admin import columns, search, timeline, words
from payments.admin.base import RecordAdmin
from payments.admin.filters import DaysFilter
from payments.models import Delivery, DeliveryState


@admin.register(Delivery)
class DeliveryAdmin(RecordAdmin):
    """상점 통보내역."""

    list_display = ("created", "order", "session", "shop", "kind", "sequence", "state_label", "attempts", "next_try")
    list_display_links = ("created", "kind")
    list_select_related = ("order", "session", "shop")
    list_only = (
        "created_at",
        "kind",
        "sequence",
        "state",
        "attempts",
        "due_at",
        "order__db_type",
        "order__order_id",
        "order__claim_id",
        "session__reference",
        "shop__db_type",
        "shop__joiner_id",
    )
    list_filter = (
        ("state", ChoicesCheckboxFilter),
        ("created_at", DaysFilter),
    )
    search_help_text = gettext_lazy("주문번호, 결제번호, PG 거래번호, EventId")
    ordering = ("-created_at", "-pk")
    page_template = "admin/payments/delivery.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the button."""
        view = self.admin_site.admin_view(self.send_again)
        return [path("<int:pk>/send-again/", view, name="payments_send_again"), *super().get_urls()]

    @display(description=gettext_lazy("생성"))
    def created(self, delivery: Delivery) -> str:
        """Return since when it is owed."""
        return columns.moment(delivery.created_at)

    @display(description=gettext_lazy("상태"), label=words.DELIVERY_TONES)
    def state_label(self, delivery: Delivery) -> tuple[str, str]:
        """Return the state, for a coloured label."""
        return delivery.state, delivery.get_state_display()

    @display(description=gettext_lazy("다음 통보"))
    def next_try(self, delivery: Delivery) -> str:
        """Return when it is tried next."""
        return columns.moment(delivery.due_at)

    def find(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Find by order, payment number, an id at the gateway, or the EventId."""
        return rows.filter(pk__in=search.deliveries(term))

    def page(self, request: HttpRequest, record: Delivery) -> dict[str, Any]:
        """Return one message with its tries."""
        now = timezone.now()
        facts = {
            "EventId": str(record.event_id),
            _("순번"): str(record.sequence),
            _("상점"): str(record.shop),
            _("통보 주소"): record.shop.completion_url,
            _("생성"): columns.moment(record.created_at),
            _("종료"): columns.moment(record.ended_at),
            _("다음 통보"): columns.moment(record.due_at),
        }
        tries = timeline.latest(record.tries.all())
        return {
            "title": record.get_kind_display(),
            "delivery": record,
            "tone": words.DELIVERY_TONES[DeliveryState(record.state)],
            "facts": [(name, value) for name, value in facts.items() if value],
            "lines": timeline.in_order(timeline.of_delivery(record, tries, now), timeline.plans(deliveries=[record])),
            "shortened": len(tries) == timeline.MOST_LINES,
            "body": _readable(record.body),
            "under_way": staff.is_under_way(record, now),
        }

    @method_decorator(require_POST)
    def send_again(self, request: HttpRequest, pk: int) -> HttpResponse:
        """재통보; then back to the page whose button it was."""
        self.act(request, staff.send_again, pk, _("재통보를 요청했습니다. 곧 상점에 다시 보냅니다."))
        if request.POST.get("from") == "session":
            session = Delivery.objects.values_list("session_id", flat=True).get(pk=pk)
            return HttpResponseRedirect(reverse("admin:payments_paymentsession_change", args=[session]))
        return HttpResponseRedirect(reverse("admin:payments_delivery_change", args=[pk]))


def _readable(body: str) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except ValueError:
        return body
