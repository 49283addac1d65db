"""Open payments are asked about by themselves: on the ladder, at their end, and however long the gateway is silent."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bridge.gateways.http import Door
from merchants import lookup
from merchants.models import PaymentMethod
from payments import ladders, staff
from payments.models import CallKind, CallState, Delivery, GatewayCall, PaymentSession
from tests.clock import T0

pytestmark = pytest.mark.usefixtures("clock")
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def short_lived(world):
    """Card payments that end before the gateway's own page does."""
    PaymentMethod.objects.filter(code="CARD").update(lifetime_minutes=10)
    lookup.clear_cache()
    yield world
    PaymentMethod.objects.filter(code="CARD").update(lifetime_minutes=40)


def asked(world):
    return sum(call.operation == "fetch" for call in world.sandbox.stripe.books.calls)


def live_through(world, clock, until):
    """Work whenever something is due, and return the minutes after T0 at which the gateway was asked."""
    minutes, seen = [], asked(world)
    while (due := next_due()) is not None and due <= until:
        clock.move_to(max(due, timezone.now()))
        world.work()
        if asked(world) > seen:
            minutes.append((timezone.now() - T0) / MINUTE)
            seen = asked(world)
    return minutes


def next_due():
    rows = (model.objects.filter(due_at__isnull=False) for model in (PaymentSession, GatewayCall, Delivery))
    return min((row.due_at for one in rows for row in one), default=None)


def test_a_silent_payment_is_asked_about_on_its_ladder_and_told_expired_once_at_its_end(world, clock):
    world.start()
    assert live_through(world, clock, T0 + timedelta(days=2)) == [1, 3, 10, 30, 40]
    assert world.stages() == ["EXPIRED LIFETIME"]
    assert world.told() == ["PayExpired"]


def test_a_page_still_open_at_the_end_is_closed_at_the_gateway_and_told_expired_once(short_lived, clock):
    short_lived.start()
    clock.move_to(T0 + 10 * MINUTE - SECOND)
    short_lived.work()
    assert (short_lived.pages(), short_lived.stages()) == (["open"], ["STANDBY"])
    clock.shift(SECOND)
    short_lived.work()
    assert (short_lived.pages(), short_lived.stages()) == (["expired"], ["EXPIRED LIFETIME"])
    live_through(short_lived, clock, T0 + timedelta(days=2))
    assert short_lived.told() == ["PayExpired"]
    assert GatewayCall.objects.get(kind=CallKind.EXPIRE).state == CallState.DONE


@pytest.mark.parametrize("paid_at", [30 * SECOND, 35 * MINUTE, 40 * MINUTE - SECOND])
def test_a_payment_whose_webhooks_are_all_lost_is_found_by_the_next_look(world, clock, paid_at):
    world.start()
    live_through(world, clock, T0 + paid_at)
    clock.move_to(T0 + paid_at)
    world.pay_unheard()
    world.work()
    assert (world.stages(), world.told()) == (["STANDBY"], [])
    clock.move_to(next_due())
    world.work()
    assert (world.stages(), world.told()) == (["PAID"], ["PayComplete"])
    assert next_due() is None
    world.books_agree()


def test_nothing_expires_without_an_answer_and_silence_uses_up_no_step(world, clock):
    world.start()
    silence = world.sandbox.faults.add("fetch", "drop", times=None)
    live_through(world, clock, T0 + timedelta(hours=1))
    assert (world.stages(), world.told()) == (["STANDBY"], [])
    assert next_due() - timezone.now() < 12 * MINUTE  # while it is silent it is asked often
    world.sandbox.faults.clear(silence.id)
    clock.move_to(next_due())
    world.work()
    assert (world.stages(), world.told()) == (["EXPIRED LIFETIME"], ["PayExpired"])


def test_a_look_without_an_answer_is_repeated_and_the_next_step_stays_where_it_was(world, clock):
    world.start()
    live_through(world, clock, T0 + 3 * MINUTE)
    world.sandbox.faults.add("fetch", "error_before", status=503)
    clock.move_to(T0 + 10 * MINUTE)
    world.work()
    again = world.session().due_at
    assert 30 * SECOND <= again - timezone.now() <= 33 * SECOND
    clock.move_to(again)
    world.work()
    assert world.session().due_at == T0 + 30 * MINUTE


def test_a_paid_page_found_at_the_end_of_a_long_silence_pays_the_order(world, clock):
    world.start()
    world.pay_unheard()
    silence = world.sandbox.faults.add("fetch", "error_before", status=500, times=None)
    live_through(world, clock, T0 + timedelta(hours=1))
    world.sandbox.faults.clear(silence.id)
    clock.move_to(next_due())
    world.work()
    assert (world.stages(), world.told()) == (["PAID"], ["PayComplete"])


