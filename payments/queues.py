"""The tables as the queue: what is due, and how a worker takes one row of it.

Long waits are due times in the rows; ``FOR UPDATE SKIP LOCKED`` lets any number of workers take from one
table; a lease that runs out makes a row due again, so that any worker may die at any line.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, Exists, F, OuterRef, QuerySet, Value, When
from django.db.models.functions import Coalesce

from payments import circuits
from payments.models import (
    CallState,
    Circuit,
    CredentialCheck,
    Delivery,
    DeliveryState,
    GatewayCall,
    Notification,
    PaymentSession,
)
from payments.models.queued import Queued


class Queue(StrEnum):
    """The five kinds of work that wait in tables."""

    NOTIFICATIONS = "notifications"
    CALLS = "calls"
    DELIVERIES = "deliveries"
    LOOKS = "looks"
    CHECKS = "checks"


@dataclass(frozen=True, slots=True)
class _Table:
    model: type[Queued]
    lanes: circuits.Kind
    # The deadlines of one row's work in seconds, and 5 s more. A look asks for the payment and for its refunds;
    # a call is looked up, sent and looked up again.
    lease: float
    # Rows that come with the claimed one, in the same statement: the work begins with them.
    beside: tuple[str, ...]
    # Rows whose work calls nobody, in SQL: they are no probes.
    calls_nobody: str = "FALSE"

    @property
    def lane(self) -> str:
        return "shop_id" if self.lanes is circuits.Kind.SHOP else "merchant_id"


TABLES: dict[Queue, _Table] = {
    Queue.NOTIFICATIONS: _Table(
        Notification,
        circuits.Kind.ACCOUNT,
        lease=17,
        beside=("session",),
        # Notification.orphaned()
        calls_nobody="row.session_id IS NULL AND row.attempts > 0 AND strpos(row.gateway_payment_id, '/') = 0",
    ),
    Queue.CALLS: _Table(GatewayCall, circuits.Kind.ACCOUNT, lease=37, beside=("session",)),
    Queue.DELIVERIES: _Table(Delivery, circuits.Kind.SHOP, lease=20, beside=("session", "shop")),
    Queue.LOOKS: _Table(PaymentSession, circuits.Kind.ACCOUNT, lease=17, beside=("merchant",)),
    Queue.CHECKS: _Table(CredentialCheck, circuits.Kind.ACCOUNT, lease=11, beside=("merchant",)),
}
AT_ONCE_PER_SHOP = 8
MOST_COUNTED = 100
# A statement takes 65,535 parameters.
MOST_TOGETHER = 1000


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many rows of a queue are due (counted up to a limit), and since when the oldest is."""

    due: int
    oldest: datetime | None


# What is due and not held back by an open circuit, and a row for the next probe that is due.
_BACKLOG = """
SELECT '{queue}', count(*), min(due_at) FROM (
    (SELECT due_at FROM {table} AS row
     WHERE due_at <= %(now)s AND NOT EXISTS (
        SELECT 1 FROM payments_circuit
        WHERE kind = '{kind}' AND lane = row.{lane} AND {holds} AND failures >= {sick_from})
     ORDER BY due_at LIMIT {most})
    UNION ALL
    (SELECT row.due_at FROM {table} AS row
     JOIN payments_circuit AS circuit ON circuit.kind = '{kind}' AND circuit.lane = row.{lane}
     WHERE circuit.failures >= {sick_from} AND circuit.probe_at <= %(now)s
        AND row.due_at IS NOT NULL AND (row.lease_token IS NULL OR row.due_at <= %(now)s)
        AND NOT ({calls_nobody}) LIMIT 1)
) AS due"""


def backlogs(now: datetime, most: int = MOST_COUNTED) -> dict[Queue, Backlog]:
    """Ask by one query what is due in every queue, counted up to ``most``; what open circuits hold back is not."""
    parts = [
        _BACKLOG.format(
            queue=queue,
            table=table.model._meta.db_table,
            lane=table.lane,
            kind=table.lanes,
            holds=table.lanes.holds,
            sick_from=table.lanes.sick_from,
            most=most,
            calls_nobody=table.calls_nobody,
        )
        for queue, table in TABLES.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), {"now": now})
        return {Queue(name): Backlog(due, oldest) for name, due, oldest in cursor.fetchall()}


