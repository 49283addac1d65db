"""What the first page and its downloads are about: some days of Seoul, and real money or test money."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _

from merchants.codes import Mode
from merchants.models import Merchant

LONGEST = timedelta(days=366)
NAMES = {
    "today": _("오늘"),
    "week": _("7일"),
    "month": _("30일"),
    "this_month": _("이번 달"),
    "last_month": _("지난달"),
    "own": _("직접 선택"),
}
DEFAULT = "week"


@dataclass(frozen=True, slots=True)
class Choice:
    """The days from ``first`` to ``last``, both included, of payments in ``mode``; ``name`` is one of NAMES."""

    mode: Mode
    name: str
    first: date
    last: date

    @property
    def query(self) -> str:
        """Return the choice as an address holds it."""
        return urlencode({"mode": self.mode, "period": "own", "from": self.first, "to": self.last})

    def modes(self) -> Iterator[dict[str, Any]]:
        """Yield the switch between real and test money."""
        for mode in (Mode.LIVE, Mode.TEST):
            days = {"from": self.first, "to": self.last} if self.name == "own" else {}
            query = urlencode({"mode": mode, "period": self.name, **days})
            yield {"label": mode.label, "query": query, "chosen": mode is self.mode}

    def periods(self) -> Iterator[dict[str, Any]]:
        """Yield the periods that need no dates."""
        for name, label in NAMES.items():
            if name != "own":
                query = urlencode({"mode": self.mode, "period": name})
                yield {"label": label, "query": query, "chosen": name == self.name}


def chosen(query: QueryDict) -> Choice:
    """Return what the address asks for; what is missing or odd in it is 7 days, and real money where there is any."""
    today = timezone.localdate()
    name = query.get("period", DEFAULT)
    days = _own(query, today) if name == "own" else _days(today).get(name)
    if days is None:
        name, days = DEFAULT, _days(today)[DEFAULT]
    return Choice(_mode(query.get("mode", "")), name, *days)


def last_month(today: date) -> tuple[date, date]:
    """Return the first and the last day of the month before ``today``'s."""
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def _days(today: date) -> dict[str, tuple[date, date]]:
    return {
        "today": (today, today),
        "week": (today - timedelta(days=6), today),
        "month": (today - timedelta(days=29), today),
        "this_month": (today.replace(day=1), today),
        "last_month": last_month(today),
    }


def _own(query: QueryDict, today: date) -> tuple[date, date] | None:
    """Return the days given, the earlier one first, and no more than LONGEST of them."""
    found = [_day(query.get(name, "")) for name in ("from", "to")]
    days = sorted(day for day in found if day)
    if not days:
        return None
    first, last = days[0], days[-1] if len(days) > 1 else max(days[0], today if found[0] else days[0])
    return max(first, last - LONGEST + timedelta(days=1)), last


def _day(text: str) -> date | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return day if day and 2000 <= day.year < 3000 else None


def _mode(text: str) -> Mode:
    if text in Mode.values:
        return Mode(text)
    return Mode.LIVE if Merchant.objects.filter(mode=Mode.LIVE).exists() else Mode.TEST
