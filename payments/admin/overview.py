"""The first page of the back office: what needs a person, whether the bridge keeps up, and the latest payments."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from merchants.models import Merchant, Shop
from payments import circuits, queues
from payments.admin import columns, words
from payments.models import CallState, Circuit, Delivery, DeliveryState, GatewayCall, Notification, PaymentSession
from payments.states import Stage

MOST_COUNTED = 100
LATEST = 10
LATE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Tile:
    """A number and the list behind it; ``tone`` colours it when it is not zero."""

    title: str
    number: str
    url: str = ""
    tone: str = ""


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the overview shows to the context of the admin's index."""
    context["title"] = _("현황")
    if not request.user.has_perm("payments.view_paymentsession"):
        return context
    now = timezone.now()
    return context | {
        "tiles": _tiles(now),
        "today": _today(now),
        "silent": _silent(),
        "latest": [_row(session) for session in _latest()],
    }


def _tiles(now: datetime) -> list[Tile]:
    sessions = reverse("admin:payments_paymentsession_changelist")
    notices = reverse("admin:payments_notification_changelist")
    deliveries = reverse("admin:payments_delivery_changelist")
    in_doubt = GatewayCall.objects.filter(state=CallState.UNKNOWN, due_at__isnull=False)
    dead = Delivery.objects.filter(state=DeliveryState.DEAD)
    backlogs = queues.backlogs(now)
    due = sum(backlog.due for backlog in backlogs.values())
    oldest = min((backlog.oldest for backlog in backlogs.values() if backlog.oldest), default=now)
    late = int((now - oldest).total_seconds())
    return [
        _tile(_("확인 필요 결제"), PaymentSession.objects.filter(attention=True), f"{sessions}?attention__exact=1"),
        _tile(_("통보 실패"), dead, f"{deliveries}?state__exact=DEAD"),
        _tile(_("확인 필요 웹훅"), Notification.objects.filter(attention=True), f"{notices}?attention__exact=1"),
        _tile(_("결과 모르는 PG 호출"), in_doubt, tone="warning"),
        _work(due, late),
    ]


def _work(due: int, late: int) -> Tile:
    """Say whether the bridge keeps up: work is done within a second or two of its time."""
    if late <= LATE_SECONDS:
        return Tile(_("지금 처리할 일"), f"{due:,}")
    return Tile(_("밀린 일 (%s초)") % f"{late:,}", f"{due:,}", tone="warning")


def _tile(title: str, rows: QuerySet[Any], url: str = "", tone: str = "danger") -> Tile:
    count = rows[:MOST_COUNTED].count()
    number = f"{count}+" if count == MOST_COUNTED else str(count)
    return Tile(title, number, url, tone if count else "")


def _today(now: datetime) -> list[dict[str, Any]]:
    """Return today's payments by currency: how many were started, how many paid, and how much."""
    midnight = timezone.make_aware(datetime.combine(timezone.localdate(now), time.min))
    started = PaymentSession.objects.filter(created_at__gte=midnight)
    groups = started.values("currency", "stage").annotate(count=Count("pk"), paid=Sum("paid"), back=Sum("cancelled"))
    found: dict[str, dict[str, int]] = {}
    for group in groups:
        sums = found.setdefault(group["currency"], {"started": 0, "paid": 0, "amount": 0})
        sums["started"] += group["count"]
        if group["stage"] in (Stage.PAID, Stage.PARTIALLY_CANCELLED):
            sums["paid"] += group["count"]
            sums["amount"] += group["paid"] - group["back"]
    return [
        {"currency": currency, **sums, "amount": words.amount(sums["amount"], currency)}
        for currency, sums in sorted(found.items())
    ]


def _silent() -> list[str]:
    """Return the shops and gateway accounts that have not answered several times in a row."""
    silent = Circuit.objects.filter(failures__gte=circuits.OPEN_AFTER).values("kind", "lane")
    shops = [circuit["lane"] for circuit in silent if circuit["kind"] == circuits.Kind.SHOP]
    accounts = [circuit["lane"] for circuit in silent if circuit["kind"] == circuits.Kind.ACCOUNT]
    return [
        *(_("상점 %s") % shop for shop in Shop.objects.filter(pk__in=shops)),
        *(_("가맹점 %s") % merchant for merchant in Merchant.objects.filter(pk__in=accounts)),
    ]


def _latest() -> QuerySet[PaymentSession]:
    rows = PaymentSession.objects.select_related("order", "merchant").defer("sealed_buyer")
    return rows.order_by("-created_at", "-pk")[:LATEST]


def _row(session: PaymentSession) -> dict[str, Any]:
    return {
        "session": session,
        "created": columns.moment(session.created_at),
        "amount": words.amount(session.amount, session.currency),
        "tone": words.STAGE_TONES[Stage(session.stage)],
    }
