"""지난달 안내를 이번 달로: issuers announce every month anew what is mostly what they announced before."""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from installments.models import InterestFreeNotice

_COPIED = ("issuer", "months", "buyer_turns", "bearer", "min_amount", "max_amount", "gateway", "nation")
_COPIED += ("title", "target", "exceptions", "display_order")


@dataclass(frozen=True, order=True)
class Month:
    """A month of the calendar."""

    year: int
    month: int

    @classmethod
    def of(cls, day: date) -> "Month":
        """Return the month of a day."""
        return cls(day.year, day.month)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return date(self.year, self.month, calendar.monthrange(self.year, self.month)[1])

    @property
    def before(self) -> "Month":
        """The month before."""
        return Month(self.year, self.month - 1) if self.month > 1 else Month(self.year - 1, 12)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


@dataclass(frozen=True)
class Copy:
    """A notice of the source month, what it would be in the target month, and what is in the way (None: nothing)."""

    source: InterestFreeNotice
    made: InterestFreeNotice
    obstacle: InterestFreeNotice | None


def plan(source: Month, target: Month) -> list[Copy]:
    """Return what copying would do with every notice in use of the source month; nothing is written."""
    rows = _in_use(source).order_by("issuer__display_order", "issuer", "months", "min_amount", "starts_on")
    there = list(_in_use(target))
    found = []
    for row in rows:
        made = _moved(row, source, target)
        obstacle = next((other for other in there if _overlap(made, other)), None)
        if obstacle is None:
            there.append(made)
        found.append(Copy(row, made, obstacle))
    return found


def carry_out(copies: Iterable[Copy]) -> list[InterestFreeNotice]:
    """Save what nothing is in the way of. Raises ValidationError or IntegrityError if something has come since."""
    made = [copy.made for copy in copies if copy.obstacle is None]
    for notice in made:
        notice.full_clean()
        notice.save()
    return made


def _in_use(month: Month):
    rows = InterestFreeNotice.objects.filter(in_use=True, starts_on__lte=month.last, ends_on__gte=month.first)
    return rows.select_related("issuer")


def moved_period(starts_on: date, ends_on: date, source: Month, target: Month) -> tuple[date, date]:
    """Return the part of a period within ``source`` as the same days of ``target``; month ends stay month ends."""
    first, last = max(starts_on, source.first), min(ends_on, source.last)
    end = target.last.day if last == source.last else min(last.day, target.last.day)
    return target.first.replace(day=min(first.day, end)), target.first.replace(day=end)


def _moved(row: InterestFreeNotice, source: Month, target: Month) -> InterestFreeNotice:
    starts_on, ends_on = moved_period(row.starts_on, row.ends_on, source, target)
    values = {name: getattr(row, name) for name in _COPIED}
    return InterestFreeNotice(**values, starts_on=starts_on, ends_on=ends_on)


def _overlap(one: InterestFreeNotice, other: InterestFreeNotice) -> bool:
    """Say what the database's constraint would say."""
    key = [(row.issuer_id, row.months, row.gateway, row.nation) for row in (one, other)]
    return (
        key[0] == key[1]
        and one.starts_on <= other.ends_on
        and other.starts_on <= one.ends_on
        and (one.max_amount is None or other.min_amount <= one.max_amount)
        and (other.max_amount is None or one.min_amount <= other.max_amount)
    )
