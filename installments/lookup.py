"""Which notices are in force: for a day in Korea, an amount in won, a gateway and a nation."""

import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from installments.models import InterestFreeNotice
from merchants.models import CardIssuer

LIFETIME_SECONDS = 5.0
MOST_DAYS = 64  # kept at once: order pages ask for today, few ask for another day


@dataclass(frozen=True)
class IssuerNotices:
    """What one issuer offers, by months and then from the smallest amount on."""

    issuer: CardIssuer
    notices: list[InterestFreeNotice]


_lock = threading.Lock()
_days: dict[tuple[str, date], tuple[float, list[InterestFreeNotice]]] = {}


def clear_cache() -> None:
    """Let the next question read the database."""
    with _lock:
        _days.clear()


def in_force(
    *,
    day: date,
    nation: str,
    amount: int | None = None,
    gateway: str = "",
    issuers: Collection[str] | None = None,
) -> list[IssuerNotices]:
    """Return what buyers may read, from a copy at most 5 s old; its rows are shared, nobody may change them.

    ``day`` is a day in Korea, ``amount`` won; None: whatever the amount. ``gateway`` empty: only what holds at
    every gateway. ``issuers``: codes of those that can be paid with; None: all.
    """
    return _grouped(_of_day(nation, day), amount, gateway, issuers)


def in_force_now(*, day: date, nation: str, amount: int | None = None, gateway: str = "") -> list[IssuerNotices]:
    """Return the same, read afresh: staff want to see what they have just saved."""
    return _grouped(_read(nation, day), amount, gateway, None)


def _of_day(nation: str, day: date) -> list[InterestFreeNotice]:
    kept = _days.get((nation, day))
    if kept and time.monotonic() - kept[0] < LIFETIME_SECONDS:
        return kept[1]
    read_at = time.monotonic()  # taken before reading: the copy is never older than it says
    rows = _read(nation, day)
    with _lock:
        if len(_days) >= MOST_DAYS:
            _days.clear()
        _days[nation, day] = (read_at, rows)
    return rows


def _read(nation: str, day: date) -> list[InterestFreeNotice]:
    rows = InterestFreeNotice.objects.filter(in_use=True, nation=nation, starts_on__lte=day, ends_on__gte=day)
    return list(rows.select_related("issuer"))


def _grouped(
    rows: Iterable[InterestFreeNotice], amount: int | None, gateway: str, issuers: Collection[str] | None
) -> list[IssuerNotices]:
    speaking = [row for row in rows if row.gateway in ("", gateway) and (issuers is None or row.issuer_id in issuers)]
    # The gateway's own word counts for all amounts: below its minimum the general row would promise too much.
    own = {(row.issuer_id, row.months) for row in speaking if row.gateway}
    by_issuer: dict[str, list[InterestFreeNotice]] = {}
    for row in speaking:
        if (row.gateway or (row.issuer_id, row.months) not in own) and (amount is None or row.covers(amount)):
            by_issuer.setdefault(row.issuer_id, []).append(row)
    groups = [IssuerNotices(rows[0].issuer, sorted(rows, key=_place)) for rows in by_issuer.values()]
    return sorted(groups, key=_place_of_issuer)


def _place(row: InterestFreeNotice) -> tuple[int, int]:
    return row.months, row.min_amount


def _place_of_issuer(group: IssuerNotices) -> tuple[int, int, str]:
    first = min(row.display_order for row in group.notices)
    return first, group.issuer.display_order, group.issuer.code
