"""Keeps the list of what needs a person: opens a row when a fact is there, closes it when it is gone.

The facts are read from the tables, each through a small index of what is rare, so that nobody has to remember to
report anything. Any number of processes may sweep at once: a row is opened once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from merchants.models import Merchant, Shop
from payments import circuits, refunds
from payments.models import (
    Approval,
    ApprovalState,
    Attention,
    AttentionKind,
    CallKind,
    CallState,
    Circuit,
    Delivery,
    DeliveryState,
    Difference,
    GatewayCall,
    Notification,
    PaymentEvent,
    PaymentSession,
    Reconciliation,
    ReconciliationState,
)
from payments.states import Stage

LONG_UNKNOWN = timedelta(minutes=15)
LONG_SILENT = timedelta(minutes=10)
# Looks without an answer: half a minute, 1, 2, 5, 10 minutes apart, so this many take over a quarter of an hour.
MANY_LOOKS = 6
EXPIRES_SOON = timedelta(days=30)
MOST_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched for one kind: the rows that need a person now, since when, whose they are, and what to keep."""

    rows: Callable[[datetime], QuerySet[Any]]
    since: Callable[[Any, datetime], datetime]
    merchant: Callable[[Any], Merchant | None]
    facts: Callable[[Any], dict[str, Any]]


def sweep(now: datetime) -> None:
    """Bring the list up to date."""
    for kind, watched in WATCHED.items():
        rows = watched.rows(now)
        still_open = Attention.objects.filter(kind=kind, closed_at=None)
        gone = still_open.filter(~Exists(rows.filter(pk=OuterRef("subject"))))
        gone.update(closed_at=now)
        fresh = rows.filter(~Exists(still_open.filter(subject=OuterRef("pk"))))[:MOST_AT_ONCE]
        opened = [_opened(kind, watched, row, now) for row in fresh]
        Attention.objects.bulk_create(opened, ignore_conflicts=True)


def _opened(kind: AttentionKind, watched: Watched, row: Any, now: datetime) -> Attention:
    merchant = watched.merchant(row)
    return Attention(
        kind=kind,
        subject=row.pk,
        mode=merchant.mode if merchant else "",
        facts={"merchant": merchant.code if merchant else "", **watched.facts(row)},
        since=watched.since(row, now),
        opened_at=now,
    )


def _payments(_now: datetime) -> QuerySet[Any]:
    """Payments that are frozen, disputed or refunded elsewhere. One that is only untold has its message in the list."""
    of_it = PaymentEvent.objects.filter(session=OuterRef("pk"))
    frozen = Q(stage=Stage.REVIEW) | Q(disputed=True) | Exists(of_it.filter(kind__in=refunds.WRONGS))
    rows = PaymentSession.objects.filter(attention=True).filter(frozen | ~Exists(of_it.filter(kind="not_told")))
    return rows.select_related("order", "merchant").defer("sealed_buyer")


def _calls(now: datetime) -> QuerySet[Any]:
    """Calls in doubt, and cancels that cannot be sent: somebody waits for that money."""
    rows = GatewayCall.objects.filter(due_at__isnull=False, first_sent_at__lt=now - LONG_UNKNOWN)
    rows = rows.filter(Q(state=CallState.UNKNOWN) | Q(state=CallState.READY, kind=CallKind.CANCEL))
    return rows.select_related("session__order", "merchant").defer("sealed_body", "session__sealed_buyer")


def _approvals(_now: datetime) -> QuerySet[Any]:
    rows = Approval.objects.filter(state=ApprovalState.WAITING)
    return rows.select_related("session__order", "session__merchant", "requester").defer(
        "sealed_account", "session__sealed_buyer"
    )


def _deliveries(_now: datetime) -> QuerySet[Any]:
    rows = Delivery.objects.filter(state=DeliveryState.DEAD)
    return rows.select_related("order", "shop", "session__merchant").defer("body", "session__sealed_buyer")


def _notices(_now: datetime) -> QuerySet[Any]:
    return Notification.objects.filter(attention=True).select_related("merchant").defer("sealed_body")


def _refused_lookups(_now: datetime) -> QuerySet[Any]:
    """Merchants whose gateway answers, but not what it is asked: a wrong or withdrawn key."""
    unheard = PaymentSession.objects.filter(merchant=OuterRef("pk"), due_at__isnull=False, attempts__gte=MANY_LOOKS)
    silent = Circuit.objects.filter(kind=circuits.Kind.ACCOUNT, lane=OuterRef("pk"), failures__gt=0)
    return Merchant.objects.filter(Exists(unheard), ~Exists(silent))


