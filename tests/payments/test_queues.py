"""The tables as the queue: who gets which row, when, and for how long."""

from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from payments import circuits, queues
from payments.circuits import OPEN_AFTER, PROBE_EVERY, Kind
from payments.models import CallKind, CallState, Delivery, GatewayCall, Notification, PaymentSession
from payments.queues import MOST_COUNTED, TABLES, Queue, backlogs, claim
from tests.clock import T0
from tests.factories import ShopFactory
from tests.payments.factories import (
    CallFactory,
    CredentialCheckFactory,
    DeliveryFactory,
    NotificationFactory,
    PaymentSessionFactory,
)
from tests.sql import another_connection
from tests.threads import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def call(**changes):
    facts = {"kind": CallKind.EXPIRE, "state": CallState.READY, "first_sent_at": None, "due_at": T0}
    return CallFactory(**{**facts, **changes})


MAKE = {
    Queue.NOTIFICATIONS: NotificationFactory,
    Queue.CALLS: call,
    Queue.DELIVERIES: DeliveryFactory,
    Queue.LOOKS: PaymentSessionFactory,
    Queue.CHECKS: CredentialCheckFactory,
}
ENDED = {Queue.CALLS: {"state": "DONE"}, Queue.DELIVERIES: {"state": "DEAD"}, Queue.CHECKS: {"state": "WORKS"}}


def claimed(queue, full=()):
    row = claim(queue, timezone.now(), full)
    return row and row.pk


@contextmanager
def being_claimed(row):
    """Somebody else has locked the row and not committed yet; whoever waits for it fails."""
    with connection.cursor() as mine, another_connection() as others:
        mine.execute("SET lock_timeout = '2s'")
        others.execute("BEGIN")
        others.execute(f"SELECT 1 FROM {row._meta.db_table} WHERE id = %s FOR UPDATE", [row.pk])
        try:
            yield
        finally:
            others.execute("ROLLBACK")
            mine.execute("RESET lock_timeout")


@pytest.mark.parametrize("queue", Queue)
def test_the_row_that_is_due_longest_comes_first_and_none_before_its_time(queue):
    make = MAKE[queue]
    later, first = make(due_at=T0 - SECOND), make(due_at=T0 - HOUR)
    make(due_at=T0 + SECOND), make(due_at=None, **ENDED.get(queue, {}))
    assert [claimed(queue) for _ in range(3)] == [first.pk, later.pk, None]


@pytest.mark.parametrize("queue", Queue)
def test_a_claim_counts_the_attempt_before_the_work_and_ends_with_its_lease(queue, clock):
    row = MAKE[queue](due_at=T0)
    model = type(row)
    lost = claim(queue, T0).lease_token
    row.refresh_from_db()
    assert (row.attempts, row.lease_token) == (1, lost)
    clock.shift(TABLES[queue].lease - 0.001)
    assert claimed(queue) is None
    clock.shift(0.001)
    mine = claim(queue, timezone.now()).lease_token
    assert not model.objects.filter(pk=row.pk).finish(lost, T0)  # the loser's result does not count
    assert model.objects.filter(pk=row.pk).finish(mine, T0)


def test_a_call_is_sending_when_first_claimed_and_unknown_when_its_sender_was_lost(clock):
    row = call()
    assert claim(Queue.CALLS, T0).state == CallState.READY
    row.refresh_from_db()
    assert (row.state, row.first_sent_at) == (CallState.SENDING, T0)
    clock.shift(HOUR)
    assert claim(Queue.CALLS, timezone.now()).state == CallState.SENDING
    row.refresh_from_db()
    assert (row.state, row.first_sent_at) == (CallState.UNKNOWN, T0)


def test_a_flood_of_notices_of_one_payment_is_claimed_in_parts(monkeypatch):
    monkeypatch.setattr(queues, "MOST_TOGETHER", 2)
    for _ in range(7):
        NotificationFactory(gateway_id="cs_1", gateway="stripe", signers=[1], due_at=T0, session=None)
    leased = []
    while row := claim(Queue.NOTIFICATIONS, T0):
        leased.append(Notification.objects.filter(lease_token=row.lease_token).count())
    assert (sum(leased), max(leased) <= 3) == (7, True)


def test_due_notices_of_one_payment_are_claimed_together():
    first = NotificationFactory(due_at=T0 - SECOND)
    alike = {"session": first.session, "merchant": first.merchant}
    second, not_yet = NotificationFactory(due_at=T0, **alike), NotificationFactory(due_at=T0 + SECOND, **alike)
    other = NotificationFactory(due_at=T0)
    token = claim(Queue.NOTIFICATIONS, T0).lease_token
    assert set(Notification.objects.filter(lease_token=token)) == {first, second}
    assert claimed(Queue.NOTIFICATIONS) == other.pk
    not_yet.refresh_from_db()
    assert not_yet.attempts == 0


