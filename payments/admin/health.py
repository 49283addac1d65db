"""Whether webhooks come in and messages to shops get through: figures of the last day, and what waits now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, DurationField, F, Min, Q, Sum
from django.utils.translation import gettext as _

from merchants.codes import Mode
from payments import queues
from payments.models import Delivery, DeliveryAttempt, DeliveryState, Notification

LAST = timedelta(hours=24)
LATE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its name; ``tone`` colours what should not be."""

    name: str
    text: str
    tone: str = ""


def of_webhooks(now: datetime, mode: Mode) -> list[Figure]:
    """Return how notices came in and whether they are worked off."""
    ours = Notification.objects.filter(Q(merchant__mode=mode) | Q(merchant=None, session__merchant__mode=mode))
    came = ours.filter(received_at__gte=now - LAST).count()
    waiting = ours.filter(due_at__isnull=False).aggregate(count=Count("pk"), oldest=Min("received_at"))
    orphans = ours.filter(attention=True).count()
    return [
        Figure(_("수신 (24시간)"), f"{came:,}"),
        Figure(_("처리 대기"), f"{waiting['count']:,}"),
        Figure(_("가장 오래된 대기"), age(waiting["oldest"], now)),
        Figure(_("맞는 결제 없음"), f"{orphans:,}", "danger" if orphans else ""),
    ]


def of_deliveries(now: datetime, mode: Mode) -> list[Figure]:
    """Return how messages got to the shops. Tried ones of the last day; by the first try, and how long all took."""
    tries = DeliveryAttempt.objects.filter(delivery__created_at__gte=now - LAST, delivery__session__merchant__mode=mode)
    each = tries.values("delivery").annotate(
        firsts_heard=Count("pk", filter=Q(accepted=True, number=1)),
        heard_at=Min("started_at", filter=Q(accepted=True)),
        owed_at=Min("delivery__created_at"),
    )
    took = Avg(F("heard_at") - F("owed_at"), output_field=DurationField())
    told = each.aggregate(count=Count("delivery"), at_first=Sum("firsts_heard"), took=took)
    ours = Delivery.objects.filter(session__merchant__mode=mode)
    waiting = ours.filter(state=DeliveryState.WAITING).aggregate(count=Count("pk"), oldest=Min("created_at"))
    dead = ours.filter(state=DeliveryState.DEAD).count()
    return [
        Figure(_("통보 (24시간)"), f"{told['count']:,}"),
        Figure(_("첫 시도 성공"), rate(told["at_first"] or 0, told["count"])),
        Figure(_("평균 지연"), _seconds(told["took"])),
        Figure(_("대기"), f"{waiting['count']:,}"),
        Figure(_("가장 오래된 대기"), age(waiting["oldest"], now)),
        Figure(_("통보 실패"), f"{dead:,}", "danger" if dead else ""),
    ]


def of_work(now: datetime) -> Figure:
    """Say whether the bridge keeps up: work is done within a second or two of its time."""
    backlogs = queues.backlogs(now)
    due = sum(backlog.due for backlog in backlogs.values())
    oldest = min((backlog.oldest for backlog in backlogs.values() if backlog.oldest), default=now)
    late = int((now - oldest).total_seconds())
    if late <= LATE_SECONDS:
        return Figure(_("지금 처리할 일"), f"{due:,}")
    return Figure(_("밀린 일 (%s초)") % f"{late:,}", f"{due:,}", "warning")


def rate(part: int, whole: int) -> str:
    """Return a share in percent, rounded down: 100 % is said of all only."""
    return f"{part * 1000 // whole / 10:.1f}%" if whole else "-"


def age(since: datetime | None, now: datetime) -> str:
    """Return how long ago something was, in its largest unit."""
    if since is None:
        return "-"
    seconds = max(int((now - since).total_seconds()), 0)
    for size, name in ((86_400, _("%s일")), (3600, _("%s시간")), (60, _("%s분"))):
        if seconds >= size:
            return name % (seconds // size)
    return _("%s초") % seconds


def _seconds(took: Any) -> str:
    return _("%s초") % f"{took.total_seconds():,.1f}" if took is not None else "-"
