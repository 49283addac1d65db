"""The drains: each queue and each account in its own bounds, and no row that stops the others."""

import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from bridge import drains
from merchants.codes import GatewayCode
from merchants.models import MethodConnection
from payments.models import Notification, PaymentSession
from payments.queues import TABLES, Queue
from tests.clock import T0
from tests.factories import MerchantFactory, ShopFactory
from tests.payments.factories import CallFactory, DeliveryFactory, NotificationFactory, PaymentSessionFactory
from tests.threads import at_once, until

pytestmark = pytest.mark.django_db(transaction=True)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def everybody(queue):
    """As many drains of the queue at once as a process has slots for it."""
    return [lambda: drains.drain(queue)] * drains.SLOTS.of_queue[queue]


@pytest.fixture
def at_most(monkeypatch):
    """Work that takes a moment, and how many rows of each account or shop were in hand at once."""
    in_hand, most, lock = [], Counter(), threading.Lock()

    def work(row):
        lane = getattr(row, "merchant_id", None) or row.shop_id
        with lock:
            in_hand.append(lane)
            most[lane] = max(most[lane], in_hand.count(lane))
        connection.close()
        time.sleep(0.15)
        with lock:
            in_hand.remove(lane)
        type(row).objects.filter(pk=row.pk).finish(row.lease_token, timezone.now() + HOUR)

    for queue in Queue:
        monkeypatch.setitem(drains.WORK, queue, work)
    return most


def test_the_slots_of_all_queues_are_the_threads():
    assert sum(drains.Slots(16).of_queue.values()) == 16
    assert sum(drains.Slots(64).of_queue.values()) == 64
    assert min(drains.Slots(1).of_queue.values()) == 1


def test_a_drain_without_a_free_slot_returns_at_once():
    slots = drains.SLOTS.of_queue[Queue.LOOKS]
    row = PaymentSessionFactory(due_at=timezone.now())
    assert all([drains.SLOTS.take(Queue.LOOKS) for _ in range(slots)])
    try:
        begun = time.monotonic()
        assert drains.drain(Queue.LOOKS) == 0
        assert time.monotonic() - begun < 2
    finally:
        for _ in range(slots):
            drains.SLOTS.give_back(Queue.LOOKS)
    row.refresh_from_db()
    assert row.attempts == 0


@pytest.mark.parametrize("queue", [Queue.NOTIFICATIONS, Queue.DELIVERIES])
def test_no_account_and_no_shop_holds_more_than_half_of_a_queues_slots(queue, at_most):
    make, lanes = {
        Queue.NOTIFICATIONS: (lambda one, **more: NotificationFactory(session__merchant=one, **more), MerchantFactory),
        Queue.DELIVERIES: (lambda one, **more: DeliveryFactory(session__order__shop=one, **more), ShopFactory),
    }[queue]
    hanging, well = lanes(), lanes()
    for _ in range(10):
        make(hanging, due_at=timezone.now() - HOUR)
    for _ in range(6):
        make(well, due_at=timezone.now())
    at_once(*everybody(queue))
    assert at_most[hanging.pk] == drains.SLOTS.of_queue[queue] // 2


def test_a_gateway_account_that_hangs_does_not_starve_another(world):
    """Real lookups: the first account's take three seconds each, the second's webhook is worked beside them."""
    slow = world.merchant
    world.start(1)
    world.sandbox.stripe.add_account(
        mid="acct_other", secret_key="sk_test_other", webhook_secret="whsec_other", webhook_url=world.sandbox.url
    )
    other = MerchantFactory(mid="acct_other", credentials={"secret_key": "sk_test_other", "webhook_secret": "x"})
    MethodConnection.objects.update(merchant=other)
    world.start(2)
    world.sandbox.faults.add("fetch", "latency", times=None, match={"account": slow.mid}, seconds=3.0)
    notice = {"claims": "", "result": ""}
    for _ in range(drains.SLOTS.of_queue[Queue.NOTIFICATIONS]):
        of_slow = {"session": world.session(1), "merchant": slow, "signers": [slow.pk], "gateway_id": ""}
        NotificationFactory(**of_slow, **notice, due_at=timezone.now() - HOUR)
    quick = NotificationFactory(
        session=world.session(2), merchant=other, signers=[other.pk], **notice, due_at=timezone.now()
    )
    begun, took = time.monotonic(), []

    def watch():
        until(lambda: Notification.objects.get(pk=quick.pk).result)
        took.append(time.monotonic() - begun)

    at_once(*everybody(Queue.NOTIFICATIONS), watch)
    assert took[0] < 2.9


def poisoned(**more):
    """A session of a gateway that nobody here can speak to: every look at it raises."""
    return PaymentSessionFactory(merchant__gateway=GatewayCode.INICIS, **more)


def test_a_row_whose_work_always_raises_is_put_off_and_stops_nobody(world, clock):
    bad = poisoned(due_at=T0 - HOUR)
    world.start()
    world.pay_unheard()
    PaymentSession.objects.exclude(pk=bad.pk).update(due_at=T0)
    assert drains.drain(Queue.LOOKS) == 2
    assert world.stages() == ["PAID"]
    for attempts, step in enumerate((3, 10, 30, 60), start=1):
        bad.refresh_from_db()
        wait = (bad.due_at - timezone.now()).total_seconds()
        assert (bad.attempts, bad.lease_token, step <= wait <= 1.1 * step) == (attempts, None, True)
        clock.move_to(bad.due_at)
        assert drains.drain(Queue.LOOKS) == 1


def test_a_row_whose_work_lost_its_database_is_due_when_its_lease_ends(clock, monkeypatch):
    row = PaymentSessionFactory(due_at=T0, attempts=8)

    def lost(_row):
        connection.cursor().execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setitem(drains.WORK, Queue.LOOKS, lost)
    assert drains.drain(Queue.LOOKS) == 1
    row.refresh_from_db()
    assert row.due_at == T0 + TABLES[Queue.LOOKS].lease * SECOND


def test_a_call_whose_work_raised_may_have_been_sent(clock):
    call = CallFactory(session=poisoned(), kind="EXPIRE", state="READY", first_sent_at=None, due_at=T0)
    for state in ("SENDING", "UNKNOWN"):
        drains.drain(Queue.CALLS)
        call.refresh_from_db()
        assert (call.state, call.due_at > timezone.now()) == (state, True)
        clock.move_to(call.due_at)


def test_after_a_raise_slot_and_account_are_free_again(clock):
    for _ in range(drains.SLOTS.of_queue[Queue.LOOKS] + 1):
        poisoned(due_at=T0)
    assert drains.drain(Queue.LOOKS) == drains.SLOTS.of_queue[Queue.LOOKS] + 1
    assert drains.SLOTS.full(Queue.LOOKS) == []
    assert drains.SLOTS.take(Queue.LOOKS)
    drains.SLOTS.give_back(Queue.LOOKS)