def test_notices_of_two_refunds_of_a_payment_are_claimed_one_after_the_other():
    first = NotificationFactory(due_at=T0 - SECOND, gateway_cancel_id="re_1")
    NotificationFactory(session=first.session, merchant=first.merchant, due_at=T0, gateway_cancel_id="re_2")
    token = claim(Queue.NOTIFICATIONS, T0).lease_token
    assert set(Notification.objects.filter(lease_token=token)) == {first}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("queue", Queue)
def test_a_worker_passes_over_what_another_is_just_claiming(queue):
    others, free = MAKE[queue](due_at=T0 - HOUR), MAKE[queue](due_at=T0)
    with being_claimed(others):
        assert claimed(queue) == free.pk


@pytest.mark.django_db(transaction=True)
def test_a_worker_does_not_wait_for_a_notice_of_its_payment_that_another_is_just_claiming():
    mine = NotificationFactory(due_at=T0 - HOUR)
    others = NotificationFactory(session=mine.session, merchant=mine.merchant, due_at=T0)
    with being_claimed(others):
        assert claimed(Queue.NOTIFICATIONS) == mine.pk


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("queue", Queue)
def test_no_row_is_claimed_twice(queue):
    rows = {MAKE[queue](due_at=T0).pk for _ in range(6)}
    chosen = Counter(at_once(*[partial(claimed, queue)] * 8))
    assert chosen.pop(None, 0) == 2
    assert chosen == Counter(rows)


@pytest.mark.django_db(transaction=True)
def test_at_most_eight_messages_are_on_their_way_to_one_shop():
    slow, quick = ShopFactory(), ShopFactory()
    for n in range(20):
        DeliveryFactory(shop=slow, due_at=T0 - HOUR + n * SECOND)
    others = {DeliveryFactory(shop=quick, due_at=T0).pk for _ in range(2)}
    chosen = at_once(*[partial(claimed, Queue.DELIVERIES)] * 16)
    assert Delivery.objects.filter(shop=slow, lease_token__isnull=False).count() == 8
    assert others <= set(chosen)  # a shop that has enough in hand does not stop another
    assert chosen.count(None) == 16 - 8 - len(others)


def test_a_message_that_came_back_makes_room_for_the_next(clock):
    shop = ShopFactory()
    for _ in range(8 + 2):
        DeliveryFactory(shop=shop, due_at=T0)
    first = claim(Queue.DELIVERIES, T0)
    assert sum(claimed(Queue.DELIVERIES) is not None for _ in range(20)) == 8 - 1
    Delivery.objects.filter(pk=first.pk).finish(first.lease_token, T0 + HOUR)
    assert claimed(Queue.DELIVERIES) is not None
    assert claimed(Queue.DELIVERIES) is None
    clock.shift(TABLES[Queue.DELIVERIES].lease)  # a worker that died with its row makes room too
    assert claimed(Queue.DELIVERIES) is not None


@pytest.mark.parametrize("queue", Queue)
def test_full_accounts_and_shops_are_passed_over(queue):
    full, free = MAKE[queue](due_at=T0 - HOUR), MAKE[queue](due_at=T0)
    lane = getattr(full, TABLES[queue].lane)
    assert claimed(queue, [lane]) == free.pk
    circuits.failed(TABLES[queue].lanes, lane, T0 - HOUR)
    assert claimed(queue, [lane]) is None  # not even as a probe


def test_an_open_circuit_lets_one_message_out_every_30_s(clock):
    shop = ShopFactory()
    for n in range(4):
        DeliveryFactory(shop=shop, due_at=T0 - HOUR + n * SECOND)
    for _ in range(OPEN_AFTER):
        circuits.failed(Kind.SHOP, shop.pk, T0)
    assert claimed(Queue.DELIVERIES) is None
    for _ in range(3):
        clock.shift(PROBE_EVERY)
        assert claimed(Queue.DELIVERIES) is not None
        assert claimed(Queue.DELIVERIES) is None


def test_an_account_that_fails_holds_nothing_back_and_is_probed_with_what_waits(clock):
    waiting = PaymentSessionFactory(due_at=T0 + HOUR)
    for _ in range(OPEN_AFTER):
        circuits.failed(Kind.ACCOUNT, waiting.merchant_id, T0)
    due = PaymentSessionFactory(due_at=T0, merchant=waiting.merchant)
    assert backlogs(T0)[Queue.LOOKS].due == 1
    assert [claimed(Queue.LOOKS) for _ in range(2)] == [due.pk, None]
    PaymentSession.objects.filter(pk=due.pk).update(due_at=None, lease_token=None)
    clock.shift(PROBE_EVERY)
    assert claimed(Queue.LOOKS) == waiting.pk