def _silent(kind: circuits.Kind, model: type[Merchant] | type[Shop]) -> Callable[[datetime], QuerySet[Any]]:
    def rows(now: datetime) -> QuerySet[Any]:
        down = Circuit.objects.filter(
            kind=kind, lane=OuterRef("pk"), failures__gte=circuits.OPEN_AFTER, failing_since__lt=now - LONG_SILENT
        )
        since = Subquery(down.values("failing_since")[:1])
        return model.objects.filter(Exists(down)).annotate(failing_since=since)

    return rows


def _expired(now: datetime) -> QuerySet[Any]:
    return Merchant.objects.filter(is_active=True, credentials_expire_on__lt=timezone.localdate(now))


def _expiring(now: datetime) -> QuerySet[Any]:
    today = timezone.localdate(now)
    return Merchant.objects.filter(is_active=True, credentials_expire_on__range=(today, today + EXPIRES_SOON))


def _reconciliations(_now: datetime) -> QuerySet[Any]:
    """Days of 대사 that could not be done, or that have differences which nobody handled: one matter for each day."""
    open_ones = Difference.objects.filter(run=OuterRef("pk"), closed_at=None, handled_at=None)
    rows = Reconciliation.objects.filter(Q(state=ReconciliationState.FAILED) | Exists(open_ones))
    return rows.select_related("merchant")


def _of_session(session: PaymentSession) -> dict[str, Any]:
    return {"order": str(session.order), "reference": session.reference}


def _of_payment(session: PaymentSession) -> dict[str, Any]:
    money = {"amount": session.amount, "paid": session.paid, "currency": session.currency}
    state = {"reason": session.reason, "stage": session.stage, "disputed": session.disputed}
    return {**_of_session(session), **money, **state}


def _of_approval(approval: Approval) -> dict[str, Any]:
    asked = {"approval": approval.kind, "asked": approval.amount, "currency": approval.session.currency}
    by = approval.requester.get_username()
    return {**_of_session(approval.session), **asked, "by": by, "session": approval.session_id}


def _of_call(call: GatewayCall) -> dict[str, Any]:
    said = {"call": call.kind, "code": call.code, "state": call.state}
    return {**_of_session(call.session), **said, "session": call.session_id}


def _of_delivery(delivery: Delivery) -> dict[str, Any]:
    return {"order": str(delivery.order), "delivery": delivery.kind, "shop": str(delivery.shop)}


def _of_notice(notice: Notification) -> dict[str, Any]:
    return {"event": notice.kind, "event_id": notice.dedupe_key, "gateway_id": notice.gateway_id}


def _of_expiry(merchant: Merchant) -> dict[str, Any]:
    return {"expires_on": str(merchant.credentials_expire_on)}


def _of_run(run: Reconciliation) -> dict[str, Any]:
    open_ones = Difference.objects.filter(run=run, closed_at=None, handled_at=None)
    return {"day": str(run.day), "differences": open_ones.count(), "code": run.code}


def _nothing(_row: Any) -> dict[str, Any]:
    return {}


def _itself(merchant: Merchant) -> Merchant:
    return merchant


def _now(_row: Any, now: datetime) -> datetime:
    return now


WATCHED: dict[AttentionKind, Watched] = {
    AttentionKind.PAYMENT: Watched(_payments, _now, lambda row: row.merchant, _of_payment),
    AttentionKind.APPROVAL: Watched(
        _approvals, lambda row, _: row.requested_at, lambda row: row.session.merchant, _of_approval
    ),
    AttentionKind.CALL: Watched(_calls, lambda row, _: row.first_sent_at, lambda row: row.merchant, _of_call),
    AttentionKind.DELIVERY: Watched(
        _deliveries, lambda row, now: row.ended_at or now, lambda row: row.session.merchant, _of_delivery
    ),
    AttentionKind.NOTICE: Watched(_notices, lambda row, _: row.received_at, lambda row: row.merchant, _of_notice),
    AttentionKind.LOOKUPS: Watched(_refused_lookups, _now, _itself, _nothing),
    AttentionKind.ACCOUNT: Watched(
        _silent(circuits.Kind.ACCOUNT, Merchant), lambda row, _: row.failing_since, _itself, _nothing
    ),
    AttentionKind.SHOP: Watched(
        _silent(circuits.Kind.SHOP, Shop),
        lambda row, _: row.failing_since,
        lambda _row: None,
        lambda shop: {"shop": str(shop)},
    ),
    AttentionKind.EXPIRED: Watched(_expired, _now, _itself, _of_expiry),
    AttentionKind.EXPIRING: Watched(_expiring, _now, _itself, _of_expiry),
    AttentionKind.RECONCILIATION: Watched(
        _reconciliations, lambda row, _: row.started_at, lambda row: row.merchant, _of_run
    ),
}
