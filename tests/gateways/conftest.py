"""Fixtures for the tests of what PGB sends to gateways."""

from contextlib import ExitStack

import pytest

from bridge.gateways.http import Door
from tests.gateways.raw_peer import raw_peer


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
