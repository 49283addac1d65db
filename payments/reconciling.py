"""The rows of 대사: a run for each merchant and day, leased to one process, and its differences.

A run that is repeated brings its differences up to date: what is seen again stays one row, what is gone is closed.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from merchants.models import Merchant, MethodConnection
from payments import differences
from payments.differences import Pair, Theirs
from payments.models import (
    Cancellation,
    CancelState,
    Difference,
    PaymentSession,
    Reconciliation,
    ReconciliationState,
)
from payments.sums import midnights

# Longer than the slowest hundred lookups.
LEASE = timedelta(minutes=15)
# A contract that has charged nothing for so long, and is not connected, has nothing left to compare.
USED_WITHIN = timedelta(days=90)
RECHECKED_FOR = timedelta(days=7)
MOST_AT_ONCE = 200

_AGAIN = ("session", "cancellation", "ours", "theirs", "seen_at", "closed_at")


class Busy(Exception):
    """Another process works on a run of this day."""


class LeaseLost(Exception):
    """Another process has taken the run over: this one's work does not count any more."""


def merchants_of(gateway: str, day: date) -> list[Merchant]:
    """Return the merchants of a gateway whose ``day`` is compared: those connected, or used lately."""
    _begins, ends = midnights(day, day)
    connected = MethodConnection.objects.filter(merchant=OuterRef("pk"), connected=True)
    used = PaymentSession.objects.filter(merchant=OuterRef("pk"), created_at__gte=ends - USED_WITHIN)
    return list(Merchant.objects.filter(Exists(connected) | Exists(used), gateway=gateway).order_by("pk"))


@transaction.atomic
def begin(merchants: Iterable[Merchant], day: date, now: datetime) -> list[Reconciliation]:
    """Take the runs of all these merchants, counted anew. Raises Busy if another process works on one of them."""
    return [_taken(merchant, day, now) for merchant in merchants]


def _taken(merchant: Merchant, day: date, now: datetime) -> Reconciliation:
    Reconciliation.objects.get_or_create(merchant=merchant, day=day, defaults={"started_at": now})
    run = Reconciliation.objects.select_for_update().get(merchant=merchant, day=day)
    if run.leased_until is not None and run.leased_until > now:
        raise Busy(str(run))
    run.merchant = merchant
    run.state, run.code, run.started_at, run.ended_at = ReconciliationState.RUNNING, "", now, None
    run.lease_token, run.leased_until = uuid4(), now + LEASE
    run.payments = run.paid = run.refunds = run.refunded = run.not_ours = 0
    run.save()
    return run


def our_payments(runs: Sequence[Reconciliation]) -> set[int]:
    """Return the keys of what our books have as paid on the day of these runs, which is one day."""
    rows = PaymentSession.objects.filter(merchant__in=[run.merchant_id for run in runs], paid__gt=0)
    return set(_of_day(rows, "paid_at", runs[0].day).values_list("pk", flat=True).iterator())


def our_refunds(runs: Sequence[Reconciliation]) -> set[int]:
    """Return the keys of the cancels by which, as our books have it, money went back on that day."""
    rows = Cancellation.objects.filter(session__merchant__in=[run.merchant_id for run in runs], state=CancelState.DONE)
    return set(_of_day(rows, "ended_at", runs[0].day).values_list("pk", flat=True).iterator())


def _of_day(rows: QuerySet, field: str, day: date) -> QuerySet:  # type: ignore[type-arg]  # of either table
    begins, ends = midnights(day, day)
    return rows.filter(**{f"{field}__gte": begins, f"{field}__lt": ends})


def compare(run: Reconciliation, listed: Sequence[Theirs], now: datetime) -> list[Pair]:
    """Hold a part of the gateway's list against our books; returns the pairs, those outside the day too.

    Outside the day nothing is counted and no difference told: that is for the run of its own day.
    """
    found = differences.pairs(run.merchant.gateway, listed)
    begins, ends = midnights(run.day, run.day)
    of_day = [pair for pair in found if begins <= pair.theirs.at < ends]
    _count(run, of_day)
    judged = [(differences.judge(pair, run.merchant), pair) for pair in of_day]
    keep(run, [differences.difference(run, kind, pair, now) for kind, pair in judged if kind], now)
    return found


