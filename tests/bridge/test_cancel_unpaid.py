"""Cancels of orders that nobody has paid yet, as far as PGB knows: the gateway is asked, or its page closed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from bridge import cancel
from payments.models import CallState, GatewayCall, PaymentSession
from payments.models.queued import QueuedSet
from tests.bridge.cancelling import outcome, told
from tests.threads import until
from tests.world import code


def test_an_unpaid_order_is_asked_about_then_refused(world):
    world.start()
    with world.working():
        assert code(world.partial(4900)) == "NOT_PAID"


def test_an_order_that_was_paid_unheard_is_completed_then_cancelled(world):
    world.start()
    world.pay_unheard()
    with world.working():
        assert outcome(world.partial(4900)) == ("Done", "PARTIALLY_CANCELLED", "60000", "0")
    assert told(world) == ["PayComplete", "CancelComplete"]


def test_the_gateway_is_asked_too_where_another_machines_clock_is_ahead(world, monkeypatch):
    ring = QueuedSet.ring
    monkeypatch.setattr(QueuedSet, "ring", lambda rows, now: ring(rows, now + timedelta(seconds=0.9)))
    world.start()
    world.pay_unheard()
    with world.working():
        assert code(world.partial(4900)) == "Done"


def test_a_full_cancel_before_payment_closes_the_page(world):
    world.start()
    with world.working():
        answer = world.full()
        assert outcome(answer) == ("Done", "CANCELLED", "0", "0")
        assert outcome(world.full()) == outcome(answer)
    assert (world.pages(), told(world)) == (["expired"], ["CancelComplete"])


def test_a_full_cancel_of_a_payment_not_heard_of_completes_and_gives_back(world):
    world.start()
    world.pay_unheard()
    with world.working():
        assert outcome(world.full()) == ("Done", "CANCELLED", "0", "0")
        assert outcome(world.full()) == ("Done", "CANCELLED", "0", "0")
    assert (told(world), world.refunds()) == (["PayComplete", "CancelComplete"], [64900])


def test_a_full_cancel_that_nobody_could_carry_out_yet_is_carried_out_later(world, monkeypatch):
    monkeypatch.setattr(cancel, "SECONDS", 0.05)
    world.start()
    assert outcome(world.full())[0] == "OUTCOME_UNKNOWN"
    assert code(world.start()) == "PAYMENT_IN_PROGRESS"
    world.pay_unheard()
    world.work()
    assert (world.stages(), world.refunds()) == (["CANCELLED"], [64900])
    assert told(world) == ["PayComplete", "CancelComplete"]


def test_without_an_answer_of_the_gateway_nothing_is_said_about_the_payment(world):
    world.start()
    world.sandbox.faults.add("fetch", "drop", times=None)
    with world.working():
        assert code(world.partial(4900)) == "GATEWAY_UNREACHABLE"


def test_a_payment_that_ended_unpaid_is_asked_about_and_stays_wanted_closed(world):
    world.start()
    PaymentSession.objects.update(stage="EXPIRED", reason="LIFETIME")
    with world.working():
        assert outcome(world.full()) == ("Done", "EXPIRED", "0", "0")
    world.pay()
    world.rest()
    assert (world.stages(), world.refunds()) == (["CANCELLED"], [64900])
    assert told(world) == ["PayComplete", "CancelComplete"]


@pytest.fixture
def opening(world):
    """PayStart of order 1 is under way: Stripe has made the page and takes its time to answer."""
    world.sandbox.faults.add("start", "webhook_first", how="decline")
    slow = world.sandbox.faults.add("start", "latency", seconds=1.0)
    with ThreadPoolExecutor(1) as shop:
        answer = shop.submit(closing, world.start)
        until(lambda: slow.holding)
        yield answer


def closing(call):
    try:
        return call()
    finally:
        connection.close()


def test_no_page_of_an_order_that_was_cancelled_meanwhile_is_handed_out(world, opening):
    with world.working():
        assert outcome(world.full()) == ("Done", "CANCELLED", "0", "0")
    assert (code(opening.result()), world.pages()) == ("PAYMENT_IN_PROGRESS", ["expired"])
    assert told(world) == ["CancelComplete"]


def test_an_opening_in_doubt_is_closed_once_it_is_known(world, monkeypatch, clock):
    monkeypatch.setattr(cancel, "SECONDS", 0.05)
    world.sandbox.faults.add("start", "error_after", status=503)
    world.start()
    assert outcome(world.full())[0] == "OUTCOME_UNKNOWN"
    assert GatewayCall.objects.get().state == CallState.UNKNOWN
    world.work()
    assert (world.stages(), world.pages()) == (["CANCELLED CANCELLED_BY_SHOP"], ["expired"])
    assert told(world) == ["CancelComplete"]


def test_a_number_to_pay_at_that_cannot_be_taken_back_is_cancelled_and_its_deposit_is_not_the_orders(konbini):
    konbini.look()
    keys = {"DBType": "JP1", "JoinerId": 2001, "NationCode": "JP", "PayType": "KONBINI"}
    with konbini.working():
        assert outcome(konbini.full(3300, **keys)) == ("Done", "CANCELLED", "0", "0")
    konbini.sandbox.stripe.deposit(konbini.session().gateway_id)
    konbini.look()
    assert (konbini.stages(), konbini.session().attention) == (["REVIEW CANCELLED_BY_SHOP"], True)
