"""Openings in doubt are never guessed: looked up, or sent again as the same call, until the answer is clear."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bridge import recover
from bridge.gateways.http import Door
from payments.models import CallState, Delivery, GatewayCall, PaymentSession
from payments.queues import TABLES, Queue, claim
from tests.bridge.dying import WHEN, dies
from tests.bridge.openings import ladder, look_now, made, never_there, sent
from tests.world import code

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
pytestmark = pytest.mark.usefixtures("clock", "nobody_waits")


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
