"""Many at once, on real PostgreSQL: whatever races, the order is paid once and the shop is told once."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import requests
from django.db import connection
from django.utils import timezone

from bridge.sandbox.stripe.checkout import NotPossible
from payments.models import GatewayCall, Notification, PaymentSession
from payments.states import LIVE
from tests.threads import at_once, until
from tests.world import code

THREADS = 16  # of one web process
IN_PROGRESS = "PAYMENT_IN_PROGRESS"


# The same PayStart, many times


@pytest.mark.parametrize("before", ["nothing", "an attempt that expired"])
def test_two_hundred_equal_starts_open_one_payment(world, before):
    if before != "nothing":
        world.start()
        PaymentSession.objects.update(stage="EXPIRED")
        world.sandbox.stripe.reset()
    world.sandbox.faults.add("start", "latency", seconds=0.3)
    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda _: closing(world.start), range(200)))
    world.has_one_page(answers)


def closing(call):
    try:
        return call()
    finally:
        connection.close()


# Different PayStarts of one order


@pytest.mark.parametrize("round_", range(3))
def test_starts_of_two_amounts_leave_one_page_open(world, round_):
    with world.working(3):
        asked = [partial(world.start, 1, TotalPrice=price) for price in ["64900", "50000"] * 4]
        answers = at_once(*asked)
        until(lambda: not GatewayCall.objects.exclude(state__in=["DONE", "REFUSED"]).exists())
    assert {code(answer) for answer in answers} <= {"Redirect", IN_PROGRESS}
    live = PaymentSession.objects.get(stage__in=LIVE)
    books = world.sandbox.stripe.books.sessions
    assert [one.id for one in books.values() if one.status == "open"] == [live.gateway_id]
    assert books[live.gateway_id].amount == live.amount
    world.books_agree()


@pytest.mark.parametrize("round_", range(6))
def test_a_page_that_is_paid_while_it_is_replaced_is_told_once_and_of_the_right_one(world, round_):
    old = world.start()["PaymentId"]

    def buyer():
        try:
            return world.sandbox.stripe.pay(old).status
        except NotPossible:
            return "too late"

    with world.working(3):
        paid, answer = at_once(buyer, partial(world.start, 1, TotalPrice="50000"))
        world.sandbox.settle()
        until(lambda: world.session().stage != "STANDBY" or paid == "too late")
    if paid == "too late":
        assert (code(answer), world.stages()) == ("Redirect", ["EXPIRED REPLACED", "STANDBY"])
    else:
        assert (code(answer), world.stages()) in [("ALREADY_PAID", ["PAID"]), (IN_PROGRESS, ["PAID"])]
    world.work()
    world.books_agree()


# One payment, heard of in many ways


@pytest.mark.parametrize("workers", [1, 4])
def test_the_same_webhook_thirty_two_times_at_once_has_one_effect(world, workers):
    world.start()
    world.sandbox.faults.add("webhook", "duplicate", copies=32, concurrent=True, times=None)
    with world.working(workers):
        world.pay()
        until(lambda: world.told() == ["PayComplete"])
        until(lambda: not Notification.objects.exclude(due_at=None).exists())
    sent = world.sandbox.stripe.books.webhooks
    assert {one.status for one in sent} == {200}
    assert len(sent) == 32 * Notification.objects.count()
    assert (world.stages(), world.told()) == (["PAID"], ["PayComplete"])
    assert world.session().events.filter(kind="paid").count() == 1
    world.books_agree()


def test_return_webhook_and_sweep_race_twenty_times_for_one_effect(world, settings):
    orders = range(1, 21)
    for order_id in orders:
        world.start(order_id)
    with world.working(4):
        for order_id in orders:
            session = world.session(order_id)
            back = f"{settings.PGB_PUBLIC_URL}/PGBReturn/Return/{session.return_token}"
            world.sandbox.faults.add("webhook", "delay", seconds=0.05, times=None)
            world.pay(order_id)
            at_once(
                partial(requests.get, back, allow_redirects=False, timeout=30),
                partial(PaymentSession.objects.filter(pk=session.pk).ring, timezone.now()),
                world.sandbox.settle,
            )
        until(lambda: all(world.told(order_id) == ["PayComplete"] for order_id in orders), 30)
    for order_id in orders:
        assert world.stages(order_id) == ["PAID"]
        assert world.session(order_id).events.filter(kind="paid").count() == 1
        world.books_agree(order_id)


def test_a_superseded_page_and_its_successor_paid_at_once_are_told_once_of_the_right_one(world):
    world.start()
    world.pay_unheard()
    old = world.session()
    lie = {"status": "open", "payment_status": "unpaid", "payment_intent": None}
    world.sandbox.faults.add("fetch", "alter", set=lie, times=None)
    with world.working():
        assert code(world.start(TotalPrice="50000")) == "Redirect"
    world.sandbox.faults.clear()
    new = world.session()
    with world.working(4):
        at_once(
            partial(PaymentSession.objects.filter(pk=old.pk).ring, timezone.now()),
            partial(world.sandbox.stripe.pay, new.reference),
        )
        until(lambda: PaymentSession.objects.get(pk=old.pk).stage == "CANCELLED" and world.told() == ["PayComplete"])
    old.refresh_from_db()
    assert world.refunds() == [64900]
    assert old.reason in ("SUPERSEDED", "DOUBLE_PAYMENT")
    assert world.sandbox.shop.books.orders["KR1", 1, 0].payment_id == new.reference
    world.books_agree()
