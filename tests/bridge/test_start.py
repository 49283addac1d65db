"""PayStart: which session is handed out again, which one is closed first, and what the shop hears meanwhile."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from bridge import start as start_module
from merchants import lookup
from payments.models import Delivery, GatewayCall, Order, PaymentSession
from tests.factories import ConnectionFactory, MerchantFactory, ShopFactory
from tests.threads import until
from tests.world import code

PAGE_OF_A_PAID_ONE = {"status": "open", "payment_status": "unpaid", "payment_intent": None}
BEING_APPROVED = {"status": "open", "payment_status": "unpaid", "payment_intent.status": "processing"}


@pytest.fixture
def impatient(monkeypatch):
    """Waits for workers are short: where none works, waiting longer shows nothing more."""
    monkeypatch.setattr(start_module, "PAGE_SECONDS", 0.3)
    monkeypatch.setattr(start_module, "CLOSING_SECONDS", 0.3)


# The same page again


def test_an_equal_start_gets_the_same_page(world):
    first, second = world.start(), world.start()
    assert (second["PaymentId"], second["RedirectUrl"]) == (first["PaymentId"], first["RedirectUrl"])
    assert (world.pages(), world.stages()) == (["open"], ["STANDBY"])


def test_urls_and_buyer_are_updated_in_place(world):
    world.start(BuyerName="홍길동", BuyerEmail="old@shop.example")
    world.start(RedirectUrl="https://shop.example/a", CancelUrl="https://shop.example/b", BuyerName="홍길순")
    session = world.session()
    assert (session.redirect_url, session.cancel_url) == ("https://shop.example/a", "https://shop.example/b")
    assert session.buyer == {"name": "홍길순"}
    assert world.pages() == ["open"]


@pytest.mark.parametrize(("left", "same"), [(timedelta(minutes=5), True), (timedelta(minutes=4, seconds=59), False)])
def test_a_page_with_less_than_five_minutes_left_is_not_handed_out(world, left, same):
    first = world.start()
    with time_machine.travel(world.session().expires_at - left, tick=False), world.working():
        second = world.start()
    assert (second["PaymentId"] == first["PaymentId"]) == same
    assert world.pages() == (["open"] if same else ["expired", "open"])


# Closed, and a new one


def another_method(world):
    ConnectionFactory(method__code="KAKAOPAY", merchant=world.merchant)
    lookup.clear_cache()
    return {"PayType": "KAKAOPAY"}


def another_merchant(world):
    merchant = MerchantFactory(credentials={"secret_key": "sk_test_of_another", "webhook_secret": "whsec_x"})
    world.sandbox.stripe.add_account(
        mid=merchant.mid, secret_key="sk_test_of_another", webhook_secret="whsec_x", webhook_url=world.sandbox.url
    )
    world.merchant.connections.update(merchant=merchant)
    lookup.clear_cache()
    return {}


CHANGES = {
    "amount": lambda world: {"TotalPrice": "50000"},
    "tax free part": lambda world: {"TaxFreePrice": "900"},
    "device": lambda world: {"Device": "mobile"},
    "method": another_method,
    "merchant": another_merchant,
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_payment_closes_the_old_page_and_opens_a_new_one(world, what):
    first = world.start()
    changes = CHANGES[what](world)
    with world.working():
        second = world.start(**changes)
    assert (code(second), second["PaymentId"] != first["PaymentId"]) == ("Redirect", True)
    assert (world.pages(), world.stages()) == (["expired", "open"], ["EXPIRED REPLACED", "STANDBY"])
    assert not Delivery.objects.exists()  # the shop did this itself: nothing to tell it
    assert world.start(**changes)["PaymentId"] == second["PaymentId"]


def test_the_waiter_sees_the_end_of_a_closing_and_of_its_session_together(world):
    world.start()
    world.sandbox.faults.add("fetch", "latency", seconds=0.5)  # between the closing and the look at what it did
    with world.working():
        assert code(world.start(TotalPrice="50000")) == "Redirect"


def test_the_new_page_charges_the_new_amount_with_its_tax_free_part(world):
    world.start()
    with world.working():
        world.start(TotalPrice="50000", TaxFreePrice="900")
    session = world.session()
    assert (session.amount, session.tax_free) == (50000, 900)
    assert world.sandbox.stripe.books.sessions[session.gateway_id].amount == 50000


@pytest.mark.parametrize("ended", ["FAILED", "EXPIRED", "CANCELLED"])
def test_an_ended_session_is_followed_by_a_new_one(world, ended):
    world.start()
    PaymentSession.objects.update(stage=ended)
    assert code(world.start()) == "Redirect"
    assert world.stages() == [ended, "STANDBY"]


# What cannot be closed


def test_a_session_found_paid_is_told_instead_of_opening_another(world):
    world.start()
    world.pay_unheard()
    with world.working():
        answer = world.start(TotalPrice="50000")
        until(lambda: world.told() == ["PayComplete"])
    assert (code(answer), answer["Stage"], answer["Balance"]) == ("ALREADY_PAID", "PAID", "64900")
    assert (world.pages(), world.stages()) == (["complete"], ["PAID"])


def test_a_session_that_the_buyer_approves_just_now_is_left_alone(world):
    world.start()
    world.pay_unheard()
    world.sandbox.faults.add("fetch", "alter", set=BEING_APPROVED, times=None)
    with world.working():
        answer = world.start(TotalPrice="50000")
    assert (code(answer), answer["Type"], answer["RedirectUrl"]) == ("PAYMENT_IN_PROGRESS", "Pending", "")
    assert world.stages() == ["STANDBY"]


def test_a_session_of_which_nobody_knows_whether_it_was_closed_is_left_alone(world, impatient):
    world.start()
    world.sandbox.faults.add("expire", "error_before", status=503, times=None)
    with world.working():
        answer = world.start(TotalPrice="50000")
    assert (code(answer), world.stages()) == ("PAYMENT_IN_PROGRESS", ["STANDBY"])


def test_a_session_that_cannot_be_closed_gives_way_and_its_money_goes_to_review(world, settings):
    settings.PGB_REFUND_UNWANTED_PAYMENTS = False
    old = world.start()["PaymentId"]
    world.pay_unheard()
    lie = world.sandbox.faults.add("fetch", "alter", set=PAGE_OF_A_PAID_ONE, times=None)
    with world.working():
        assert code(world.start(TotalPrice="50000")) == "Redirect"
    assert world.stages() == ["EXPIRED SUPERSEDED", "STANDBY"]
    assert GatewayCall.objects.get(kind="EXPIRE").state == "REFUSED"
    world.sandbox.faults.clear(lie.id)
    PaymentSession.objects.filter(reference=old).ring(timezone.now())
    world.work()
    assert world.stages() == ["REVIEW SUPERSEDED", "STANDBY"]
    world.pay()
    world.work()
    assert world.stages() == ["REVIEW SUPERSEDED", "PAID"]
    assert world.told() == ["PayComplete"]
    assert world.sandbox.shop.books.orders["KR1", 1, 0].payment_id == world.session().reference != old


def test_a_session_that_the_gateway_has_lost_gives_way(world):
    world.start()
    world.sandbox.stripe.books.sessions.clear()
    with world.working():
        assert code(world.start(TotalPrice="50000")) == "Redirect"
    assert world.stages() == ["EXPIRED SUPERSEDED", "STANDBY"]


def test_money_of_a_session_that_gave_way_never_pays_the_order_even_if_no_new_one_was_opened(world, impatient):
    world.start()
    world.pay_unheard()
    lie = world.sandbox.faults.add("fetch", "alter", set=PAGE_OF_A_PAID_ONE, times=None)
    assert code(world.start(TotalPrice="50000")) == "PAYMENT_IN_PROGRESS"  # nobody works: the closing waits
    world.work()
    world.sandbox.faults.clear(lie.id)
    assert world.look().reason == "SUPERSEDED"
    assert (world.stages(), world.told()) == (["CANCELLED SUPERSEDED"], [])


# Paid, in review, somebody else's, a claim


def test_a_paid_order_is_not_started_again_whatever_is_asked(world):
    world.start()
    world.pay()
    world.work()
    for changes in ({}, {"TotalPrice": "50000"}, {"Device": "mobile"}):
        answer = world.start(**changes)
        assert (code(answer), answer["Stage"], answer["Balance"]) == ("ALREADY_PAID", "PAID", "64900")
    assert world.pages() == ["complete"]


def test_an_order_whose_money_is_in_review_waits_for_a_person(world):
    world.start()
    world.pay()
    world.sandbox.faults.add("fetch", "wrong", field="amount")
    world.work()
    answer = world.start()
    assert (code(answer), answer["Stage"]) == ("IN_REVIEW", "REVIEW")
    assert len(world.stages()) == 1


def test_another_joiner_gets_neither_the_order_nor_a_claim_of_it(world):
    ShopFactory(joiner_id=1002, redirect_hosts=["127.0.0.1"])
    world.start()
    for changes in ({}, {"ClaimId": 4}):
        response = world.post("/PGB/PayStart", world.order(JoinerId=1002, **changes))
        assert (response.status_code, code(response.json())) == (403, "FORBIDDEN")
    assert (Order.objects.count(), len(world.pages())) == (1, 1)


def test_a_claim_is_paid_beside_its_order(world):
    order, claim = world.start(), world.start(ClaimId=4, TotalPrice="3000")
    assert order["PaymentId"] != claim["PaymentId"]
    for reference in (order["PaymentId"], claim["PaymentId"]):
        world.sandbox.stripe.pay(reference)
    world.sandbox.settle()
    world.work()
    orders = world.sandbox.shop.books.orders
    assert {key: (told.total, told.completions) for key, told in orders.items()} == {
        ("KR1", 1, 0): ("64900", 1),
        ("KR1", 1, 4): ("3000", 1),
    }
