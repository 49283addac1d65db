"""What a change of the configuration does to order pages, and which payments under way it leaves as they are."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from merchants import lookup
from merchants.codes import Device
from merchants.lookup import Configuration
from merchants.models import Merchant, MethodConnection
from merchants.order_pages import (
    DEVICES,
    Answer,
    OrderPage,
    all_rows,
    answer,
    lowest_amounts,
    merchant_of,
    order_pages,
    rows_for,
    same,
)


@dataclass(frozen=True)
class Change:
    """From ``low`` to ``high`` (minor units, both included; None: no end) somebody else charges, or nobody.

    ``since``: the future moment it begins; None: at once. ``gateway``: only for calls that name this one (PGType).
    """

    page: OrderPage
    method: str
    device: str
    low: int
    high: int | None
    before: Answer
    after: Answer
    since: datetime | None = None
    gateway: str | None = None

    @property
    def loses(self) -> bool:
        """Whether this can be paid now and cannot afterwards."""
        return merchant_of(self.before) is not None and merchant_of(self.after) is None


def consequences(
    changed: list[MethodConnection], before: Configuration, after: Configuration, now: datetime
) -> tuple[list[Change], list[Change]]:
    """Return what order pages show differently, and what besides differs for calls that name a gateway (PGType)."""
    shown: list[Change] = []
    named: list[Change] = []
    for page in order_pages(before):
        mine = [row for row in changed if row.nation == page.nation and lookup.reaches(row, page.shop, page.joiner_id)]
        for method in sorted({row.method_id for row in mine}):
            rows = [row for row in mine if row.method_id == method]
            narrow = _narrowed(before, page, method), _narrowed(after, page, method)
            here = list(_over_time(page, method, rows, *narrow, now, None))
            shown += here
            known = {_without_gateway(one) for one in here}
            for gateway in sorted({row.merchant.gateway for row in rows}):
                found = _over_time(page, method, rows, *narrow, now, gateway)
                named += [one for one in found if _without_gateway(one) not in known]
    return shown, named


def without_row(row: MethodConnection, configuration: Configuration) -> Configuration:
    """Return the configuration as it is once the row is deleted."""
    kept = {key: [one for one in rows if one.pk != row.pk] for key, rows in configuration.connections.items()}
    return replace(configuration, connections=kept)


def _narrowed(configuration: Configuration, page: OrderPage, method: str) -> Configuration:
    """Keep the rows that matter, so that each question is short however many connections there are."""
    return replace(configuration, connections={(page.nation, method): rows_for(configuration, page, method)})


def _without_gateway(change: Change) -> tuple[object, ...]:
    merchants = merchant_of(change.before), merchant_of(change.after)
    return (change.device, change.low, change.high, change.since, *merchants)


def _over_time(
    page: OrderPage,
    method: str,
    rows: list[MethodConnection],
    before: Configuration,
    after: Configuration,
    now: datetime,
    gateway: str | None,
) -> Iterator[Change]:
    """Yield the changes at once, then those that begin with the period of a changed row."""
    at_once = list(_changes(page, method, before, after, now, gateway))
    yield from at_once
    for moment in sorted({row.starts_at for row in rows if row.starts_at and row.starts_at > now}):
        for one in _changes(page, method, before, after, moment, gateway):
            if one not in at_once:
                yield replace(one, since=moment)


def _changes(
    page: OrderPage, method: str, before: Configuration, after: Configuration, at: datetime, gateway: str | None
) -> list[Change]:
    lows = lowest_amounts([*all_rows(before), *all_rows(after)])
    by_device = []
    for device in DEVICES:
        asked = [
            (low, *(answer(one, page, method, device, low, at, gateway) for one in (before, after))) for low in lows
        ]
        by_device.append([band for band in _bands(asked) if not same(band[2], band[3])])
    pc, mobile = by_device
    both = [(Device.ANY, pc)] if pc == mobile else [(Device.PC, pc), (Device.MOBILE, mobile)]
    return [Change(page, method, device, *band, gateway=gateway) for device, bands in both for band in bands]


def _bands(asked: list[tuple[int, Answer, Answer]]) -> Iterator[tuple[int, int | None, Answer, Answer]]:
    """Join neighbours with the same answers."""
    kept: list[tuple[int, Answer, Answer]] = []
    for low, was, will in asked:
        if not kept or not (same(kept[-1][1], was) and same(kept[-1][2], will)):
            kept.append((low, was, will))
    highs: list[int | None] = [low - 1 for low, _was, _will in kept[1:]]
    for (low, was, will), high in zip(kept, [*highs, None], strict=True):
        yield low, high, was, will


def live_sessions(changes: Iterable[Change]) -> int:
    """Return how many payments under way would go elsewhere if they began now: they keep their merchant."""
    elsewhere: dict[int, list[Change]] = defaultdict(list)
    merchants: dict[int, Merchant] = {}
    for change in changes:
        merchant = merchant_of(change.before)
        if merchant and change.since is None:
            merchants[merchant.pk] = merchant
            elsewhere[merchant.pk].append(change)
    return sum(_live(merchants[pk].live_sessions(), found) for pk, found in elsewhere.items())


def _live(sessions: QuerySet[Any], changes: list[Change]) -> int:
    by_place = defaultdict(list)
    for change in changes:
        by_place[change.page.shop.pk, change.page.nation, change.method].append(change)
    rows = sessions.filter(method__in={change.method for change in changes})
    groups = rows.values_list("order__shop", "nation", "method", "order__joiner_id", "device", "amount")
    return sum(
        count
        for *place, joiner_id, device, amount, count in groups.annotate(Count("pk"))
        if any(_concerns(change, joiner_id, device, amount) for change in by_place[tuple(place)])
    )


def _concerns(change: Change, joiner_id: int, device: str, amount: int) -> bool:
    page = change.page
    here = joiner_id not in page.apart if page.joiner_id is None else joiner_id == page.joiner_id
    high = amount if change.high is None else change.high
    return here and change.device in (Device.ANY, device) and change.low <= amount <= high