def test_a_probe_may_be_a_row_whose_worker_died(clock):
    row = DeliveryFactory(due_at=T0, lease_token=uuid4())
    for _ in range(OPEN_AFTER):
        circuits.failed(Kind.SHOP, row.shop_id, T0)
    clock.shift(PROBE_EVERY)
    assert backlogs(timezone.now())[Queue.DELIVERIES].due == 1
    assert claimed(Queue.DELIVERIES) == row.pk


def test_a_message_that_waits_for_its_predecessor_is_no_probe(clock):
    second = DeliveryFactory(sequence=2, due_at=T0)
    first = DeliveryFactory(session=second.session, kind="VirtualAccountIssued", due_at=T0 + HOUR)
    for _ in range(OPEN_AFTER):
        circuits.failed(Kind.SHOP, first.shop_id, T0)
    clock.shift(PROBE_EVERY)
    assert claimed(Queue.DELIVERIES) == first.pk


@pytest.mark.parametrize(("part", "is_probe"), [("", False), ("pi_1", False), ("refund/re_1", True)])
def test_a_notice_that_waits_for_its_session_is_no_probe_but_one_that_must_be_asked_about_is(clock, part, is_probe):
    """The work of the first asks nobody: it would take the turn of what can find out that the account is back."""
    account = PaymentSessionFactory().merchant
    row = NotificationFactory(merchant=account, session=None, attempts=1, due_at=T0 + HOUR, gateway_payment_id=part)
    for _ in range(OPEN_AFTER):
        circuits.failed(Kind.ACCOUNT, account.pk, T0)
    clock.shift(PROBE_EVERY)
    assert backlogs(timezone.now())[Queue.NOTIFICATIONS].due == int(is_probe)
    assert claimed(Queue.NOTIFICATIONS) == (row.pk if is_probe else None)
    Notification.objects.update(attempts=0)
    assert backlogs(timezone.now())[Queue.NOTIFICATIONS].due == int(not is_probe)


def test_one_query_tells_what_is_due_in_every_queue(django_assert_num_queries):
    for make in MAKE.values():
        make(due_at=T0 - 3 * SECOND), make(due_at=T0 - HOUR), make(due_at=T0 + SECOND)
    leased = PaymentSessionFactory(due_at=T0 + SECOND, lease_token=uuid4())
    with django_assert_num_queries(1):
        found = backlogs(T0)
    assert found == dict.fromkeys(Queue, queues.Backlog(2, T0 - HOUR))
    assert backlogs(leased.due_at)[Queue.LOOKS].due == 4  # a lease that ran out counts again


def test_the_count_ends_where_more_would_change_nothing():
    session = PaymentSessionFactory()
    row = NotificationFactory.build(session=session, merchant=session.merchant, due_at=T0)
    facts = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields if f.attname not in ("id", "uuid")}
    rows = [Notification(**{**facts, "dedupe_key": str(n)}) for n in range(MOST_COUNTED + 20)]
    rows[-1].due_at = T0 - HOUR
    Notification.objects.bulk_create(rows)
    assert backlogs(T0)[Queue.NOTIFICATIONS] == queues.Backlog(MOST_COUNTED, T0 - HOUR)


def test_what_an_open_circuit_holds_back_is_no_work_but_its_probe_is(clock):
    row = DeliveryFactory(due_at=T0)
    DeliveryFactory(shop=row.shop, due_at=T0)
    for _ in range(OPEN_AFTER):
        circuits.failed(Kind.SHOP, row.shop_id, T0)
    assert backlogs(T0)[Queue.DELIVERIES].due == 0
    clock.shift(PROBE_EVERY)
    assert backlogs(timezone.now())[Queue.DELIVERIES].due == 1


def test_a_probe_is_work_before_its_row_is_due():
    row = PaymentSessionFactory(due_at=T0 + HOUR)
    circuits.failed(Kind.ACCOUNT, row.merchant_id, T0 - PROBE_EVERY)
    assert backlogs(T0)[Queue.LOOKS].due == 1
    PaymentSession.objects.update(lease_token=uuid4())
    assert backlogs(T0)[Queue.LOOKS].due == 0


def test_a_lookup_may_end_a_call_that_nobody_has_sent():
    row = call()
    GatewayCall.objects.filter(pk=row.pk).update(state=CallState.REFUSED, due_at=None)
