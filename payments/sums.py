"""How much money went which way: sums over many payments, each by one statement. Minor units, per currency.

A payment counts on the day (in Asia/Seoul) on which it was paid, a cancel on the day on which the money went back;
money that came back to us after all is taken off on the day on which it came, so that no past day ever changes.
What never counted as paid, such as a double payment in REVIEW, is not counted when it goes back either.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from merchants.codes import Mode
from payments.models import RESERVING, Cancellation, CancelState, PaymentSession
from payments.states import LIVE, Reason

MOST_ROWS = 100_000
# The same order went on in a newer session: no chance that was missed.
WENT_ON = (Reason.REPLACED, Reason.SUPERSEDED)


class _Money:
    """What was paid, and what of it was cancelled."""

    __slots__ = ()
    paid: int
    cancelled: int

    @property
    def net(self) -> int:
        """What remains."""
        return self.paid - self.cancelled


@dataclass(frozen=True, slots=True)
class Total(_Money):
    """The sums of some payments in one currency; ``asked`` is what was asked for, also where nobody paid."""

    currency: str
    count: int
    asked: int
    paid: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class Cancels:
    """The sums of some cancels in one currency: asked for, done, under way, and come back to us after all."""

    currency: str
    count: int
    asked: int
    done: int
    open: int
    returned: int


@dataclass(frozen=True, slots=True)
class Part(_Money):
    """One day, gateway, method and currency: how many payments, how much was paid, and how much went back."""

    day: date
    currency: str
    gateway: str
    method: str
    count: int
    paid: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class Tried:
    """Sessions begun in a period: ``ended`` without those still open or replaced, and ``paid`` of them."""

    gateway: str
    method: str
    begun: int
    ended: int
    paid: int


def of_rows(rows: QuerySet[Any], most: int = MOST_ROWS) -> list[Total] | None:
    """Return the totals of these sessions by currency; None if there are more than ``most``.

    The statement is written around the one that Django makes of ``rows``: a sum over a limited part is beyond it.
    """
    some = rows.order_by().values_list("currency", "amount", "paid", "cancelled")[: most + 1]
    try:
        found, values = some.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT currency, count(*), sum(amount)::bigint, sum(paid)::bigint, sum(cancelled)::bigint"
            f" FROM ({found}) AS found GROUP BY currency ORDER BY currency",
            values,
        )
        totals = [Total(*row) for row in cursor.fetchall()]
    return totals if sum(total.count for total in totals) <= most else None


def of_cancels(rows: QuerySet[Any], most: int = MOST_ROWS) -> list[Cancels] | None:
    """Return the totals of these cancels by currency; None if there are more than ``most``."""
    if rows.order_by()[: most + 1].count() > most:
        return None
    sums = rows.order_by("session__currency").values("session__currency")
    totals = sums.annotate(
        count=Count("pk"),
        asked=Sum("amount"),
        done=Sum("amount", filter=Q(state=CancelState.DONE), default=0),
        open=Sum("amount", filter=Q(state__in=RESERVING), default=0),
        returned=Sum("amount", filter=Q(state=CancelState.REVERSED), default=0),
    )
    names = ("session__currency", "count", "asked", "done", "open", "returned")
    return [Cancels(*row) for row in totals.values_list(*names)]


def of_days(first: date, last: date, mode: Mode) -> list[Part]:
    """Return what was paid and given back from ``first`` to ``last``, both included, in the smallest parts, by day."""
    begins, ends = midnights(first, last)
    rows = PaymentSession.objects.filter(paid_at__gte=begins, paid_at__lt=ends, merchant__mode=mode)
    by = ("day", "currency", "gateway", "method")
    parts = rows.annotate(day=_day_of("paid_at")).values(*by).order_by(*by)
    paid = parts.annotate(count=Count("pk"), sum_paid=Sum("paid")).values_list(*by, "count", "sum_paid")
    found = {
        (day, currency, gateway, method): Part(day, currency, gateway, method, count, sum_paid, 0)
        for day, currency, gateway, method, count, sum_paid in paid
    }
    went = Q(state__in=(CancelState.DONE, CancelState.REVERSED), ended_at__gte=begins, ended_at__lt=ends)
    came = Q(state=CancelState.REVERSED, reversed_at__gte=begins, reversed_at__lt=ends)
    for sign, when, at in ((1, went, "ended_at"), (-1, came, "reversed_at")):
        for day, currency, gateway, method, amount in _given_back(when, at, mode):
            key = (day, currency, gateway, method)
            part = found.get(key) or Part(day, currency, gateway, method, 0, 0, 0)
            found[key] = replace(part, cancelled=part.cancelled + sign * amount)
    return [found[key] for key in sorted(found)]


def _given_back(when: Q, at: str, mode: Mode) -> list[tuple[Any, ...]]:
    """Return day, currency, gateway, method and sum of the cancels of payments that once counted."""
    rows = Cancellation.objects.filter(when, session__merchant__mode=mode, session__paid_at__isnull=False)
    by = ("day", "session__currency", "session__gateway", "session__method")
    parts = rows.annotate(day=_day_of(at)).values(*by).order_by(*by)
    return list(parts.annotate(sum=Sum("amount")).values_list(*by, "sum"))


def _day_of(at: str) -> TruncDate:
    return TruncDate(at, tzinfo=timezone.get_default_timezone())


def of_tries(first: date, last: date, mode: Mode) -> list[Tried]:
    """Return how many of the sessions begun in these days were paid, by gateway and method."""
    begins, ends = midnights(first, last)
    rows = PaymentSession.objects.filter(created_at__gte=begins, created_at__lt=ends, merchant__mode=mode)
    paid = Q(paid_at__isnull=False)
    counted = paid | ~(Q(stage__in=sorted(LIVE)) | Q(reason__in=WENT_ON))
    by = ("gateway", "method")
    sums = rows.values(*by).annotate(
        begun=Count("pk"), ended=Count("pk", filter=counted), how_many_paid=Count("pk", filter=paid)
    )
    return [Tried(*row) for row in sums.order_by(*by).values_list(*by, "begun", "ended", "how_many_paid")]


def by(parts: Iterable[Part], key: Callable[[Part], Hashable]) -> dict[Any, Total]:
    """Add up parts of one currency that have the same ``key``, in the order in which the keys come."""
    sums: dict[Any, Total] = {}
    for part in parts:
        so_far = sums.get(key(part)) or Total(part.currency, 0, 0, 0, 0)
        sums[key(part)] = Total(
            part.currency,
            so_far.count + part.count,
            so_far.asked,
            so_far.paid + part.paid,
            so_far.cancelled + part.cancelled,
        )
    return sums


def midnights(first: date, last: date) -> tuple[datetime, datetime]:
    """Return when ``first`` begins and when ``last`` has ended, in the back office's time zone."""
    return _midnight(first), _midnight(last + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min), timezone.get_default_timezone())
