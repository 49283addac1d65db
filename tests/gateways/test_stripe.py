"""Stripe keeps the contract."""

import pytest

from bridge.gateways.base import KeyOwner
from tests.gateways.contract import Contract
from tests.gateways.raw_peer import answer_all
from tests.gateways.stripe_peer import adapter


class TestStripe(Contract):
    @pytest.fixture
    def peer(self, stripe_peer):
        return stripe_peer


@pytest.mark.parametrize(
    ("key", "livemode"),
    [("sk_test_a", False), ("rk_test_a", False), ("sk_live_a", True), ("rk_live_a", True), ("sk_org_a", None)],
)
def test_key_tells_its_mode(peers, settings, key, livemode):
    body = b'{"id": "acct_1", "object": "account"}'
    settings.PGB_STRIPE_BASE_URL = peers(answer_all(b"HTTP/1.1 200 OK\r\nContent-Length: 37\r\n\r\n" + body)).url
    assert adapter(secret_key=key).check() == KeyOwner(mid="acct_1", livemode=livemode)
