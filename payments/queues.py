"""The tables as the queue: what is due, and how a worker takes one row of it.

Long waits are due times in the rows; ``FOR UPDATE SKIP LOCKED`` lets any number of workers take from one
table; a lease that runs out makes a row due again, so that any worker may die at any line.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce

from payments import circuits
from payments.models import CallState, Delivery, GatewayCall, Notification, PaymentSession
from payments.models.queued import Queued


class Queue(StrEnum):
    """The four kinds of work that wait in tables."""

    NOTIFICATIONS = "notifications"
    CALLS = "calls"
    DELIVERIES = "deliveries"
    LOOKS = "looks"


@dataclass(frozen=True, slots=True)
class _Table:
    model: type[Queued]
    lanes: circuits.Kind
    # The longest deadline of one row's work in seconds, and 5 s more.
    lease: float

    @property
    def lane(self) -> str:
        return "shop_id" if self.lanes is circuits.Kind.SHOP else "merchant_id"


TABLES: dict[Queue, _Table] = {
    Queue.NOTIFICATIONS: _Table(Notification, circuits.Kind.ACCOUNT, lease=11),
    Queue.CALLS: _Table(GatewayCall, circuits.Kind.ACCOUNT, lease=31),
    Queue.DELIVERIES: _Table(Delivery, circuits.Kind.SHOP, lease=20),
    Queue.LOOKS: _Table(PaymentSession, circuits.Kind.ACCOUNT, lease=11),
}
AT_ONCE_PER_SHOP = 8
MOST_COUNTED = 100


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many rows of a queue are due (counted up to MOST_COUNTED), and since when the oldest is."""

    due: int
    oldest: datetime | None


def backlogs(now: datetime) -> dict[Queue, Backlog]:
    """Ask by one query what is due in every queue; what open circuits hold back does not count."""
    parts, params = [], []
    for queue, table in TABLES.items():
        meta, lane = table.model._meta, table.lane
        parts.append(
            f"SELECT '{queue}', count(*), min(due_at) FROM (SELECT due_at FROM {meta.db_table} AS row"
            f" WHERE due_at <= %s AND NOT EXISTS (SELECT 1 FROM payments_circuit WHERE kind = '{table.lanes}'"
            f" AND lane = row.{lane} AND failures >= {circuits.OPEN_AFTER} AND probe_at > %s)"
            f" UNION ALL (SELECT row.due_at FROM {meta.db_table} AS row JOIN payments_circuit AS circuit"
            f" ON circuit.lane = row.{lane} AND circuit.kind = '{table.lanes}' AND circuit.failures > 0"
            f" AND circuit.probe_at <= %s WHERE row.due_at > %s AND row.lease_token IS NULL LIMIT 1)"
            f" LIMIT {MOST_COUNTED}) AS due"
        )
        params += [now, now, now, now]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), params)
        return {Queue(name): Backlog(due, oldest) for name, due, oldest in cursor.fetchall()}


def claim(queue: Queue, now: datetime, busy: Collection[int] = ()) -> Queued | None:
    """Take the row that is due longest, outside the ``busy`` accounts or shops; None if there is none.

    The row comes back as it was before, but for its fresh ``lease_token``.
    """
    table = TABLES[queue]
    with transaction.atomic():
        sick = circuits.sick(table.lanes)
        row = _probe(table, sick, now) or _first_due(table, [*busy, *circuits.held(sick)], now)
        if row is None or (queue is Queue.DELIVERIES and _shop_is_busy(row, now)):
            return None
        taken = table.model.objects.filter(pk=row.pk)
        if queue is Queue.NOTIFICATIONS:
            taken = _of_one_payment(row, now)
        row.lease_token = taken.lease(now, table.lease, **_changes(queue, now))
    return row


def _first_due(table: _Table, avoid: Sequence[int], now: datetime) -> Any:
    rows = table.model.objects.due(now).order_by("due_at")
    if avoid:
        rows = rows.exclude(**{f"{table.lane}__in": avoid})
    return rows.select_for_update(skip_locked=True, of=("self",)).first()


def _probe(table: _Table, sick: Sequence[Any], now: datetime) -> Any:
    """Return a row of an account or shop that failed lately, due or not: one every 30 s finds out that it is back."""
    for circuit in sick:
        if circuit.probe_at > now:
            continue
        rows = table.model.objects.waiting().filter(**{table.lane: circuit.lane}).order_by("due_at")
        row = rows.select_for_update(skip_locked=True, of=("self",)).first()
        if row is not None and circuits.take_probe(circuit, now):
            return row
    return None


def _shop_is_busy(row: Any, now: datetime) -> bool:
    """Say whether AT_ONCE_PER_SHOP deliveries of the row's shop are under way; the lock makes the count exact."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('deliveries to a shop'), %s)", [row.shop_id])
    under_way = Delivery.objects.filter(shop=row.shop_id, lease_token__isnull=False, due_at__gt=now)
    return under_way.count() >= AT_ONCE_PER_SHOP


def _of_one_payment(row: Any, now: datetime) -> Any:
    """The row and every other due notice of the same payment: one look answers them all."""
    same = Q(pk=row.pk)
    if row.gateway_id:
        same |= Q(gateway_id=row.gateway_id, gateway=row.gateway, signers=row.signers, due_at__lte=now)
    return Notification.objects.filter(same)


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
