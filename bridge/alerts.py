"""Tell staff what has come into 확인 필요: one message about all that is new, by mail and by a signed webhook.

The message is a row before it is sent, one for each way; a lease lets one process send it, and a failure is tried
again from the row. Numbers of orders and codes stand in it, never personal data.
"""

import json
import smtplib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from standardwebhooks.webhooks import Webhook

from bridge import drains
from bridge.gateways.errors import NotSent, Unknown
from bridge.gateways.http import Door
from bridge.waiting import hands_off
from merchants.codes import Mode
from payments import ladders
from payments.admin import advice
from payments.models import AlertChannel, Attention, Handling, StaffAlert

# What comes together is told together, and what mends itself within a minute is not told.
GATHER = timedelta(minutes=1)
MOST_LINES = 20
MOST_AT_ONCE = 500
SECONDS = 15.0
LEASE_SECONDS = 60.0

log = structlog.get_logger(__name__)
# Its address is a setting of the operator, who may well mean a machine inside.
_door = Door()


def write(now: datetime) -> None:
    """Write a message for each way to staff about all that is open, untold and in nobody's hand."""
    channels = _channels()
    if not channels:
        return
    with transaction.atomic(), translation.override(settings.LANGUAGE_CODE):
        untold = Attention.objects.filter(closed_at=None, told_at=None, handling=Handling.NEW).order_by("opened_at")
        rows = list(untold.select_for_update(skip_locked=True)[:MOST_AT_ONCE])
        if not rows or rows[0].opened_at > now - GATHER:
            return
        for channel in channels:
            _write(channel, rows, now)
        Attention.objects.filter(pk__in=[row.pk for row in rows]).update(told_at=now)


def send() -> None:
    """Send what is due, one message after the other, unless this process ends."""
    while not drains.ENDING.is_set() and (alert := _claim(timezone.now())) is not None:
        _send(alert)


def _channels() -> list[AlertChannel]:
    wanted = {
        AlertChannel.MAIL: bool(settings.PGB_STAFF_EMAILS),
        AlertChannel.WEBHOOK: bool(settings.PGB_STAFF_WEBHOOK_URL),
    }
    return [channel for channel, is_wanted in wanted.items() if is_wanted]


def _write(channel: AlertChannel, rows: Sequence[Attention], now: datetime) -> None:
    subject = _("[PGB] 확인 필요 %s건") % len(rows)
    text = _text(subject, rows)
    body = text if channel is AlertChannel.MAIL else json.dumps(_event(text, rows, now), ensure_ascii=False)
    alert = StaffAlert.objects.create(channel=channel, subject=subject, body=body, created_at=now, due_at=now)
    alert.attentions.set(rows)


def _text(subject: str, rows: Sequence[Attention]) -> str:
    """Return the message as people read it: what, since when, what to do, where."""
    parts = [subject, *(_lines(row) for row in rows[:MOST_LINES])]
    if len(rows) > MOST_LINES:
        parts.append(_("그 밖에 %s건") % (len(rows) - MOST_LINES))
    every = settings.PGB_PUBLIC_URL + advice.every_page()
    parts.append(_("모두 보기: %s") % every)
    return "\n\n".join(parts)


def _lines(row: Attention) -> str:
    test = f"[{Mode.TEST.label}] " if row.mode == Mode.TEST else ""
    since = f"{timezone.localtime(row.since):%Y-%m-%d %H:%M}"
    return f"{test}{row.get_kind_display()}: {advice.what(row)} ({since})\n{advice.hint(row)}\n{_url(row)}"


def _event(text: str, rows: Sequence[Attention], now: datetime) -> dict[str, object]:
    items = [
        {
            "kind": row.kind,
            "title": str(row.get_kind_display()),
            "what": advice.what(row),
            "hint": advice.hint(row),
            "mode": row.mode,
            "since": row.since.astimezone(UTC).isoformat(timespec="seconds"),
            "url": _url(row),
        }
        for row in rows[:MOST_LINES]
    ]
    at = now.astimezone(UTC).isoformat(timespec="seconds")
    return {"type": "attention.opened", "timestamp": at, "text": text, "data": {"count": len(rows), "items": items}}


def _url(row: Attention) -> str:
    return f"{settings.PGB_PUBLIC_URL}{advice.own_page(row)}"


def _claim(now: datetime) -> StaffAlert | None:
    with transaction.atomic():
        due = StaffAlert.objects.due(now).order_by("due_at").select_for_update(skip_locked=True)
        alert: StaffAlert | None = due.first()
        if alert is not None:
            alert.lease_token = StaffAlert.objects.filter(pk=alert.pk).lease(now, LEASE_SECONDS)
        return alert


def _send(alert: StaffAlert) -> None:
    hands_off()
    problem = _mail(alert) if alert.channel == AlertChannel.MAIL else _post(alert)
    now = timezone.now()
    held = StaffAlert.objects.filter(pk=alert.pk)
    if not problem:
        held.finish(alert.lease_token, sent_at=now, result="sent")
    elif now - alert.created_at >= ladders.STAFF_PATIENCE:
        held.finish(alert.lease_token, result=problem)
    else:
        held.finish(alert.lease_token, ladders.after(ladders.TO_STAFF, alert.attempts + 1, now), result=problem)
    log.info("staff_told", channel=alert.channel, problem=problem, attempt=alert.attempts + 1)


def _mail(alert: StaffAlert) -> str:
    """Mail it to all; return what went wrong, empty if nothing did. The server's words may hold addresses."""
    message = EmailMessage(alert.subject, alert.body, settings.DEFAULT_FROM_EMAIL, settings.PGB_STAFF_EMAILS)
    try:
        message.send()
    except (smtplib.SMTPException, OSError) as error:
        return type(error).__name__
    return ""


def _post(alert: StaffAlert) -> str:
    """Post it, signed; return what went wrong, empty if nothing did."""
    at, number = timezone.now(), str(alert.uuid)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "PGB/1",
        "webhook-id": number,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(settings.PGB_STAFF_WEBHOOK_SECRET).sign(number, at, alert.body),
    }
    url, body = settings.PGB_STAFF_WEBHOOK_URL, alert.body.encode()
    try:
        answer = _door.exchange("POST", url, headers=headers, body=body, seconds=SECONDS)
    except (NotSent, Unknown) as error:
        return error.code
    return "" if 200 <= answer.status < 300 else f"HTTP {answer.status}"
