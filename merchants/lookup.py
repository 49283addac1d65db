"""Who is calling, and which merchant charges: answered from a copy of the configuration at most 5 s old.

The copy is shared by all threads of a process: nobody may change its rows. Their secrets are encrypted in it.
Who asks what would hold, or what holds at this very moment, reads a Configuration of their own.
"""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from merchants.codes import Device, ReviewState
from merchants.keys import hash_api_key
from merchants.models import IssuerReview, Merchant, MethodConnection, PaymentMethod, Shop

LIFETIME_SECONDS = 5.0
CARD = "CARD"


class MethodNotConnected(Exception):
    """The method is not connected and in use for this shop (결제수단 미연결)."""


class NoMerchant(Exception):
    """The method is connected, but no merchant may charge this payment."""


@dataclass(frozen=True)
class Configuration:
    """Every row that decides, as of ``read_at`` (seconds of the monotonic clock).

    Read by two statements: an order page waits for them.
    """

    read_at: float
    shops: dict[tuple[str, int | None], Shop] = field(default_factory=dict)
    shops_by_key: dict[str, list[Shop]] = field(default_factory=lambda: defaultdict(list))
    shops_by_public_key: dict[str, Shop] = field(default_factory=dict)
    sub_methods: set[str] = field(default_factory=set)
    # by connected merchant: the card issuers that passed it
    passed: dict[int, list[str]] = field(default_factory=dict)
    # by nation and method
    connections: dict[tuple[str, str], list[MethodConnection]] = field(default_factory=lambda: defaultdict(list))

    @cached_property
    def merchants(self) -> list[Merchant]:
        """Every merchant; only what comes in from gateways asks for them."""
        return list(Merchant.objects.order_by("pk"))

    @cached_property
    def merchants_by_token(self) -> dict[str, Merchant]:
        """Every merchant by the unguessable part of its webhook address."""
        return {merchant.webhook_token: merchant for merchant in self.merchants}


_lock = threading.Lock()
_copy: Configuration | None = None


def clear_cache() -> None:
    """Let the next question read the database."""
    global _copy
    with _lock:
        _copy = None


def _configuration() -> Configuration:
    global _copy
    copy = _copy
    if copy and time.monotonic() - copy.read_at < LIFETIME_SECONDS:
        return copy
    with _lock:
        if _copy is None or time.monotonic() - _copy.read_at >= LIFETIME_SECONDS:
            _copy = read()
        return _copy


def read() -> Configuration:
    """Read the rows as the present transaction sees them."""
    found = Configuration(time.monotonic())  # taken before reading: the copy is never older than it says
    sub_methods = ArraySubquery(PaymentMethod.objects.filter(is_main=False).values("code"))
    for shop in Shop.objects.all().annotate(sub_methods=sub_methods):
        found.sub_methods.update(shop.sub_methods)
        found.shops[shop.db_type, shop.joiner_id] = shop
        found.shops_by_public_key[shop.publishable_key] = shop
        for key_hash in {shop.api_key_hash, shop.api_key_old_hash}:
            found.shops_by_key[key_hash].append(shop)
    rows = MethodConnection.objects.select_related("method", "merchant").order_by("pk")
    for connection in rows.annotate(passed=ArraySubquery(_passed(OuterRef("merchant")))):
        found.passed[connection.merchant_id] = connection.passed
        found.connections[connection.nation, connection.method_id].append(connection)
    return found


def _passed(merchant: OuterRef | int) -> QuerySet[IssuerReview, str]:
    reviews = IssuerReview.objects.filter(merchant=merchant, state=ReviewState.PASSED)
    return reviews.order_by("issuer__display_order", "issuer").values_list("issuer", flat=True)


def find_shop(db_type: str, joiner_id: int) -> Shop | None:
    """Return the shop of this joiner, else the one for every joiner of the DBType; None if it is not active.

    A joiner's own row that is switched off switches this joiner off.
    """
    shops = _configuration().shops
    shop = shops.get((db_type, joiner_id)) or shops.get((db_type, None))
    return shop if shop and shop.is_active else None


def shops_by_api_key(key: str) -> list[Shop]:
    """Return the active shops that this key opens, be it their present or their old one."""
    return [shop for shop in _configuration().shops_by_key.get(hash_api_key(key), []) if shop.is_active]


def shop_by_publishable_key(key: str) -> Shop | None:
    """Return the active shop of this key, which anybody may read in its pages."""
    shop = _configuration().shops_by_public_key.get(key)
    return shop if shop and shop.is_active else None


def active_shops() -> list[Shop]:
    """Return every active shop."""
    return [shop for shop in _configuration().shops.values() if shop.is_active]


