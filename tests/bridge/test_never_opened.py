"""An opening that is not there: when that counts, and what is said of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bridge.gateways.errors import Denied
from bridge.gateways.stripe import Stripe
from merchants import lookup
from merchants.models import PaymentMethod
from payments.models import CallState
from tests.bridge.openings import ladder, look_now, made, never_there, sent
from tests.clock import T0
from tests.world import code

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
pytestmark = pytest.mark.usefixtures("clock", "nobody_waits")


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
