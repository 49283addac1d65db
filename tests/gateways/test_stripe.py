"""Stripe keeps the contract."""

import pytest

from tests.gateways.contract import Contract


class TestStripe(Contract):
    @pytest.fixture
    def peer(self, stripe_peer):
        return stripe_peer
