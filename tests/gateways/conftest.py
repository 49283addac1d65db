"""Fixtures for the tests of what PGB sends to gateways."""

from contextlib import ExitStack

import pytest

from bridge.gateways.http import Door
from tests.gateways.raw_peer import raw_peer
from tests.gateways.stripe_peer import CREDENTIALS, StripePeer, adapter


@pytest.fixture
def door():
    door = Door()
    yield door
    door._session.close()


@pytest.fixture
def peers():
    """Start a raw peer by its script; see raw_peer."""
    with ExitStack() as stack:
        yield lambda *args: stack.enter_context(raw_peer(*args))


@pytest.fixture
def stripe_peer(sandbox, settings):
    """An account at the sandbox's Stripe that is told of no event."""
    settings.PGB_STRIPE_BASE_URL = sandbox.url
    sandbox.stripe.accounts.clear()
    sandbox.stripe.add_account(
        mid="acct_1",
        secret_key=CREDENTIALS["secret_key"],
        webhook_secret=CREDENTIALS["webhook_secret"],
        webhook_url=f"{sandbox.url}/",
        subscribed=(),
    )
    return StripePeer(adapter(), sandbox, settings)
