"""Cancels whose outcome nobody knows: looked up, sent again as the same call, given up, and made once."""

from datetime import timedelta

import pytest

from bridge import watch
from payments.models import Attention, CallKind, GatewayCall
from tests.bridge.cancelling import cancels, outcome, told
from tests.bridge.dying import WHEN, dies

MINUTE = timedelta(minutes=1)

IN_DOUBT = {
    "dropped before it was read": ("drop", {}),
    "503 before": ("error_before", {"status": 503}),
    "409": ("conflict", {}),
    "answer lost": ("answer_lost", {}),
    "answer cut": ("answer_cut", {}),
    "500 after": ("error_after", {"status": 500}),
    "502 after": ("error_after", {"status": 502}),
    "html": ("garbage", {"body": "html"}),
    "an array": ("garbage", {"body": "array"}),
}


@pytest.mark.parametrize("name", IN_DOUBT)
def test_a_cancel_in_doubt_is_looked_up_or_sent_again_as_the_same_call(unattended, clock, name):
    fault, params = IN_DOUBT[name]
    unattended.sandbox.faults.add("cancel", fault, **params)
    unattended.partial(4900)
    unattended.work()
    assert cancels() == [(4900, "UNKNOWN")]
    assert outcome(unattended.partial(4900)) == ("OUTCOME_UNKNOWN", "PAID", "60000", "4900")
    clock.move_to(GatewayCall.objects.get(kind=CallKind.CANCEL).due_at)
    unattended.work()
    assert (cancels(), unattended.refunds()) == ([(4900, "DONE")], [4900])
    assert told(unattended) == ["PayComplete", "CancelComplete"]


@pytest.mark.parametrize("when", WHEN)
def test_a_cancel_whose_worker_died_is_looked_up_and_made_once(unattended, clock, when):
    unattended.partial(4900)
    with dies(when):
        unattended.work()
    clock.shift(MINUTE)
    unattended.work()
    assert (cancels(), unattended.refunds()) == ([(4900, "DONE")], [4900])


def test_a_cancel_that_is_refused_when_it_is_sent_again_is_refused(unattended, clock):
    unattended.sandbox.faults.add("cancel", "error_before", status=503)
    unattended.partial(4900)
    unattended.work()
    unattended.sandbox.stripe.dispute(unattended.session().gateway_id, silent=True)
    clock.move_to(GatewayCall.objects.get(kind=CallKind.CANCEL).due_at)
    unattended.work()
    assert (cancels(), unattended.refunds()) == ([(4900, "REFUSED")], [])


def test_a_refund_that_the_gateway_never_ends_is_shown_when_nobody_asks_about_it_any_more(unattended, clock):
    unattended.sandbox.faults.add("cancel", "refund_status", status="pending")
    unattended.partial(4900)
    unattended.work()
    for days, shown in ((59, False), (1, True)):
        clock.shift(timedelta(days=days, minutes=10))
        assert unattended.look().attention is shown
    assert (cancels(), unattended.session().due_at) == ([(4900, "PENDING")], None)
    watch.once()
    assert Attention.objects.get().kind == "PAYMENT"


def test_a_cancel_that_cannot_be_sent_is_given_up_when_the_shop_waits_no_more(unattended, clock, settings):
    url, settings.PGB_STRIPE_BASE_URL = settings.PGB_STRIPE_BASE_URL, "http://127.0.0.1:1"
    unattended.partial(4900)
    unattended.work()
    assert cancels() == [(4900, "REQUESTED")]
    clock.shift(timedelta(seconds=16))
    unattended.work()
    assert cancels() == [(4900, "REFUSED")]
    settings.PGB_STRIPE_BASE_URL = url
    clock.shift(timedelta(hours=1))
    assert told(unattended) == ["PayComplete", "CancelFailed"]
    assert unattended.refunds() == []


def test_an_error_that_the_gateway_keeps_under_the_key_lasts_as_long_as_the_key(unattended, clock):
    """It may make the refund yet: under another key it could be made twice."""
    unattended.sandbox.faults.add("cancel", "error_before", status=500)
    unattended.partial(4900)
    unattended.work()
    for wait in (MINUTE, 60 * MINUTE, 20 * 60 * MINUTE):
        clock.shift(wait)
        unattended.work()
        assert (cancels(), unattended.refunds()) == ([(4900, "UNKNOWN")], [])
    for wait in (4 * 60 * MINUTE, 5 * MINUTE, 5 * MINUTE):
        clock.shift(wait)
        unattended.work()
    assert (cancels(), unattended.refunds()) == ([(4900, "DONE")], [4900])
    keys = [one.key for one in unattended.sandbox.stripe.books.calls if one.operation == "cancel"]
    assert keys == [GatewayCall.objects.get(kind=CallKind.CANCEL).idempotency_key] * 5
