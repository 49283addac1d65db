"""The circuit of a shop: a shop in trouble is left in peace, one odd order and one slow shop trouble nobody else."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from bridge import drains
from payments.circuits import OPEN_AFTER, PROBE_EVERY
from payments.models import Delivery, DeliveryAttempt
from payments.queues import Queue
from tests.bridge.shop_door import NO, YES, answering_shop, fresh, owed, work
from tests.clock import T0
from tests.factories import ShopFactory
from tests.payments.factories import DeliveryFactory
from tests.threads import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.fixture
def shop():
    with answering_shop() as receiver:
        yield receiver


@pytest.mark.parametrize(
    ("answer", "opens"),
    [
        ((500, b""), True),
        ((503, b""), True),
        ((429, b""), True),
        (None, True),
        (NO, False),
        ((200, b"<html>"), False),
        ((302, b""), False),
        ((404, b""), False),
        ((410, b""), False),
    ],
)
def test_only_transport_errors_5xx_and_429_open_the_circuit(shop, answer, opens):
    if answer is None:
        shop.shop.completion_url = "http://127.0.0.1:9/refuses"
        shop.shop.save()
    for _ in range(OPEN_AFTER):
        owed(shop)
    shop.answers = [answer] * OPEN_AFTER
    assert work() == OPEN_AFTER
    owed(shop)
    assert work() == (0 if opens else 1)


def test_an_open_circuit_is_probed_every_30_s_and_the_first_success_sets_all_free(shop, clock):
    rows = [owed(shop) for _ in range(10)]
    shop.answers = [(500, b"")] * 5
    work()
    assert len(shop.received) == OPEN_AFTER  # the others were spared
    Delivery.objects.update(due_at=T0 + 4 * HOUR)
    for tries in (OPEN_AFTER + 1, OPEN_AFTER + 2):
        clock.shift(PROBE_EVERY - SECOND)
        assert work() == 0
        clock.shift(SECOND)
        assert work() == 1
        assert len(shop.received) == tries
    shop.answers = [YES] * 10
    clock.shift(PROBE_EVERY)
    work()
    clock.shift(5 * SECOND)
    work()
    assert {fresh(row).state for row in rows} == {"DELIVERED"}


def test_one_order_that_the_shop_cannot_take_delays_no_other(shop, clock):
    odd = owed(shop)
    for n in range(20):
        shop.answers = [(500, b""), YES] if fresh(odd).due_at <= timezone.now() else [YES]
        other = owed(shop)
        work()
        assert fresh(other).state == "DELIVERED", n
        clock.shift(SECOND)
    assert odd.tries.count() == 2  # now, and after 5 s: not each time that another was heard


def test_a_slow_shop_does_not_starve_another(world, clock):
    clock.move_to(datetime.now(UTC), tick=True)
    world.sandbox.faults.add("forward", "latency", times=None, match={"db_type": "SLOW"}, seconds=1.0)
    url = f"{world.sandbox.url}/shop/complete"
    slow, quick = (ShopFactory(db_type=name, completion_url=url) for name in ("SLOW", "QUICK"))
    hour_ago = timezone.now() - HOUR
    body = '{"DBType": "%s", "EventId": "x"}'
    for _ in range(7):
        DeliveryFactory(session__order__shop=slow, due_at=hour_ago, body=body % "SLOW")
    row = DeliveryFactory(session__order__shop=quick, body=body % "QUICK")
    slots = drains.SLOTS.of_queue[Queue.DELIVERIES]
    at_once(*[work] * slots)
    before = DeliveryAttempt.objects.filter(started_at__lt=row.tries.get().started_at)
    assert before.count() <= slots // 2
