"""Openings in doubt are never guessed: looked up, or sent again as the same call, until the answer is clear."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from bridge import recover
from bridge import start as start_module
from bridge.gateways.base import Denied
from bridge.gateways.http import Door
from bridge.gateways.stripe import Stripe
from merchants import lookup
from merchants.models import PaymentMethod
from payments.models import CallState, Delivery, GatewayCall, PaymentSession
from payments.queues import TABLES, Queue, claim
from tests.bridge.dying import WHEN, dies
from tests.world import code

T0 = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(T0, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch):
    """The workers are driven by hand here: waiting for them in a PayStart shows nothing."""
    monkeypatch.setattr(start_module, "PAGE_SECONDS", 0.01)


def sent(world):
    """The key of each opening that reached the gateway."""
    return [call.key for call in world.sandbox.stripe.books.calls if call.operation == "start"]


def made(world):
    """How many pages the gateway really made."""
    return sum(world.sandbox.stripe.books.creates.values())


def ladder(world, clock, steps):
    """Let the workers take the next steps of the call in doubt; returns the call."""
    for _ in range(steps):
        call = GatewayCall.objects.get()
        if call.due_at is None:
            break
        clock.move_to(call.due_at)
        world.work()
    return GatewayCall.objects.get()


# name -> fault, parameters, and whether the gateway made the page before the worker looked
IN_DOUBT = {
    "dropped before it was read": ("drop", {}, False),
    "502 before": ("error_before", {"status": 502}, False),
    "503 before": ("error_before", {"status": 503}, False),
    "409": ("conflict", {}, False),
    "answer lost": ("answer_lost", {}, True),
    "answer reset": ("answer_lost", {"reset": True}, True),
    "answer cut": ("answer_cut", {}, True),
    "500 after": ("error_after", {"status": 500}, True),
    "504 after": ("error_after", {"status": 504}, True),
    "html": ("garbage", {"body": "html"}, True),
    "half a json": ("garbage", {"body": "truncated"}, True),
    "nothing": ("garbage", {"body": "empty"}, True),
    "an array": ("garbage", {"body": "array"}, True),
    "binary": ("garbage", {"body": "binary"}, True),
}


@pytest.mark.parametrize("name", IN_DOUBT)
def test_an_opening_in_doubt_is_resolved_and_the_next_equal_start_gets_the_page(world, clock, name):
    fault, params, made_at_once = IN_DOUBT[name]
    world.sandbox.faults.add("start", fault, **params)
    first = world.start()
    assert (code(first), first["Stage"], first["RedirectUrl"]) == ("OUTCOME_UNKNOWN", "STANDBY", "")
    call = GatewayCall.objects.get()
    assert (call.state, made(world)) == (CallState.UNKNOWN, int(made_at_once))
    assert ladder(world, clock, 1).state == CallState.DONE
    second = world.start()
    assert (code(second), second["PaymentId"]) == ("Redirect", first["PaymentId"])
    assert (made(world), len(set(sent(world)) | {call.idempotency_key})) == (1, 1)
    assert len(sent(world)) == (1 if made_at_once else 2)  # what is there is not sent again
    world.pay()
    world.work()
    assert world.told() == ["PayComplete"]
    world.books_agree()


def test_what_the_search_does_not_show_yet_is_sent_again_under_the_same_key_and_is_the_same_page(world, clock):
    world.sandbox.faults.add("start", "answer_lost")
    world.sandbox.faults.add("list", "not_visible", times=None, seconds=3600.0)
    world.start()
    assert ladder(world, clock, 1).state == CallState.DONE
    assert (len(sent(world)), len(set(sent(world))), made(world)) == (2, 1, 1)
    assert code(world.start()) == "Redirect"


def test_the_same_bytes_go_out_under_the_same_key(world, clock, monkeypatch):
    bodies = []
    exchange = Door.exchange

    def spy(door, method, url, **request):
        if method.upper() == "POST":
            bodies.append(request["body"])
        return exchange(door, method, url, **request)

    monkeypatch.setattr(Door, "exchange", spy)
    world.sandbox.faults.add("start", "error_before", status=503, times=2)
    world.start()
    ladder(world, clock, 2)
    assert len(bodies) == 3
    assert len(set(bodies)) == 1


def test_without_an_answer_the_doubt_goes_up_its_ladder_and_nothing_is_guessed(world, clock):
    world.sandbox.faults.add("start", "answer_lost")
    world.sandbox.faults.add("list", "drop", times=None)
    world.sandbox.faults.add("webhook", "drop", times=None)
    world.start()
    ladder(world, clock, 1)  # at once: the shop waits for it
    for step in (10, 30, 60, 120, 300, 900, 3600, 3600):
        call = GatewayCall.objects.get()
        assert step <= (call.due_at - timezone.now()).total_seconds() <= 1.1 * step
        ladder(world, clock, 1)
    assert (GatewayCall.objects.get().state, world.stages()) == (CallState.UNKNOWN, ["STANDBY"])
    assert timezone.now() > world.session().expires_at
    assert (len(sent(world)), Delivery.objects.count()) == (1, 0)
    world.sandbox.faults.clear()
    assert ladder(world, clock, 1).state == CallState.DONE  # the page was there all the time, and has ended
    assert (world.stages(), world.told()) == (["EXPIRED LIFETIME"], ["PayExpired"])


# A 500 is remembered by the gateway: the same key brings it again for a day, and no page is ever made.


def never_there(world, clock):
    world.sandbox.faults.add("start", "error_before", status=500)
    world.start()
    clock.move_to(world.session().expires_at)


def look_now(world):
    GatewayCall.objects.filter(state=CallState.UNKNOWN).ring(timezone.now())
    world.work()
    return GatewayCall.objects.get()


def test_under_a_key_that_only_repeats_a_500_three_looks_over_ten_minutes_decide(world, clock):
    world.sandbox.faults.add("start", "error_before", status=500)
    world.start()
    call = ladder(world, clock, 2)
    assert (call.state, call.missed_looks, made(world)) == (CallState.UNKNOWN, 2, 0)
    assert ladder(world, clock, 1).state == CallState.REFUSED
    assert timezone.now() - T0 >= 10 * MINUTE
    assert (len(sent(world)), len(set(sent(world)))) == (4, 1)
    assert world.stages() == ["EXPIRED NEVER_OPENED"]


def test_while_the_session_lives_an_opening_without_an_answer_stays_in_doubt(world, clock):
    world.sandbox.faults.add("start", "error_before", status=503, times=None)
    world.start()
    while timezone.now() < world.session().expires_at - MINUTE:
        call = ladder(world, clock, 1)
        assert (call.state, call.missed_looks) == (CallState.UNKNOWN, 0)
    clock.move_to(world.session().expires_at)
    sent_before = len(sent(world))
    for _ in range(2):
        assert look_now(world).state == CallState.UNKNOWN
        clock.shift(5 * MINUTE)
    assert (look_now(world).state, len(sent(world))) == (CallState.REFUSED, sent_before + 1)


def test_an_opening_that_nobody_looked_for_until_its_session_ended_is_refused_at_once(world, clock):
    world.sandbox.faults.add("start", "error_before", status=503)
    world.start()
    clock.move_to(world.session().expires_at)
    assert look_now(world).state == CallState.REFUSED
    assert world.stages() == ["EXPIRED NEVER_OPENED"]


def test_three_looks_over_ten_minutes_after_its_end_say_that_it_was_never_opened(world, clock):
    never_there(world, clock)
    sent_before = len(sent(world))
    for _ in range(4):
        assert look_now(world).state == CallState.UNKNOWN  # often enough, not long enough
    clock.shift(10 * MINUTE - SECOND)
    assert look_now(world).state == CallState.UNKNOWN
    assert (world.stages(), world.told()) == (["STANDBY"], [])
    clock.shift(SECOND)
    call = look_now(world)
    assert (call.state, call.code) == (CallState.REFUSED, "not_there")
    assert (world.stages(), world.told()) == (["EXPIRED NEVER_OPENED"], ["PayExpired"])
    assert len(sent(world)) == sent_before + 1  # once more, and then never
    assert code(world.start()) == "Redirect"
    assert len(set(sent(world))) == 2


def test_two_looks_are_not_enough_however_long_it_takes(world, clock):
    never_there(world, clock)
    look_now(world)
    clock.shift(HOUR)
    assert look_now(world).state == CallState.UNKNOWN
    assert look_now(world).state == CallState.REFUSED


def test_a_silent_gateway_does_not_say_that_nothing_is_there(world, clock):
    never_there(world, clock)
    world.sandbox.faults.add("list", "error_before", status=503, times=5)
    for _ in range(5):
        clock.shift(HOUR)
        assert look_now(world).missed_looks == 0
    assert world.stages() == ["STANDBY"]


def test_when_the_key_is_gone_nothing_is_sent_again_and_the_looks_decide(world, clock):
    PaymentMethod.objects.filter(code="CARD").update(lifetime_minutes=2 * 24 * 60)
    lookup.clear_cache()
    world.sandbox.faults.add("start", "error_before", status=500)
    world.start()
    PaymentMethod.objects.filter(code="CARD").update(lifetime_minutes=40)
    clock.move_to(T0 + 23 * HOUR - SECOND)
    look_now(world)
    assert len(sent(world)) == 2
    clock.shift(SECOND)
    for _ in range(2):
        assert look_now(world).state == CallState.UNKNOWN
        clock.shift(5 * MINUTE)
    assert look_now(world).state == CallState.REFUSED
    assert len(sent(world)) == 2
    assert (world.stages(), world.told()) == (["EXPIRED NEVER_OPENED"], ["PayExpired"])


def test_an_opening_that_is_not_there_and_now_refused_under_its_key_did_nothing(world, clock):
    world.sandbox.faults.add("start", "error_before", status=503)
    silence = world.sandbox.faults.add("list", "drop", times=None)
    world.start()
    clock.move_to(T0 + 15 * MINUTE)  # now Stripe refuses the body: its page would end too soon
    world.sandbox.faults.clear(silence.id)
    call = look_now(world)
    assert [one.status for one in world.sandbox.stripe.books.calls if one.operation == "start"] == [503, 400]
    assert (call.state, world.stages()) == (CallState.REFUSED, ["EXPIRED NEVER_OPENED"])


def test_keys_that_are_refused_say_nothing_of_an_earlier_try(world, clock, monkeypatch):
    world.sandbox.faults.add("start", "error_after", status=503)
    late = world.sandbox.faults.add("list", "not_visible", seconds=60.0, times=None)
    world.start()
    with monkeypatch.context() as patched:
        patched.setattr(Stripe, "start", denied)
        assert (look_now(world).state, world.stages()) == (CallState.UNKNOWN, ["STANDBY"])
    world.sandbox.faults.clear(late.id)
    assert (look_now(world).state, made(world)) == (CallState.DONE, 1)


def denied(_gateway, _call):
    raise Denied("AuthenticationError")


# Processes that die


@pytest.mark.parametrize("when", WHEN)
def test_an_opening_whose_process_died_is_found_and_finished(world, clock, when):
    with dies(when):
        world.start()
    call = GatewayCall.objects.get()
    assert (call.state, made(world)) == (CallState.SENDING, int(when == "after the call"))
    assert code(world.start()) == "PAYMENT_IN_PROGRESS"  # it might still be under way
    assert world.work() == 0
    clock.move_to(call.due_at)
    world.work()
    assert (GatewayCall.objects.get().state, made(world)) == (CallState.DONE, 1)
    assert code(world.start()) == "Redirect"
    assert set(sent(world)) == {call.idempotency_key}


def test_who_comes_too_late_with_his_answer_learns_what_others_found(world):
    world.sandbox.faults.add("start", "webhook_first", how="pay")
    world.sandbox.faults.add("start", "drip", seconds=0.0005)
    with world.working():
        answer = world.start()
    assert code(answer) == "ALREADY_PAID"
    world.work()
    assert (world.stages(), world.told(), made(world)) == (["PAID"], ["PayComplete"], 1)


def test_a_worker_that_lost_its_lease_changes_nothing(world, clock):
    never_there(world, clock)
    for _ in range(3):
        look_now(world)
    clock.shift(HOUR)
    GatewayCall.objects.update(due_at=timezone.now())
    late = claim(Queue.CALLS, timezone.now())
    clock.shift(TABLES[Queue.CALLS].lease)
    holder = claim(Queue.CALLS, timezone.now())
    recover.work(late)
    call = GatewayCall.objects.get()
    assert (call.state, call.lease_token) == (CallState.UNKNOWN, holder.lease_token)
    assert world.stages() == ["STANDBY"]
    recover.work(holder)
    assert world.stages() == ["EXPIRED NEVER_OPENED"]


def test_the_first_answer_of_an_account_that_was_silent_sets_all_that_waits_free(world, clock):
    for order_id in range(1, 5):
        world.start(order_id)
    silence = world.sandbox.faults.add("fetch", "drop", times=None)
    for _ in range(12):
        clock.move_to(max(timezone.now(), PaymentSession.objects.order_by("due_at").first().due_at))
        world.work()
    world.sandbox.faults.clear(silence.id)
    PaymentSession.objects.update(due_at=timezone.now() + HOUR)
    clock.shift(30 * SECOND)
    assert world.work() == 1  # the probe
    clock.shift(5 * SECOND)
    assert world.work() == 3
