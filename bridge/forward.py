"""Bring the shop what it must hear: signed, in order, again and again until it says IsSuccess."""

import time
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from bridge import shop
from bridge.gateways.errors import NotSent, Unknown
from bridge.gateways.http import Answer, Door
from bridge.metrics import delivery_tried
from bridge.waiting import hands_off
from payments import circuits, ladders, ledger, refunds
from payments.models import Delivery, DeliveryAttempt, DeliveryState, PaymentSession
from payments.states import Stage

SECONDS = 15.0
ORDER_PATIENCE = timedelta(minutes=15)
LONGEST_KEPT_ANSWER = 500

_door = Door(public_only=True)


@dataclass(frozen=True, slots=True)
class _Try:
    """How one try ended. ``fault``: the shop itself is unwell, not just this order."""

    result: str
    status: int | None
    answer: str
    accepted: bool = False
    final: bool = False
    fault: bool = False


def deliver(delivery: Delivery) -> None:
    """Try one delivery that is due, and write how it went."""
    before = _predecessor(delivery)
    if before is not None:
        _step_back(delivery, before)
        return
    attempt = DeliveryAttempt.objects.create(delivery=delivery, number=delivery.attempts + 1)
    headers = shop.signed(delivery, timezone.now())
    hands_off()
    begun = time.monotonic()
    tried = _send(delivery, headers)
    seconds = time.monotonic() - begun
    structlog.contextvars.bind_contextvars(kind=delivery.kind, result=tried.result)
    delivery_tried("accepted" if tried.accepted else "failed" if tried.fault else "refused", seconds)
    _write(delivery, attempt, tried, int(seconds * 1000))


def _predecessor(delivery: Delivery) -> Delivery | None:
    """Return the message of the same order that must come first: one that is still being tried, for 15 minutes."""
    if timezone.now() - delivery.created_at >= ORDER_PATIENCE:
        return None
    earlier = Delivery.objects.filter(
        order=delivery.order_id, sequence__lt=delivery.sequence, state=DeliveryState.WAITING
    )
    return earlier.order_by("sequence").first()


def _step_back(delivery: Delivery, before: Delivery) -> None:
    """Wait for the predecessor, which wakes its successors; this was no try."""
    last = delivery.created_at + ORDER_PATIENCE
    due_at = min(last, max(before.due_at or last, timezone.now() + timedelta(seconds=1)))
    held = Delivery.objects.filter(pk=delivery.pk)
    held.finish(delivery.lease_token, due_at=due_at, attempts=F("attempts") - 1)
    if _predecessor(delivery) is None:
        # It ended while we stepped back, and found nobody to wake.
        held.waiting().update(due_at=timezone.now())


def _send(delivery: Delivery, headers: dict[str, str]) -> _Try:
    url = delivery.shop.completion_url
    try:
        answer = _door.exchange("POST", url, headers=headers, body=delivery.body.encode(), seconds=SECONDS)
    except (NotSent, Unknown) as error:
        return _Try(result=error.code, status=None, answer="", fault=True)
    accepted, final = shop.heard(answer.status, answer.body)
    return _Try(
        result="accepted" if accepted else _why_not(answer),
        status=answer.status,
        answer=answer.body[:LONGEST_KEPT_ANSWER].decode("utf-8", "replace").replace("\0", ""),
        accepted=accepted,
        final=final,
        fault=answer.status >= 500 or answer.status == 429,
    )


def _why_not(answer: Answer) -> str:
    return "no IsSuccess true in the answer" if 200 <= answer.status < 300 else f"HTTP {answer.status}"


def _write(delivery: Delivery, attempt: DeliveryAttempt, tried: _Try, milliseconds: int) -> None:
    now = timezone.now()
    DeliveryAttempt.objects.filter(pk=attempt.pk).update(
        milliseconds=milliseconds,
        http_status=tried.status,
        accepted=tried.accepted,
        result=tried.result,
        answer=tried.answer,
    )
    if tried.accepted:
        _end(delivery, DeliveryState.DELIVERED, tried.result)
    elif tried.final or now - delivery.created_at >= ladders.SHOP_PATIENCE:
        _end(delivery, DeliveryState.DEAD, tried.result)
    else:
        again = ladders.after(ladders.TO_THE_SHOP, delivery.attempts + 1, now)
        Delivery.objects.filter(pk=delivery.pk).finish(delivery.lease_token, due_at=again)
    if tried.fault:
        circuits.failed(circuits.Kind.SHOP, delivery.shop_id, now)
    else:
        circuits.answered(circuits.Kind.SHOP, delivery.shop_id, now)


@transaction.atomic
def _end(delivery: Delivery, state: DeliveryState, result: str) -> None:
    """End the delivery if it is still ours. Its successors go next, and of a dead one staff are told."""
    now = timezone.now()
    if state == DeliveryState.DEAD or delivery.session.attention:
        ledger.lock_order_of(delivery.session)
    if not Delivery.objects.filter(pk=delivery.pk).finish(delivery.lease_token, state=state, ended_at=now):
        return
    later = Delivery.objects.waiting().filter(order=delivery.order_id, sequence__gt=delivery.sequence, attempts=0)
    later.update(due_at=now)
    if state == DeliveryState.DEAD:
        PaymentSession.objects.filter(pk=delivery.session_id).update(attention=True)
        ledger.note(delivery.session, "not_told", "shop", event_id=str(delivery.event_id), result=result)
    elif delivery.session.attention:
        _told_after_all(delivery.session)


def _told_after_all(session: PaymentSession) -> None:
    """Take the mark off a payment that needed a person only because its shop was not told."""
    wrong = session.events.filter(kind__in=refunds.WRONGS)
    untold = session.deliveries.filter(state=DeliveryState.DEAD)
    rows = PaymentSession.objects.filter(pk=session.pk, disputed=False).exclude(stage=Stage.REVIEW)
    if session.events.filter(kind="not_told").exists() and not wrong.exists() and not untold.exists():
        rows.update(attention=False)
