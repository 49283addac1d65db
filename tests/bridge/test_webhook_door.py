"""The door for gateways' notices: what is not a gateway's own is turned away, never stored, never an error of ours."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from merchants.codes import GatewayCode
from payments.models import Notification
from tests.factories import MerchantFactory

PORTONE = {"imp_code": "imp1", "rest_key": "k", "rest_secret": "s", "channel_key": "c"}


@pytest.fixture
def address(door):
    return f"/PGBReturn/Webhook/stripe/{MerchantFactory().webhook_token}"


def refused(door, address, body=b"{}", **headers):
    response = door.client.post(address, body, content_type="application/json", headers=headers)
    assert not Notification.objects.exists()
    return response.status_code


def test_an_address_that_nobody_has_is_404(door, address):
    token = address.rpartition("/")[2]
    for wrong in (
        "stripe/nobody",
        f"inicis/{token}",
        f"nothing/{token}",
        f"stripe/{token[:-1]}",
        f"스트라이프/{token}",
    ):
        assert refused(door, f"/PGBReturn/Webhook/{wrong}") == 404


@pytest.fixture
def unspoken(door):
    """The token of a merchant at a gateway that PGB cannot speak to yet."""
    return MerchantFactory(gateway=GatewayCode.PORTONE_V1, credentials=PORTONE).webhook_token


def test_the_address_of_a_gateway_that_pgb_cannot_speak_to_is_404(door, unspoken):
    assert refused(door, f"/PGBReturn/Webhook/portone_v1/{unspoken}") == 404


def test_a_merchants_address_is_its_own_gateways_only(door, unspoken):
    assert refused(door, f"/PGBReturn/Webhook/stripe/{unspoken}") == 404


def test_without_a_merchant_the_shared_address_refuses(door):
    for path in ("/PGBReturn/Webhook", "/PGBReturn/WebHook/"):
        assert refused(door, path) == 400


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 2 * 1024 * 1024])
def test_a_notice_over_1_mb_is_413(door, address, size):
    assert refused(door, address, b"x" * size) == 413


def test_a_notice_of_1_mb_is_read(door, address):
    assert refused(door, address, b"x" * 1024 * 1024) == 400


def test_a_notice_that_breaks_off_is_400(door, address):
    assert refused(door, address, b"{}", **{"Content-Length": "100"}) == 400


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_other_methods_are_405(door, address, method):
    assert getattr(door.client, method)(address).status_code == 405


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=200) | st.text(max_size=100).map(str.encode),
    signature=st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=60)
    | st.builds("t={},v1={}".format, st.integers() | st.text(max_size=5), st.text("0123456789abcdefé", max_size=64)),
)
def test_no_garbage_makes_it_fail(door, address, body, signature):
    assert refused(door, address, body, **{"Stripe-Signature": signature}) == 400