def _count(run: Reconciliation, of_day: Iterable[Pair]) -> None:
    for pair in of_day:
        if pair.is_foreign:
            run.not_ours += 1
        elif pair.theirs.kind == differences.PAYMENT:
            run.payments += 1
            run.paid += pair.theirs.amount
        elif pair.theirs.status != differences.FAILED:
            run.refunds += 1
            run.refunded += pair.theirs.amount


def keep(run: Reconciliation, found: Sequence[Difference], now: datetime) -> None:
    """Write differences, each once however often it is seen, and hold the run for longer. Raises LeaseLost."""
    counts = {name: getattr(run, name) for name in ("payments", "paid", "refunds", "refunded", "not_ours")}
    with transaction.atomic():
        held = Reconciliation.objects.filter(pk=run.pk, lease_token=run.lease_token)
        if not held.update(leased_until=now + LEASE, **counts):
            raise LeaseLost(str(run))
        Difference.objects.bulk_create(
            {(row.kind, row.subject): row for row in found}.values(),
            update_conflicts=True,
            unique_fields=["run", "kind", "subject"],
            update_fields=_AGAIN,
        )


def end(run: Reconciliation, now: datetime, code: str = "") -> None:
    """End a run: what was not seen in it is closed; with ``code``, why the gateway could not be heard, nothing is."""
    state = ReconciliationState.FAILED if code else ReconciliationState.DONE
    with transaction.atomic():
        held = Reconciliation.objects.filter(pk=run.pk, lease_token=run.lease_token)
        if not held.update(state=state, code=code[:100], ended_at=now, lease_token=None, leased_until=None):
            return
        if not code:
            gone = Difference.objects.filter(run=run, closed_at=None, seen_at__lt=run.started_at)
            gone.update(closed_at=now)
    run.state, run.code, run.ended_at = state, code, now


def give_back(runs: Iterable[Reconciliation]) -> None:
    """Let go of runs that were taken and not ended: they are as if they had failed."""
    tokens = [run.lease_token for run in runs]
    Reconciliation.objects.filter(lease_token__in=tokens).update(
        state=ReconciliationState.FAILED, code="broken_off", lease_token=None, leased_until=None
    )


def days_to_do(gateway: str, today: date) -> list[date]:
    """Return yesterday if it is not done for every merchant, and the days of the last week that may look better now.

    These are days that failed, or that have differences which nobody handled.
    """
    yesterday = today - timedelta(days=1)
    done = Reconciliation.objects.filter(merchant=OuterRef("pk"), day=yesterday, state=ReconciliationState.DONE)
    wanted = Merchant.objects.filter(pk__in=[merchant.pk for merchant in merchants_of(gateway, yesterday)])
    unhandled = Difference.objects.filter(run=OuterRef("pk"), closed_at=None, handled_at=None)
    runs = Reconciliation.objects.filter(merchant__gateway=gateway, day__gte=today - RECHECKED_FOR, day__lt=today)
    again = runs.filter(~Q(state=ReconciliationState.DONE) | Exists(unhandled)).values_list("day", flat=True)
    new = {yesterday} if wanted.filter(~Exists(done)).exists() else set()
    return sorted(new.union(again), reverse=True)


def recheck(now: datetime) -> int:
    """Close the differences that staff had looked at again and whose two sides agree by now; return how many."""
    asked = Difference.objects.filter(closed_at=None, asked_at__isnull=False)
    rows = list(asked.select_related("run__merchant", "session", "cancellation").order_by("pk")[:MOST_AT_ONCE])
    settled = [row.pk for row in rows if _is_settled(row)]
    return Difference.objects.filter(pk__in=settled, closed_at=None).update(closed_at=now) if settled else 0


def _is_settled(row: Difference) -> bool:
    if row.theirs:
        (pair,) = differences.pairs(row.run.merchant.gateway, [Theirs.from_json(row.theirs)])
        return differences.judge(pair, row.run.merchant) is None
    if row.cancellation is not None:
        return row.cancellation.state != CancelState.DONE
    return row.session is not None and row.session.paid == 0
