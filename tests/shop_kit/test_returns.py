"""The buyer's return: both kits read what the real PGB signed, and nothing else."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from bridge import returns
from tests.factories import SIGNING_SECRET
from tests.shop_kit.kit import OTHER_SECRET, start


@pytest.fixture
def returned(shop, world, live_server, monkeypatch):
    """The parameters with which the buyer's browser comes to the shop."""
    monkeypatch.setattr(returns, "RETURN_SECONDS", 0.1)
    start(shop, ClaimId=3, RedirectUrl="https://shop.example/thanks?lang=%ED%95%9C")
    token = world.session(7).return_token
    answer = requests.get(f"{live_server.url}/PGBReturn/Return/{token}", allow_redirects=False, timeout=10)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def test_the_hint_says_what_pgb_signed(shop, world, returned):
    hint = shop.ask("hint", secrets=SIGNING_SECRET, **returned)
    assert abs(hint.pop("timestamp") - time.time()) < 60
    reference = world.session(7).reference
    assert hint == {"signed": True, "payment_id": reference, "order_id": 7, "claim_id": 3, "stage": "STANDBY"}


def test_the_old_secret_still_fits_while_it_is_replaced(shop, returned):
    assert shop.ask("hint", secrets=f"{OTHER_SECRET} {SIGNING_SECRET}", **returned)["signed"] is True


@pytest.mark.parametrize("name", ["PaymentId", "OrderId", "ClaimId", "Stage", "Timestamp", "Signature"])
def test_what_was_changed_on_the_way_is_no_hint(shop, returned, name):
    for value in ("PAID", "", "8"):
        assert shop.ask("hint", secrets=SIGNING_SECRET, **{**returned, name: value}) == {"signed": False}


def test_what_another_secret_signed_is_no_hint(shop, returned):
    assert shop.ask("hint", secrets=OTHER_SECRET, **returned) == {"signed": False}


def test_an_address_that_somebody_typed_is_no_hint(shop):
    assert shop.ask("hint", secrets=SIGNING_SECRET, Stage="PAID", OrderId="7") == {"signed": False}
