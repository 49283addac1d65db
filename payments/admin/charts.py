"""A chart of sums as plain numbers that a template draws: what was paid, and before it what was given back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from payments.admin import words
from payments.sums import Part, Total, by

# In units of the drawing; it is stretched to its place.
HEIGHT = 100
STEP, BAR = 10, 7
MOST_DAYS = 62
MOST_LABELS = 7
_ROUND = (10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100)


@dataclass(frozen=True, slots=True)
class Bar:
    """One day or month: ``paid`` and, narrower before it, ``back``, both from the ground, each as (y, height)."""

    x: float
    paid: tuple[float, float]
    back: tuple[float, float]
    label: str
    shown_label: str
    total: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chart:
    """The bars of one currency, and the amounts that stand at its lines."""

    bars: list[Bar]
    width: int
    top: str
    middle: str


def draw(parts: Sequence[Part], currency: str, first: date, last: date) -> Chart:
    """Return the chart of ``parts``, all of ``currency``: by day, or by month where the days are many."""
    by_month = (last - first).days >= MOST_DAYS
    sums = by(parts, lambda part: part.day.replace(day=1) if by_month else part.day)
    steps = list(_months(first, last) if by_month else _days(first, last))
    top = _round_up(max((max(total.paid, total.cancelled) for total in sums.values()), default=0))
    every = -(-len(steps) // MOST_LABELS)
    bars = [_bar(n, step, sums, currency, top, by_month, n % every == 0) for n, step in enumerate(steps)]
    middle = words.amount(top // 2, currency) if top > 1 else ""
    return Chart(bars, len(steps) * STEP, words.amount(top, currency), middle)


def _bar(
    n: int, step: date, sums: Mapping[date, Total], currency: str, top: int, by_month: bool, has_label: bool
) -> Bar:
    total = sums.get(step) or Total(currency, 0, 0, 0, 0)
    paid, back = (round(HEIGHT * max(amount, 0) / top, 2) for amount in (total.paid, total.cancelled))
    label = f"{step:%Y-%m}" if by_month else f"{step:%m-%d}"
    return Bar(
        x=n * STEP + (STEP - BAR) / 2,
        paid=(HEIGHT - paid, paid),
        back=(HEIGHT - back, back),
        label=label,
        shown_label=label if has_label else "",
        total=shown(total),
    )


def shown(total: Total) -> dict[str, Any]:
    """Return a total as staff read it."""
    names = ("asked", "paid", "cancelled", "net")
    texts = {name: words.amount(getattr(total, name), total.currency) for name in names}
    return {"currency": total.currency, "count": total.count, **texts}


def _days(first: date, last: date) -> Iterator[date]:
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)


def _months(first: date, last: date) -> Iterator[date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = (month + timedelta(days=31)).replace(day=1)


def _round_up(amount: int) -> int:
    """Return the next round number that is not below ``amount``; the top of an empty chart is 1."""
    size = 1
    while size * 10 < amount:
        size *= 10
    # In tenths, for a chart should not stand half empty.
    return next(top for tenths in _ROUND if (top := -(-tenths * size // 10)) >= amount)