def merchant_by_token(token: str) -> Merchant | None:
    """Return the merchant of a webhook address, active or not: what was begun with it is still told there."""
    return _configuration().merchants_by_token.get(token)


def merchants_of(gateway: str) -> list[Merchant]:
    """Return every merchant of a gateway, active or not: their shared webhook address hears of old payments too."""
    return [m for m in _configuration().merchants if m.gateway == gateway]


def find_connection(
    *,
    shop: Shop,
    joiner_id: int | None,
    nation: str,
    method: str,
    device: str,
    amount: int,
    at: datetime,
    gateway: str | None = None,
    configuration: Configuration | None = None,
) -> MethodConnection:
    """Return the connection that charges ``amount`` (minor units of the shop's currency) at the time ``at``.

    Of the rows that speak of this payment (shop, nation, method, device, amount, period, and the gateway
    where the caller names one) the most specific decide: a joiner's before a DBType's before a nation's,
    then those for this very device. If they are switched off, the method is off: a less specific row does
    not stand in. Among those that are on, the lowest priority number wins.

    ``joiner_id`` None: any joiner without rows of its own. ``configuration``: the one to ask, else the shared copy.
    Raises MethodNotConnected or NoMerchant.
    """
    configuration = configuration or _configuration()
    rows = configuration.connections.get((nation, method), [])
    rows = [row for row in rows if reaches(row, shop, joiner_id)]
    if not any(row.is_on for row in rows):
        raise MethodNotConnected
    most_specific = deciding(rows, device, amount, at, gateway)
    if not most_specific:
        raise NoMerchant
    switched_on = [row for row in most_specific if row.is_on]
    if not switched_on:
        raise MethodNotConnected
    charging = [row for row in switched_on if can_charge(row, shop, at, configuration)]
    if not charging:
        raise NoMerchant
    return min(charging, key=lambda row: row.priority)


def rows_for(shop: Shop, joiner_id: int, nation: str, method: str) -> list[MethodConnection]:
    """Return the connections that speak of this shop and joiner, on or off."""
    return [row for row in _configuration().connections.get((nation, method), []) if reaches(row, shop, joiner_id)]


def methods_of(nation: str) -> list[str]:
    """Return the codes of the methods of which some connection of the nation speaks."""
    return [method for of_nation, method in _configuration().connections if of_nation == nation]


def is_sub_method(method: str) -> bool:
    """Whether this is a sub method (부결제수단): value that the shop keeps, never sent to a gateway."""
    return method in _configuration().sub_methods


def deciding(
    rows: list[MethodConnection], device: str, amount: int, at: datetime, gateway: str | None
) -> list[MethodConnection]:
    """Return the most specific of the rows that speak of a payment, on or off; see find_connection."""
    speaking = [row for row in rows if _speaks(row, device, amount, at, gateway)]
    most = max(map(_how_specific, speaking), default=None)
    return [row for row in speaking if _how_specific(row) == most]


def reaches(row: MethodConnection, shop: Shop, joiner_id: int | None) -> bool:
    """Whether a row speaks of this shop and joiner at all."""
    return row.db_type in (None, shop.db_type) and row.joiner_id in (None, joiner_id) and row.method.is_main


def _speaks(row: MethodConnection, device: str, amount: int, at: datetime, gateway: str | None) -> bool:
    return (
        row.device in (Device.ANY, device)
        and row.min_amount <= amount
        and (row.max_amount is None or amount <= row.max_amount)
        and (row.starts_at is None or row.starts_at <= at)
        and (row.ends_at is None or at < row.ends_at)
        and gateway in (None, row.merchant.gateway)
    )


def _how_specific(row: MethodConnection) -> tuple[bool, bool, bool]:
    return (row.joiner_id is not None, row.db_type is not None, row.device != Device.ANY)


def can_charge(row: MethodConnection, shop: Shop, at: datetime, configuration: Configuration) -> bool:
    """Whether the row's merchant may charge this shop's orders by the row's method at the time ``at``."""
    merchant = row.merchant
    return (
        merchant.is_open(at)
        and merchant.currency == shop.currency
        and merchant.gateway in settings.PGB_GATEWAYS
        and (row.method_id != CARD or _issuers_of(merchant, configuration) != [])
    )


def issuers_of(merchant: Merchant) -> list[str] | None:
    """Return the codes of the card issuers that this merchant may charge, in display order; None: all of them."""
    return _issuers_of(merchant, _configuration())


def _issuers_of(merchant: Merchant, configuration: Configuration) -> list[str] | None:
    if not merchant.needs_issuer_reviews:
        return None
    known = configuration.passed.get(merchant.pk)
    return list(_passed(merchant.pk)) if known is None else known  # nothing is connected to it yet
