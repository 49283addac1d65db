from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from bridge import cancel, start
from bridge.gateways import http
from merchants import lookup
from tests.bridge.bell import Bell
from tests.bridge.two_books import TwoBooks
from tests.door import Door
from tests.factories import API_KEY, SIGNING_SECRET, ConnectionFactory, ShopFactory


@pytest.fixture
def door(db, settings):
    """A shop's caller at PGB's door. See Door."""
    settings.PGB_SHOP_CALLS_PER_MINUTE = 1_000_000
    return Door(ShopFactory(joiner_id=1001))


@pytest.fixture
def door_of_world(world):
    """The same at the door of a whole world."""
    return Door(world.shop)


@pytest.fixture
def bell(world):
    """Order 1 has a page at Stripe; nothing that happens there is heard of unless the test rings. See Bell."""
    world.sandbox.faults.add("webhook", "drop", times=None)
    world.start()
    return Bell(world)


@pytest.fixture
def books(world):
    """Yesterday in both books, ours and Stripe's. See TwoBooks."""
    return TwoBooks(world, timezone.localdate() - timedelta(days=1))


@pytest.fixture
def konbini(world):
    """A convenience store in Japan: the buyer takes a number home and pays there, or never does."""
    ShopFactory(
        db_type="JP1", joiner_id=2001, currency="JPY", nations=["JP"], redirect_hosts=["127.0.0.1"],
        completion_url=f"{world.sandbox.url}/shop/complete",
    )  # fmt: skip
    world.sandbox.shop.add_account(
        db_type="JP1", joiner_id=2001, nation="JP", currency="JPY", api_key=API_KEY, signing_secret=SIGNING_SECRET
    )
    ConnectionFactory(
        db_type="JP1", nation="JP", method__code="KONBINI", merchant__currency="JPY", merchant__mid="acct_kr"
    )
    lookup.clear_cache()
    world.start(DBType="JP1", JoinerId=2001, NationCode="JP", PayType="KONBINI", TotalPrice="3300")
    world.pay_unheard(how="later")
    return world


@pytest.fixture(autouse=True)
def _nobody_calls_out_with_a_connection_in_hand(monkeypatch):
    """Every call of every test here, to Stripe and to shops: no transaction is open, no connection is held."""
    exchange, held = http.Door.exchange, []

    def watched(door, method, url, **options):
        if connection.in_atomic_block or connection.connection is not None:
            held.append(f"{method} {url}")
        return exchange(door, method, url, **options)

    monkeypatch.setattr(http.Door, "exchange", watched)
    yield
    assert held == []


@pytest.fixture
def paid(world):
    """Order 1 is paid with 64,900 won and told, and workers are there."""
    world.paid()
    with world.working():
        yield world


@pytest.fixture
def unattended(world, monkeypatch):
    """Order 1 is paid; no worker is there, nobody waits long for one, and no webhook helps."""
    monkeypatch.setattr(cancel, "SECONDS", 0.05)
    world.paid()
    world.sandbox.faults.add("webhook", "drop", times=None)
    return world


@pytest.fixture
def nobody_waits(monkeypatch):
    """The workers are driven by hand here: waiting for them in a PayStart shows nothing."""
    monkeypatch.setattr(start, "PAGE_SECONDS", 0.01)