def test_a_page_that_is_being_approved_at_its_end_is_left_to_the_buyer(short_lived, clock):
    short_lived.start()
    short_lived.pay_unheard()
    approving = {"status": "open", "payment_status": "unpaid", "payment_intent.status": "processing"}
    lie = short_lived.sandbox.faults.add("fetch", "alter", set=approving, times=None)
    clock.move_to(T0 + 10 * MINUTE)
    short_lived.work()
    assert (short_lived.stages(), GatewayCall.objects.filter(kind=CallKind.EXPIRE).exists()) == (["STANDBY"], False)
    short_lived.sandbox.faults.clear(lie.id)
    clock.move_to(next_due())
    short_lived.work()
    assert short_lived.stages() == ["PAID"]


def test_a_gateway_that_will_not_close_a_page_is_asked_at_each_look_and_not_in_a_circle(short_lived, clock):
    short_lived.start()
    short_lived.pay_unheard()
    unpaid = {"status": "open", "payment_status": "unpaid", "payment_intent": None}
    short_lived.sandbox.faults.add("fetch", "alter", set=unpaid, times=None)
    clock.move_to(T0 + 10 * MINUTE)
    assert live_through(short_lived, clock, T0 + timedelta(hours=3)) == [10, 30, 90, 150]
    refused = GatewayCall.objects.filter(kind=CallKind.EXPIRE, state=CallState.REFUSED)
    assert refused.count() == 4
    assert short_lived.stages() == ["STANDBY"]


def test_what_the_gateway_closed_but_does_not_show_yet_is_looked_at_again_soon(short_lived, clock):
    short_lived.start()
    clock.move_to(T0 + 10 * MINUTE)
    short_lived.sandbox.faults.add("webhook", "drop", times=None)
    short_lived.sandbox.faults.add("fetch", "alter", set={"status": "open"}, times=2)
    short_lived.work()
    assert (short_lived.pages(), short_lived.stages()) == (["expired"], ["STANDBY"])
    clock.shift(ladders.UNANSWERED_LOOK[0] * 1.1)
    short_lived.work()
    assert (short_lived.stages(), short_lived.told()) == (["EXPIRED LIFETIME"], ["PayExpired"])


def test_a_deposit_is_asked_for_and_found_when_its_webhooks_are_lost(konbini, clock):
    assert live_through(konbini, clock, T0 + timedelta(hours=2.6)) == [1, 3, 10, 30, 90, 150]
    assert konbini.stages() == ["WAITING_DEPOSIT"]
    konbini.sandbox.faults.add("webhook", "drop", times=None)
    konbini.sandbox.stripe.deposit(konbini.session().gateway_id)
    clock.move_to(next_due())
    konbini.work()
    assert (konbini.stages(), konbini.told()) == (["PAID"], ["VirtualAccountIssued", "PayComplete"])


def test_a_declined_card_leaves_the_page_open_for_another_try(world, clock):
    world.start()
    world.pay(how="decline")
    world.work()
    clock.move_to(T0 + MINUTE)
    world.work()
    assert (world.pages(), world.stages(), world.told()) == (["open"], ["STANDBY"], [])
    world.pay()
    world.work()
    assert world.told() == ["PayComplete"]


def test_staff_see_what_a_look_at_an_ended_payment_found(world):
    world.start(1)
    world.sandbox.faults.add("fetch", "wrong", field="amount", times=1)
    world.pay(1)
    world.work()
    session = world.session(1)
    assert session.stage == "REVIEW"

    PaymentSession.objects.filter(pk=session.pk).ring(timezone.now())
    world.work()
    looked = session.events.get(kind="looked")
    assert looked.facts == {"status": "complete/paid/succeeded", "verified": 64900}
    assert world.session(1).stage == "REVIEW"


@pytest.mark.parametrize("heard", [True, False], ids=["of what is paid", "that finds it paid"])
def test_what_happens_during_a_look_is_seen_by_the_next_if_one_was_asked_for_meanwhile(world, monkeypatch, heard):
    world.start()
    (world.pay if heard else world.pay_unheard)()
    if heard:
        world.work()
    session, exchange = world.session(), Door.exchange

    def and_meanwhile(*args, **options):
        answer = exchange(*args, **options)
        monkeypatch.setattr(Door, "exchange", exchange)
        world.sandbox.stripe.refund(session.gateway_id, 900, silent=True)
        staff.look_again(session.pk, "staff")
        return answer

    monkeypatch.setattr(Door, "exchange", and_meanwhile)
    staff.look_again(session.pk, "staff")
    world.work()
    assert (world.session().stage, world.session().cancelled) == ("PARTIALLY_CANCELLED", 900)
