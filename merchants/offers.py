"""What an order page may offer: the two flags of a method, and the connections that would charge."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from merchants import lookup
from merchants.models import MethodConnection, Shop
from merchants.order_pages import lowest_amounts


@dataclass(frozen=True)
class Shopper:
    """Who looks at an order page, and for what.

    ``amount`` in minor units; None: whatever the amount. ``gateway`` None: any.
    """

    shop: Shop
    joiner_id: int
    nation: str
    device: str
    at: datetime
    amount: int | None = None
    gateway: str | None = None


def flags_for(shopper: Shopper, method: str) -> tuple[bool, bool]:
    """Return (연결여부, 사용여부): both true if one of the rows that decide has both; both false without a row."""
    rows = _rows(shopper, method)
    decided = {
        (row.connected, row.in_use)
        for amount in _amounts(shopper, method)
        for row in lookup.deciding(rows, shopper.device, amount, shopper.at, shopper.gateway)
    }
    return max(decided, default=(False, False))


def charging(shopper: Shopper, method: str) -> list[MethodConnection]:
    """Return the connections through which some amount would be charged, the smallest amounts first."""
    found: dict[int, MethodConnection] = {}
    for amount in _amounts(shopper, method):
        with suppress(lookup.MethodNotConnected, lookup.NoMerchant):
            row = lookup.find_connection(**{**vars(shopper), "amount": amount}, method=method)
            found[row.pk] = row
    return list(found.values())


def merchant_for(shopper: Shopper, method: str) -> MethodConnection:
    """Return the connection that charges. Raises MethodNotConnected or NoMerchant, as a PayStart would be refused."""
    if shopper.amount is None and (found := charging(shopper, method)):
        return found[0]
    return lookup.find_connection(**{**vars(shopper), "amount": shopper.amount or 0}, method=method)


def offers(shopper: Shopper, methods: list[str] | None) -> list[MethodConnection]:
    """Return every connection that would charge, of ``methods`` (None: all), in the order of display."""
    wanted = lookup.methods_of(shopper.nation) if methods is None else dict.fromkeys(methods)
    rows = [row for method in wanted for row in charging(shopper, method)]
    return sorted(rows, key=lambda row: (row.display_order or row.method.display_order, row.method_id, row.min_amount))


def _rows(shopper: Shopper, method: str) -> list[MethodConnection]:
    return lookup.rows_for(shopper.shop, shopper.joiner_id, shopper.nation, method)


def _amounts(shopper: Shopper, method: str) -> list[int]:
    """Return the amount that is asked about, else one of each range in which other rows may decide."""
    return lowest_amounts(_rows(shopper, method)) if shopper.amount is None else [shopper.amount]
