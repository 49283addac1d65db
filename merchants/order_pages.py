"""What order pages (주문서) offer: through which connection each would charge, by device and amount."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from merchants import lookup
from merchants.codes import Device
from merchants.lookup import Configuration, MethodNotConnected, NoMerchant
from merchants.models import Merchant, MethodConnection, Shop

DEVICES = (Device.PC, Device.MOBILE)

# Who charges, or why nobody does.
Answer = MethodConnection | type[MethodNotConnected] | type[NoMerchant]


@dataclass(frozen=True)
class OrderPage:
    """The order pages of one joiner in one nation; ``joiner_id`` None: of all joiners that do not stand ``apart``.

    A joiner stands apart that has connections of its own.
    """

    shop: Shop
    joiner_id: int | None
    nation: str
    apart: frozenset[int] = frozenset()

    def __str__(self) -> str:
        return f"{self.shop.db_type}/{'*' if self.joiner_id is None else self.joiner_id}/{self.nation}"


def merchant_of(answer: Answer) -> Merchant | None:
    """Return who charges; None: nobody."""
    return answer.merchant if isinstance(answer, MethodConnection) else None


def order_pages(configuration: Configuration) -> list[OrderPage]:
    """Return every order page that the configuration tells from others, of active shops."""
    of_their_own: dict[str, set[int]] = defaultdict(set)
    for row in all_rows(configuration):
        if row.db_type is not None and row.joiner_id is not None:
            of_their_own[row.db_type].add(row.joiner_id)
    found = []
    for (db_type, joiner_id), shop in configuration.shops.items():
        apart = frozenset[int]()
        if joiner_id is None:
            apart = frozenset(one for one in of_their_own[db_type] if (db_type, one) not in configuration.shops)
        if shop.is_active:
            for nation in shop.nations:
                found.append(OrderPage(shop, joiner_id, nation, apart))
                found += [OrderPage(shop, joiner, nation) for joiner in apart]
    return sorted(found, key=lambda page: (page.shop.db_type, page.joiner_id or 0, page.nation))


def all_rows(configuration: Configuration) -> Iterator[MethodConnection]:
    for rows in configuration.connections.values():
        yield from rows


def rows_for(configuration: Configuration, page: OrderPage, method: str) -> list[MethodConnection]:
    """Return the connections that speak of a page and a method, for any device, amount and time."""
    rows = configuration.connections.get((page.nation, method), [])
    return [row for row in rows if lookup.reaches(row, page.shop, page.joiner_id)]


def answer(
    configuration: Configuration,
    page: OrderPage,
    method: str,
    device: str,
    amount: int,
    at: datetime,
    gateway: str | None = None,
) -> Answer:
    """Return who charges there."""
    try:
        return lookup.find_connection(
            shop=page.shop,
            joiner_id=page.joiner_id,
            nation=page.nation,
            method=method,
            device=device,
            amount=amount,
            at=at,
            gateway=gateway,
            configuration=configuration,
        )
    except MethodNotConnected:
        return MethodNotConnected
    except NoMerchant:
        return NoMerchant


def lowest_amounts(rows: Iterable[MethodConnection]) -> list[int]:
    """Return the amounts at which another row may begin to speak, in order."""
    edges = {0}
    for row in rows:
        edges.add(row.min_amount)
        if row.max_amount is not None:
            edges.add(row.max_amount + 1)
    return sorted(edges)


def same(one: Answer, other: Answer) -> bool:
    """Whether the buyer notices no difference: the same merchant charges, or nobody for the same reason."""
    merchants = merchant_of(one), merchant_of(other)
    return one is other if merchants == (None, None) else merchants[0] == merchants[1]
