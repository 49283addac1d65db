"""Both kits hear what PGB tells them: true deliveries of forward.py, and what others would like them to believe."""

import json

import pytest
import requests
from django.utils import timezone

from payments.models import Delivery
from tests.door import signed
from tests.factories import SIGNING_SECRET
from tests.shop_kit.kit import OTHER_SECRET, start
from tests.threads import at_once


def paid(shop, world, order_id=7):
    """An order that is paid; the shop has been told once, however that went."""
    start(shop, OrderId=order_id)
    world.pay(order_id)
    world.work()
    return Delivery.objects.get()


def tell_again(world):
    """PGB tells again what is not delivered, without waiting for its ladder."""
    Delivery.objects.filter(state="WAITING").update(due_at=timezone.now())
    world.work()
    return Delivery.objects.get()


def kinds(shop):
    return [one["EventType"] for one in shop.books()]


def last_try(row):
    tried = row.tries.latest("number")
    return tried.http_status, json.loads(tried.answer)


def test_a_message_is_taken_and_answered(shop, world):
    row = paid(shop, world)
    assert row.state == "DELIVERED"
    assert last_try(row) == (200, {"IsSuccess": True})
    assert [one["EventId"] for one in shop.books()] == [str(row.event_id)]


def test_a_message_that_comes_twice_is_applied_once_and_answered_twice(shop, world):
    paid(shop, world)
    Delivery.objects.update(state="WAITING", due_at=timezone.now(), ended_at=None)
    world.work()
    row = Delivery.objects.get()
    assert (row.state, row.tries.count()) == ("DELIVERED", 2)
    assert kinds(shop) == ["PayComplete"]


def message(sequence=1, event_id="evt-1", **changes):
    body = {
        "EventId": event_id,
        "EventType": "PayComplete",
        "Sequence": sequence,
        "DBType": "KR1",
        "OrderId": 7,
        "ClaimId": 0,
        "Stage": "PAID",
        "TotalPrice": "64900",
        "Reason": "한글 日本語",
        "Balance": "64900.50",
        **changes,
    }
    return json.dumps(body, ensure_ascii=False)


def post(url, body, secret=SIGNING_SECRET, id_="evt-1", **kwargs):
    headers = signed(body, secret, id_=id_, **kwargs)
    return requests.post(url, body.encode(), headers=headers, timeout=10)


@pytest.fixture
def url(kit):
    """The completion URL of a shop on the kit, with new books."""
    return kit.listen(SIGNING_SECRET)


def test_the_same_message_many_times_at_once_is_applied_once(kit, url):
    answers = at_once(*[lambda: post(url, message()).json() for _ in range(8)])
    assert answers == [{"IsSuccess": True}] * 8
    assert kinds(kit) == ["PayComplete"]


def test_an_event_id_is_taken_once_whatever_else_stands_beside_it(kit, url):
    for sequence in (1, 2):
        assert post(url, message(sequence)).json() == {"IsSuccess": True}
    assert [one["Sequence"] for one in kit.books()] == [1]


def test_a_lower_sequence_is_heard_and_ignored(shop, world):
    start(shop)
    world.pay(7)
    start(shop, OrderId=8)
    world.pay(8)
    world.work()
    url = world.shop.completion_url
    for sequence, id_ in ((3, "evt-3"), (2, "evt-2"), (4, "evt-4")):
        assert post(url, message(sequence, id_), id_=id_).json() == {"IsSuccess": True}
    assert [(one["OrderId"], one["Sequence"]) for one in shop.books()] == [(7, 1), (8, 1), (7, 3), (7, 4)]


def test_each_order_and_claim_counts_for_itself(kit, url):
    others = [{}, {"OrderId": 8}, {"ClaimId": 3}, {"DBType": "JP1"}]
    for number, changes in enumerate(others):
        body = message(5 - number, f"evt-{number}", **changes)
        assert post(url, body, id_=f"evt-{number}").json() == {"IsSuccess": True}
    assert [one["Sequence"] for one in kit.books()] == [5, 4, 3, 2]


