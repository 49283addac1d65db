"""Fixtures for every test."""

import pytest
import time_machine
from django.test import Client, TransactionTestCase
from hypothesis import settings as hypothesis_settings

from bridge.sandbox.sandbox import Sandbox
from installments import lookup as notices
from merchants import lookup
from payments import circuits
from tests.clock import T0
from tests.factories import API_KEY, SIGNING_SECRET, STRIPE_CREDENTIALS, ConnectionFactory, ShopFactory
from tests.gateways.stripe_spec import SpecRecorder
from tests.tables import Tables
from tests.world import World

# A busy machine is slow, not wrong.
hypothesis_settings.register_profile("pgb", deadline=None)
hypothesis_settings.load_profile("pgb")


@pytest.fixture(autouse=True)
def _fresh_configuration():
    for cached in (lookup, notices, circuits):
        cached.clear_cache()
    yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """The database; whoever commits to it leaves it as the migrations did: with methods, issuers and roles."""
    with django_db_blocker.unblock():
        tables = Tables()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda test: tables.bring_back())
        yield


@pytest.fixture(scope="session")
def running_sandbox():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox):
    """Stripe and the shop, with empty books. All that goes to and fro must be as Stripe's own spec says."""
    running_sandbox.reset()
    recorder = running_sandbox.recorder = SpecRecorder()
    yield running_sandbox
    running_sandbox.reset()
    running_sandbox.recorder = None
    assert recorder.problems == []


@pytest.fixture
def clock():
    """The application's clock stands still at T0 until it is moved."""
    with time_machine.travel(T0, tick=False) as traveller:
        yield traveller


@pytest.fixture
def world(sandbox, settings, transactional_db, live_server):
    """A shop, a Stripe account, and PGB served at live_server. See World."""
    settings.PGB_STRIPE_BASE_URL = sandbox.url
    settings.PGB_PUBLIC_URL = live_server.url
    settings.PGB_SHOP_CALLS_PER_MINUTE = 1_000_000
    shop = ShopFactory(
        joiner_id=1001, completion_url=f"{sandbox.url}/shop/complete", redirect_hosts=["127.0.0.1", "shop.example"]
    )
    merchant = ConnectionFactory(merchant__code="stripe-kr", merchant__mid="acct_kr").merchant
    sandbox.stripe.accounts.clear()
    sandbox.shop.accounts.clear()
    sandbox.stripe.add_account(
        mid=merchant.mid,
        secret_key=STRIPE_CREDENTIALS["secret_key"],
        webhook_secret=STRIPE_CREDENTIALS["webhook_secret"],
        webhook_url=f"{live_server.url}/PGBReturn/Webhook/stripe/{merchant.webhook_token}",
    )
    sandbox.shop.add_account(
        db_type="KR1", joiner_id=1001, nation="KR", currency="KRW", api_key=API_KEY, signing_secret=SIGNING_SECRET
    )
    return World(sandbox, shop, merchant, Client(raise_request_exception=True))