def claim(queue: Queue, now: datetime, full: Collection[int] = ()) -> Queued | None:
    """Take the row that is due longest, outside the ``full`` accounts or shops; None if there is none.

    The row comes back as it was before, but for its fresh ``lease_token``.
    """
    table, avoid = TABLES[queue], list(full)
    while True:
        with transaction.atomic():
            row = _pick(table, avoid, now)
            if row is None:
                return None
            if queue is not Queue.DELIVERIES or not _shop_is_full(row, now):
                taken = _with_its_group(queue, row, now)
                row.lease_token = taken.lease(now, table.lease, **_changes(queue, now))
                return row
        avoid.append(getattr(row, table.lane))


def _pick(table: _Table, avoid: Sequence[int], now: datetime) -> Queued | None:
    """Return the next row, locked."""
    sick = circuits.sick(table.lanes)
    row: Queued | None = _probe(table, sick, avoid, now) or _first_due(table, [*avoid, *circuits.held(sick)], now)
    return row


def _first_due(table: _Table, avoid: Sequence[int], now: datetime) -> Any:
    rows = table.model.objects.due(now).order_by("due_at")
    if avoid:
        rows = rows.exclude(**{f"{table.lane}__in": avoid})
    return _locked(table, rows).first()


def _locked(table: _Table, rows: Any) -> Any:
    return rows.select_related(*table.beside).select_for_update(skip_locked=True, of=("self",))


def _probe(table: _Table, sick: Sequence[Circuit], avoid: Sequence[int], now: datetime) -> Any:
    """Return a row of an account or shop that failed lately, due or not: one every 30 s finds out that it is back."""
    for circuit in sick:
        if circuit.probe_at > now or circuit.lane in avoid:
            continue
        rows = table.model.objects.unattended(now).filter(**{table.lane: circuit.lane}).order_by("due_at")
        if table.model is Delivery:
            rows = rows.exclude(Exists(_predecessors()))
        elif table.model is Notification:
            rows = rows.exclude(Notification.orphaned())
        row = _locked(table, rows).first()
        if row is not None and circuits.take_probe(circuit, now):
            return row
    return None


def _predecessors() -> QuerySet[Delivery]:
    """Messages that a message of the same order waits for: it would tell nothing about its shop."""
    return Delivery.objects.filter(
        order=OuterRef("order"), sequence__lt=OuterRef("sequence"), state=DeliveryState.WAITING
    )


def _shop_is_full(row: Any, now: datetime) -> bool:
    """Say whether AT_ONCE_PER_SHOP deliveries of the row's shop are under way; the lock makes the count exact."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('deliveries to a shop'), %s)", [row.shop_id])
    longest = now + timedelta(seconds=TABLES[Queue.DELIVERIES].lease)
    leased = Delivery.objects.filter(shop=row.shop_id, lease_token__isnull=False)
    return leased.filter(due_at__gt=now, due_at__lte=longest).count() >= AT_ONCE_PER_SHOP


def _with_its_group(queue: Queue, row: Any, now: datetime) -> Any:
    """Return the row; of a notice also the other due notices of the same payment: one look answers them all."""
    if queue is not Queue.NOTIFICATIONS or not row.gateway_id:
        return TABLES[queue].model.objects.filter(pk=row.pk)
    names = {"gateway_id": row.gateway_id, "gateway_cancel_id": row.gateway_cancel_id}
    same = Notification.objects.due(now).filter(**names, gateway=row.gateway, signers=row.signers)
    # Skipping what others have locked: two workers that wait for each other's notices would never end.
    locked = same.select_for_update(skip_locked=True).values_list("pk", flat=True)[:MOST_TOGETHER]
    return Notification.objects.filter(pk__in=[row.pk, *locked])


def _changes(queue: Queue, now: datetime) -> dict[str, Any]:
    """What a claim writes beside the lease: a call claimed for the first time is being sent.

    A call whose sender lost its lease may have been sent: UNKNOWN, never a plain repeat.
    """
    if queue is not Queue.CALLS:
        return {}
    first = When(state=CallState.READY, then=Value(CallState.SENDING))
    return {
        "state": Case(first, default=Value(CallState.UNKNOWN)),
        "first_sent_at": Coalesce(F("first_sent_at"), Value(now)),
    }
