"""Closing a page at the gateway: every way that call can go ends with the truth, told once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bridge import doubt, drains, recover
from bridge import start as start_module
from merchants import lookup
from merchants.models import PaymentMethod
from payments.models import CallKind, CallState, GatewayCall
from payments.queues import TABLES, Queue, claim
from tests.bridge.dying import WHEN, dies
from tests.clock import T0
from tests.world import code

pytestmark = pytest.mark.usefixtures("clock")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PAGE_OF_A_PAID_ONE = {"status": "open", "payment_status": "unpaid", "payment_intent": None}


@pytest.fixture
def at_its_end(world, clock):
    """A payment at the end of its ten minutes: its closing is written and not sent yet. No webhooks help."""
    PaymentMethod.objects.filter(code="CARD").update(lifetime_minutes=10)
    lookup.clear_cache()
    world.sandbox.faults.add("webhook", "drop", times=None)
    world.start()
    clock.move_to(T0 + 10 * MINUTE)
    drains.drain(Queue.LOOKS)
    assert closing().state == CallState.READY
    yield world
    PaymentMethod.objects.filter(code="CARD").update(lifetime_minutes=40)


def closing():
    return GatewayCall.objects.get(kind=CallKind.EXPIRE)


def sent(world):
    return [call.key for call in world.sandbox.stripe.books.calls if call.operation == "expire"]


def ladder(world, clock, steps):
    for _ in range(steps):
        if (due := closing().due_at) is not None:
            clock.move_to(max(due, timezone.now()))
            world.work()


IN_DOUBT = {
    "dropped before it was read": ("drop", {}, False),
    "503 before": ("error_before", {"status": 503}, False),
    "409": ("conflict", {}, False),
    "answer lost": ("answer_lost", {}, True),
    "answer cut": ("answer_cut", {}, True),
    "500 after": ("error_after", {"status": 500}, True),
    "502 after": ("error_after", {"status": 502}, True),
    "html": ("garbage", {"body": "html"}, True),
    "an array": ("garbage", {"body": "array"}, True),
}


@pytest.mark.parametrize("name", IN_DOUBT)
def test_a_closing_in_doubt_is_looked_up_or_sent_again_as_the_same_call(at_its_end, clock, name):
    fault, params, closed_at_once = IN_DOUBT[name]
    at_its_end.sandbox.faults.add("expire", fault, **params)
    at_its_end.work()
    assert (closing().state, at_its_end.stages()) == (CallState.UNKNOWN, ["STANDBY"])
    ladder(at_its_end, clock, 1)
    assert (at_its_end.pages(), at_its_end.stages()) == (["expired"], ["EXPIRED LIFETIME"])
    assert (closing().state, at_its_end.told()) == (CallState.DONE, ["PayExpired"])
    assert (len(sent(at_its_end)), len(set(sent(at_its_end)))) == (1 if closed_at_once else 2, 1)


def test_a_closing_that_only_brings_500_ends_when_the_gateway_ends_the_page(at_its_end, clock):
    at_its_end.sandbox.faults.add("expire", "error_before", status=500)
    at_its_end.work()
    ladder(at_its_end, clock, 5)
    assert (closing().state, at_its_end.stages()) == (CallState.UNKNOWN, ["STANDBY"])
    assert len(set(sent(at_its_end))) == 1
    clock.move_to(T0 + 31 * MINUTE)
    ladder(at_its_end, clock, 1)
    assert (closing().state, at_its_end.stages()) == (CallState.DONE, ["EXPIRED LIFETIME"])
    assert at_its_end.told() == ["PayExpired"]


def test_a_closing_that_cannot_be_sent_stays_on_its_ladder(at_its_end, clock, settings):
    settings.PGB_STRIPE_BASE_URL = "http://127.0.0.1:1"
    for step in (5, 30, 120):
        drains.drain(Queue.CALLS)
        wait = (closing().due_at - timezone.now()).total_seconds()
        assert (closing().state, step <= wait <= 1.1 * step) == (CallState.READY, True)
        clock.move_to(closing().due_at)
    settings.PGB_STRIPE_BASE_URL = at_its_end.sandbox.url
    at_its_end.work()
    assert (closing().state, at_its_end.told()) == (CallState.DONE, ["PayExpired"])


def test_closings_that_the_gateway_would_not_take_are_tried_within_a_minute(at_its_end, clock):
    """It answers questions all the time: no first answer after a silence makes them due."""
    busy = at_its_end.sandbox.faults.add("expire", "throttle", times=None)
    for _ in range(6):
        at_its_end.work()
        at_its_end.look()
        assert closing().due_at - timezone.now() < MINUTE
        clock.move_to(closing().due_at)
    at_its_end.sandbox.faults.clear(busy.id)
    at_its_end.work()
    assert closing().state == CallState.DONE


def test_the_first_closing_that_is_taken_makes_the_others_due(at_its_end, clock, monkeypatch):
    monkeypatch.setattr(doubt, "MOST_PROBES", 1)
    at_its_end.start(2)
    clock.shift(10 * MINUTE)
    drains.drain(Queue.LOOKS)
    busy = at_its_end.sandbox.faults.add("expire", "throttle", times=None)
    closings = GatewayCall.objects.filter(kind=CallKind.EXPIRE).order_by("due_at")
    for _ in range(9):
        at_its_end.work()
        at_its_end.look()
        clock.move_to(max(closings[0].due_at, timezone.now()))
    assert closings[1].due_at - timezone.now() > MINUTE
    at_its_end.sandbox.faults.clear(busy.id)
    at_its_end.work()
    assert [call.state for call in closings] == [CallState.DONE] * 2


def test_a_payment_found_when_its_page_should_be_closed_is_a_payment(at_its_end):
    at_its_end.pay_unheard()
    at_its_end.work()
    assert (closing().state, at_its_end.stages()) == (CallState.REFUSED, ["PAID"])
    assert at_its_end.told() == ["PayComplete"]


def test_a_payment_made_while_the_closing_is_in_doubt_ends_the_doubt(at_its_end, clock):
    at_its_end.sandbox.faults.add("expire", "error_before", status=503)
    at_its_end.work()
    at_its_end.pay_unheard()
    ladder(at_its_end, clock, 1)
    assert (closing().state, at_its_end.stages()) == (CallState.REFUSED, ["PAID"])
    assert (at_its_end.told(), len(sent(at_its_end))) == (["PayComplete"], 1)


def test_after_a_closing_the_end_is_found_when_the_look_itself_had_no_answer(at_its_end, clock):
    at_its_end.sandbox.faults.add("fetch", "drop")
    at_its_end.work()
    assert (closing().state, at_its_end.stages()) == (CallState.DONE, ["EXPIRED LIFETIME"])
    assert at_its_end.told() == ["PayExpired"]


@pytest.mark.parametrize("when", WHEN)
def test_a_closing_whose_worker_died_is_looked_up_before_anything_is_sent(at_its_end, clock, when):
    with dies(when):
        drains.drain(Queue.CALLS)
    assert (closing().state, at_its_end.work()) == (CallState.SENDING, 0)
    ladder(at_its_end, clock, 1)
    assert (closing().state, at_its_end.stages()) == (CallState.DONE, ["EXPIRED LIFETIME"])
    assert len(sent(at_its_end)) == 1


def test_a_worker_that_lost_its_lease_gives_nobody_way(world, clock, monkeypatch):
    monkeypatch.setattr(start_module, "CLOSING_SECONDS", 0.01)
    world.start()
    world.pay_unheard()
    world.sandbox.faults.add("fetch", "alter", set=PAGE_OF_A_PAID_ONE, times=None)
    assert code(world.start(TotalPrice="50000")) == "PAYMENT_IN_PROGRESS"
    late = claim(Queue.CALLS, timezone.now())
    clock.shift(TABLES[Queue.CALLS].lease)
    holder = claim(Queue.CALLS, timezone.now())
    recover.work(late)
    assert (closing().state, closing().lease_token) == (CallState.UNKNOWN, holder.lease_token)
    assert world.stages() == ["STANDBY"]
