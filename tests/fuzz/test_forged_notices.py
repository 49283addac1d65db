"""10,000 forged webhooks: none is taken, none is stored, none is an error of ours."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from payments.models import Notification
from tests.factories import STRIPE_CREDENTIALS, MerchantFactory
from tests.fuzz.effort import FACTOR, effort
from tests.fuzz.notices import BODIES, FORGERIES, Endpoint, is_true, signed


def endpoint(**credentials):
    merchant = MerchantFactory(credentials=STRIPE_CREDENTIALS | credentials)
    return Endpoint(merchant.webhook_token, merchant.credentials["webhook_secret"])


@pytest.fixture
def mine(door):
    """The merchant whose messages are forged."""
    return endpoint()


@pytest.fixture
def other(door):
    """Another one at the same gateway."""
    return endpoint(webhook_secret="whsec_another_0123456789abcdef")


def send(door, message):
    return door.client.generic(
        message.method,
        message.path,
        message.body,
        content_type="application/json; charset=utf-8",
        headers={"Stripe-Signature": message.signature},
    )


@pytest.mark.parametrize("body", BODIES)
def test_the_messages_are_true_before_they_are_forged(door, mine, body):
    message = signed(mine, body)
    assert is_true(message, mine)
    assert send(door, message).status_code == 200
    assert Notification.objects.count() == 1


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.__name__)
def test_no_forged_notice_is_taken(door, mine, other, tried, quiet, forgery):
    @effort(FORGERIES[forgery])
    @given(st.deferred(lambda: forgery(mine, other)))
    def none_of_these(message):
        assume(message.path != mine.path or message.method != "POST" or not is_true(message, mine))
        status = send(door, message).status_code
        tried[(status,)] += 1
        assert 400 <= status < 500
        assert Notification.objects.all().delete() == (0, {})  # what one example stored is not the next one's fault

    none_of_these()
    assert sum(tried.values()) >= FORGERIES[forgery] * FACTOR


def test_they_are_10_000():
    assert sum(FORGERIES.values()) == 10_000