def test_a_refusal_is_repeated_by_pgb_until_the_shop_takes_it(shop, world):
    shop.next("refuse")
    row = paid(shop, world)
    assert row.state == "WAITING"
    assert last_try(row) == (200, {"IsSuccess": False, "ErrorMessage": "주문 시스템 점검 중입니다"})
    assert shop.books() == []
    assert tell_again(world).state == "DELIVERED"
    assert kinds(shop) == ["PayComplete"]


def test_what_can_never_be_accepted_is_not_repeated(shop, world):
    shop.next("final")
    row = paid(shop, world)
    assert row.state == "DEAD"
    assert last_try(row) == (200, {"IsSuccess": False, "ErrorMessage": "there is no such order", "Final": True})
    assert shop.books() == []


@pytest.mark.parametrize(
    ("fault", "why"), [("fail", "the order table is locked"), ("fail_commit", "the database went away")]
)
def test_it_is_heard_only_after_the_shops_own_commit(shop, world, fault, why):
    shop.next(fault)
    row = paid(shop, world)
    assert (row.state, last_try(row)[0], last_try(row)[1]["IsSuccess"]) == ("WAITING", 500, False)
    assert shop.books() == []
    assert why in shop.log()
    assert why not in row.tries.get().answer
    assert tell_again(world).state == "DELIVERED"
    assert kinds(shop) == ["PayComplete"]


@pytest.mark.parametrize("known", [[OTHER_SECRET], [SIGNING_SECRET], [OTHER_SECRET, SIGNING_SECRET]])
def test_while_a_secret_is_replaced_nothing_is_missed(shop, world, known):
    """PGB signs with both; the shop may know the old one, the new one, or both."""
    world.shop.signing_secret, world.shop.signing_secret_old = OTHER_SECRET, SIGNING_SECRET
    world.shop.completion_url = shop.listen(*known)
    world.shop.save()
    assert paid(shop, world).state == "DELIVERED"


def test_a_wrong_secret_is_told_to_pgb_and_to_the_log(shop, world):
    shop.listen(OTHER_SECRET)
    row = paid(shop, world)
    assert row.state == "WAITING"
    status, answer = last_try(row)
    assert (status, answer["IsSuccess"]) == (401, False)
    assert "is it the right secret" in answer["ErrorMessage"]
    assert "is it the right secret" in shop.log()
    shop.listen(SIGNING_SECRET)
    assert tell_again(world).state == "DELIVERED"


def test_amounts_and_text_arrive_as_they_are(kit, url):
    assert post(url, message(TotalPrice="64900.0000")).json() == {"IsSuccess": True}
    told = kit.books()[0]
    assert (told["TotalPrice"], told["Balance"]) == ("64900.0000", "64900.50")


def test_a_kind_of_message_that_is_new_is_taken(kit, url):
    assert post(url, message(EventType="SomethingNew", News={"a": [1, None]})).json() == {"IsSuccess": True}
    assert kinds(kit) == ["SomethingNew"]


@pytest.mark.parametrize(
    "forge",
    [
        lambda body: (body, signed(body, OTHER_SECRET, id_="evt-1")),
        lambda body: (body.replace("64900", "1"), signed(body, SIGNING_SECRET, id_="evt-1")),
        lambda body: (body, signed(body, SIGNING_SECRET, id_="evt-1", age=302)),
        lambda body: (body, signed(body, SIGNING_SECRET, id_="evt-1", age=-310)),
        lambda body: (body, signed(body, SIGNING_SECRET, id_="evt-1") | {"webhook-signature": "v1,AAAA"}),
        lambda body: (body, {}),
    ],
    ids=["another secret", "another body", "too old", "too new", "another signature", "unsigned"],
)
def test_what_is_not_signed_by_pgb_is_turned_away(kit, url, forge):
    body, headers = forge(message())
    answer = requests.post(url, body.encode(), headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["IsSuccess"]) == (401, False)
    assert kit.books() == []
    assert kit.log() != ""


@pytest.mark.parametrize(
    "body",
    [
        message(event_id="evt-2"),
        message(EventId=None),
        message(Sequence=0),
        message(OrderId=0),
        message(DBType=""),
        "[]",
        "{",
        "",
        "null",
    ],
)
def test_what_is_signed_but_no_message_is_turned_away(kit, url, body):
    answer = post(url, body)
    assert (answer.status_code, answer.json()["IsSuccess"]) == (400, False)
    assert kit.books() == []
