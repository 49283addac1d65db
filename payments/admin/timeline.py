"""What happened to a payment, from every table that knows of it, in the order of time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from payments.admin import masking, words
from payments.models import (
    CallState,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    GatewayCall,
    Notification,
    PaymentEvent,
    PaymentSession,
)
from payments.staff import is_under_way

# Of each kind: a payment whose gateway never stops calling must not make a page that never ends.
MOST_LINES = 200
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, or that is planned, as the page draws it."""

    at: datetime
    icon: str
    title: str
    tone: str = ""
    label: str = ""
    who: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    quote: str = ""
    url: str = ""
    planned: bool = False


def latest(rows: QuerySet[Any]) -> list[Any]:
    """Return the latest rows, oldest first."""
    return list(rows.order_by("-pk")[:MOST_LINES])[::-1]


def in_order(*parts: Iterable[Line]) -> list[Line]:
    """Return what happened by time, then what is planned by time."""
    return sorted((line for part in parts for line in part), key=lambda line: (line.planned, line.at))


def of_events(events: Iterable[PaymentEvent], currency: str) -> Iterator[Line]:
    """Lines of the session's own history."""
    for event in events:
        # What a verification found beside the amount stands in the page's own table.
        facts = [(k, v) for k, v in event.facts.items() if v not in ("", None) and not k.startswith("found_")]
        yield Line(
            at=event.at,
            icon="history",
            title=str(words.EVENTS.get(event.kind, event.kind)),
            tone=words.EVENT_TONES.get(event.kind, ""),
            who=str(words.ACTORS.get(event.actor, event.actor)),
            facts=tuple((str(words.FACTS.get(key, key)), words.fact(key, value, currency)) for key, value in facts),
        )


def of_calls(calls: Iterable[GatewayCall]) -> Iterator[Line]:
    """Lines of calls with effect at the gateway."""
    for call in calls:
        took = call.ended_at - call.first_sent_at if call.ended_at and call.first_sent_at else None
        facts = [
            (_("응답 코드"), call.code),
            (_("소요"), f"{took // MILLISECOND:,} ms" if took is not None else ""),
            (_("시도"), str(call.attempts) if call.attempts > 1 else ""),
            (_("멱등키"), f"…{call.idempotency_key[-6:]}"),
        ]
        yield Line(
            at=max(call.first_sent_at or call.created_at, call.created_at),
            icon="call_made",
            title=_("PG 호출: %s") % call.get_kind_display(),
            tone=words.CALL_TONES[CallState(call.state)],
            label=call.get_state_display(),
            facts=tuple((name, value) for name, value in facts if value),
            quote=masking.text(call.message),
        )


def of_notices(notices: Iterable[Notification]) -> Iterator[Line]:
    """Lines of what the gateway told us."""
    for notice in notices:
        facts = [
            (_("알린 상태"), words.claimed(notice)),
            (_("처리 결과"), words.notice_result(notice.result)),
            (_("시도"), str(notice.attempts) if notice.attempts > 1 else ""),
        ]
        yield Line(
            at=notice.received_at,
            icon="call_received",
            title=_("웹훅: %s") % notice.kind,
            tone="danger" if notice.attention else "",
            label=_("확인 필요") if notice.attention else "",
            facts=tuple((name, value) for name, value in facts if value),
            url=reverse("admin:payments_notification_change", args=[notice.pk]),
        )


def of_delivery(delivery: Delivery, tries: Iterable[DeliveryAttempt], now: datetime) -> Iterator[Line]:
    """Lines of a message to the shop and of each try to bring it."""
    url = reverse("admin:payments_delivery_change", args=[delivery.pk])
    yield Line(
        at=delivery.created_at,
        icon="outgoing_mail",
        title=_("상점 통보: %s") % delivery.get_kind_display(),
        tone=words.DELIVERY_TONES[DeliveryState(delivery.state)],
        label=delivery.get_state_display(),
        facts=((_("순번"), str(delivery.sequence)),),
        url=url,
    )
    for attempt in tries:
        tone, label = how_it_went(attempt, delivery, now)
        facts = [
            ("HTTP", str(attempt.http_status or "")),
            (_("소요"), "" if attempt.milliseconds is None else f"{attempt.milliseconds:,} ms"),
        ]
        yield Line(
            at=attempt.started_at,
            icon="send",
            title=_("%(kind)s 통보 %(number)s회차") % {"kind": delivery.get_kind_display(), "number": attempt.number},
            tone=tone,
            label=label,
            facts=tuple((name, value) for name, value in facts if value),
            quote=masking.text(attempt.answer),
            url=url,
        )


def how_it_went(attempt: DeliveryAttempt, delivery: Delivery, now: datetime) -> tuple[str, str]:
    """Return the colour and the words for how a try ended, or that it has not yet."""
    if attempt.accepted:
        return "success", words.try_result(attempt.result)
    if attempt.milliseconds is None and attempt.number > delivery.attempts - 1 and is_under_way(delivery, now):
        return "info", _("통보하는 중")
    return "danger", words.try_result(attempt.result)


def plans(
    session: PaymentSession | None = None,
    calls: Iterable[GatewayCall] = (),
    deliveries: Iterable[Delivery] = (),
) -> Iterator[Line]:
    """Lines of what the bridge will do next."""
    if session and session.due_at:
        yield _planned(session.due_at, _("PG사에 조회"))
    for call in calls:
        if call.due_at:
            yield _planned(call.due_at, _("PG 호출: %s") % call.get_kind_display())
    for delivery in deliveries:
        if delivery.due_at:
            yield _planned(delivery.due_at, _("상점 통보: %s") % delivery.get_kind_display())


def _planned(at: datetime, title: str) -> Line:
    return Line(at=at, icon="schedule", title=title, label=_("예정"), planned=True)
