"""PayStatus: what the shop can always ask."""

import pytest

from merchants.lookup import clear_cache
from tests.factories import ShopFactory


def pay(world, order_id=1, **changes):
    answer = world.start(order_id, **changes)
    world.sandbox.stripe.pay(world.session(order_id).gateway_id)
    world.sandbox.settle()
    world.work()
    return answer["PaymentId"]


def test_an_order_that_was_never_started_is_not_found(world):
    answer = world.status(1)
    assert (answer["IsSuccess"], answer["ErrorCode"]) == (False, "ORDER_NOT_FOUND")
    assert answer["ClaimPayments"] == []


def test_a_paid_order_is_told_with_what_was_verified(world):
    payment_id = pay(world)
    answer = world.status()
    assert (answer["IsSuccess"], answer["Type"], answer["Stage"]) == (True, "Done", "PAID")
    assert (answer["TotalPrice"], answer["PaidPrice"], answer["Balance"], answer["Reserved"]) == (
        "64900",
        "64900",
        "64900",
        "0",
    )
    assert (answer["PaymentId"], answer["PGType"], answer["PayType"]) == (payment_id, "stripe", "CARD")
    assert (answer["Cancellations"], answer["OtherPayments"], answer["ClaimPayments"]) == ([], [], [])


def test_other_attempts_are_listed_the_newest_first(world):
    ids = []
    for price in ("100", "200", "300"):
        with world.working():
            ids.append(world.start(1, TotalPrice=price)["PaymentId"])
    answer = world.status(1)
    assert (answer["PaymentId"], answer["TotalPrice"], answer["Stage"]) == (ids[2], "300", "STANDBY")
    assert [(other["PaymentId"], other["Stage"]) for other in answer["OtherPayments"]] == [
        (ids[1], "EXPIRED"),
        (ids[0], "EXPIRED"),
    ]


def test_claim_payments_are_listed_unless_one_is_asked_for(world):
    main = pay(world, 1)
    claims = [world.start(1, ClaimId=claim, TotalPrice="500")["PaymentId"] for claim in (9, 7)]
    world.start(2, ClaimId=7)
    listed = world.status(1)["ClaimPayments"]
    assert [(one["ClaimId"], one["PaymentId"]) for one in listed] == [(7, claims[1]), (9, claims[0])]
    assert (world.status(1)["PaymentId"], world.status(1, ClaimId=0)["PaymentId"]) == (main, main)
    assert world.status(1, ClaimId=0)["ClaimPayments"] == []
    one = world.status(1, ClaimId=9)
    assert (one["ClaimId"], one["PaymentId"], one["ClaimPayments"]) == (9, claims[0], [])


def test_of_several_attempts_at_a_claim_the_standing_one_is_listed(world):
    for price in ("500", "600"):
        with world.working():
            newest = world.start(1, ClaimId=7, TotalPrice=price)["PaymentId"]
    assert [one["PaymentId"] for one in world.status(1)["ClaimPayments"]] == [newest]


def test_claim_payments_are_found_where_the_order_itself_was_paid_elsewhere(world):
    claim = world.start(1, ClaimId=7)["PaymentId"]
    answer = world.status(1)
    assert answer["ErrorCode"] == "ORDER_NOT_FOUND"
    assert [one["PaymentId"] for one in answer["ClaimPayments"]] == [claim]


@pytest.fixture
def sister(world):
    """Another joiner of the same DBType, with the same key."""
    ShopFactory(joiner_id=1002, redirect_hosts=world.shop.redirect_hosts)
    clear_cache()
    return {"JoinerId": 1002}


def test_another_joiners_order_is_forbidden(world, sister):
    world.start(1)
    assert world.status(1, **sister)["ErrorCode"] == "FORBIDDEN"
    assert world.start(1, **sister)["ErrorCode"] == "FORBIDDEN"


def test_another_joiners_claims_are_not_shown(world, sister):
    world.start(1, ClaimId=7)
    assert world.status(1, **sister)["ClaimPayments"] == []
