"""Telling the shop: what counts as heard, when it is told again, in which order, and when PGB gives up."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from bridge import forward
from payments import ladders
from payments.models import Delivery
from payments.queues import TABLES, Queue, claim
from tests.bridge.shop_door import NO, YES, answering_shop, fresh, owed, work
from tests.clock import T0
from tests.factories import SIGNING_SECRET
from tests.payments.factories import DeliveryFactory, EventFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
OLD_SECRET = "whsec_b2xkIHNlY3JldCBvZiAzMiBieXRlcyBmb3IgdGVzdHM="


@pytest.fixture
def shop():
    with answering_shop() as receiver:
        yield receiver


def successor(of, **changes):
    return DeliveryFactory(session=of.session, kind="PayFailed", sequence=of.sequence + 1, **changes)


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, b'{"IsSuccess": true}', "DELIVERED"),
        (201, b'{"ISSUCCESS": true, "Final": true}', "DELIVERED"),
        (200, b'\xef\xbb\xbf{"issuccess": true}', "DELIVERED"),
        (200, b'{"IsSuccess": false}', "WAITING"),
        (200, b'{"IsSuccess": "true"}', "WAITING"),
        (200, b'{"IsSuccess": 1}', "WAITING"),
        (200, b'{"Success": true}', "WAITING"),
        (200, b'[{"IsSuccess": true}]', "WAITING"),
        (200, b"<html><body>welcome</body></html>", "WAITING"),
        (200, b"", "WAITING"),
        (200, b'{"IsSuccess": tru', "WAITING"),
        (200, b"\xff\xfe\xfd", "WAITING"),
        (302, b'{"IsSuccess": true}', "WAITING"),
        (404, b'{"IsSuccess": true}', "WAITING"),
        (429, b'{"IsSuccess": true}', "WAITING"),
        (500, b'{"IsSuccess": true}', "WAITING"),
        (410, b"", "DEAD"),
        (410, b'{"IsSuccess": true}', "DEAD"),
        (200, b'{"IsSuccess": false, "Final": true}', "DEAD"),
        (500, b'{"isSuccess": false, "final": true}', "DEAD"),
        (200, b'{"IsSuccess": false, "Final": "true"}', "WAITING"),
        (200, b'{"Final": true}', "WAITING"),
    ],
)
def test_only_a_2xx_that_says_is_success_true_is_heard(shop, status, body, state):
    row = owed(shop)
    shop.answers = [(status, body)]
    assert work() == 1
    assert fresh(row).state == state
    tried = row.tries.get()
    assert (tried.number, tried.http_status, tried.accepted) == (1, status, state == "DELIVERED")


def test_a_message_is_told_again_on_the_ladder_for_seven_days_and_then_given_to_staff(shop, clock):
    row = owed(shop)
    shop.answers = [NO] * 50
    at = []
    while fresh(row).state == "WAITING":
        clock.move_to(row.due_at - timedelta(microseconds=1))
        assert work() == 0
        clock.move_to(row.due_at)
        assert work() == 1
        at.append(timezone.now())
    waits = [(later - earlier).total_seconds() for earlier, later in pairwise(at)]
    steps = [ladders.step(ladders.TO_THE_SHOP, n) for n in range(1, len(at))]
    assert all(step <= wait <= 1.1 * step for step, wait in zip(steps, waits, strict=True))
    assert row.state == "DEAD"
    assert timedelta(days=7) <= at[-1] - T0 < timedelta(days=8.2)
    assert fresh(row.session).attention
    assert row.session.events.get().facts["result"] == "no IsSuccess true in the answer"
    assert len(shop.received) == row.tries.count() == len(at)
    clock.shift(timedelta(days=30))
    assert work() == 0


def test_every_try_carries_the_same_event_and_body_under_a_fresh_signature(shop, clock):
    owed(shop)
    shop.answers = [NO, YES]
    work()
    clock.shift(10 * SECOND)
    work()
    first, second = shop.received
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] == str(int(T0.timestamp()))
    assert second.headers["webhook-timestamp"] == str(int(T0.timestamp()) + 10)
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    Webhook(SIGNING_SECRET).verify(second.body, second.headers)


def test_while_a_secret_is_replaced_either_verifies(shop):
    row = owed(shop)
    shop.shop.signing_secret_old = OLD_SECRET
    shop.shop.save()
    work()
    told = shop.received[0]
    for secret in (SIGNING_SECRET, OLD_SECRET):
        Webhook(secret).verify(told.body, told.headers)
    assert told.headers["webhook-id"] == str(row.event_id)


def test_a_message_processed_but_answered_500_takes_effect_once(world, clock):
    world.sandbox.faults.add("forward", "error_after", status=500)
    world.start(1)
    world.pay(1)
    world.work()
    assert world.told(1) == []
    clock.shift(6 * SECOND)
    world.work()
    books = world.sandbox.shop.books
    event = str(Delivery.objects.get().event_id)
    assert (books.received[event], books.applied[event]) == (2, 1)
    assert books.orders["KR1", 1, 0].completions == 1
    assert world.told(1) == ["PayComplete"]


def test_redirects_are_not_followed(world):
    world.sandbox.faults.add("forward", "redirect", location=f"{world.sandbox.url}/shop/complete")
    world.start(1)
    world.pay(1)
    world.work()
    row = Delivery.objects.get()
    assert (row.state, row.tries.get().result) == ("WAITING", "HTTP 302")


def test_a_message_waits_for_its_predecessor_and_follows_at_once(shop, clock):
    first = owed(shop)
    second = successor(first)
    shop.answers = [NO, NO, YES, YES]
    work()
    assert fresh(second).tries.count() == second.attempts == 0  # waiting is no try
    clock.shift(7 * SECOND)
    work()
    assert len(shop.received) == 2
    clock.shift(40 * SECOND)
    work()
    assert [fresh(row).state for row in (first, second)] == ["DELIVERED", "DELIVERED"]
    assert [one.json["Sequence"] for one in shop.received] == [1, 1, 1, 2]


def test_a_message_waits_at_most_15_minutes(shop, clock):
    first = owed(shop, due_at=T0 + HOUR)
    second = successor(first)
    shop.answers = [YES, YES]
    work()
    clock.shift(15 * MINUTE - SECOND)
    work()
    assert shop.received == []
    clock.shift(SECOND)
    work()
    assert [fresh(row).state for row in (first, second)] == ["WAITING", "DELIVERED"]


@pytest.mark.parametrize("state", ["DEAD", "DELIVERED"])
def test_an_ended_message_blocks_nobody(shop, state):
    second = successor(owed(shop, state=state))
    shop.answers = [YES]
    work()
    assert fresh(second).state == "DELIVERED"


@pytest.mark.parametrize(("answer", "state"), [(YES, "DELIVERED"), ((410, b""), "DEAD")])
def test_who_waited_for_a_message_that_ends_goes_at_once(shop, answer, state):
    first = owed(shop, due_at=T0 + 10 * MINUTE)
    second = successor(first)
    work()
    assert fresh(second).due_at == first.due_at
    Delivery.objects.filter(pk=first.pk).update(due_at=T0)  # sent earlier, by a person or because the shop is back
    shop.answers = [answer, YES]
    work()
    assert [fresh(row).state for row in (first, second)] == [state, "DELIVERED"]


def test_a_predecessor_that_ends_while_the_next_steps_back_is_not_waited_for(shop, monkeypatch):
    first = owed(shop, due_at=T0 + HOUR)
    second = successor(first)
    look = forward._predecessor
    ends = [lambda: Delivery.objects.filter(pk=first.pk).update(state="DELIVERED", due_at=None)]

    def predecessor(delivery):
        found = look(delivery)
        while ends:
            ends.pop()()
        return found

    monkeypatch.setattr(forward, "_predecessor", predecessor)
    shop.answers = [YES]
    work()
    assert fresh(second).state == "DELIVERED"


def test_a_try_whose_worker_died_stays_visible_and_is_made_again(shop, clock):
    row = owed(shop)
    row.tries.create(number=1)
    claim(Queue.DELIVERIES, T0)
    clock.shift(TABLES[Queue.DELIVERIES].lease)
    shop.answers = [YES]
    work()
    assert [(one.number, one.result) for one in row.tries.order_by("number")] == [(1, "started"), (2, "accepted")]


def test_a_worker_that_comes_too_late_changes_nothing(shop, clock):
    row = owed(shop)
    late = claim(Queue.DELIVERIES, T0)
    clock.shift(TABLES[Queue.DELIVERIES].lease)
    holder = claim(Queue.DELIVERIES, timezone.now())
    shop.answers = [(410, b"")]
    forward.deliver(late)
    assert (fresh(row).state, row.lease_token) == ("WAITING", holder.lease_token)
    assert not fresh(row.session).attention


@pytest.mark.parametrize(
    ("events", "changes", "others", "marked"),
    [
        (["not_told"], {}, 0, False),
        (["not_told"], {"session__stage": "REVIEW"}, 0, True),
        (["not_told"], {"session__disputed": True}, 0, True),
        (["not_told", "overlap"], {}, 0, True),
        ([], {}, 0, True),
        (["not_told"], {}, 1, True),
    ],
)
def test_a_payment_whose_shop_was_told_after_all_needs_nobody(shop, events, changes, others, marked):
    """Unless something else about it does, or another message of it was given up."""
    row = owed(shop, session__attention=True, **changes)
    for kind in events:
        EventFactory(session=row.session, kind=kind)
    for _ in range(others):
        successor(row, state="DEAD", due_at=None)
    shop.answers = [YES]
    work()
    assert fresh(row).state == "DELIVERED"
    assert fresh(row.session).attention is marked
