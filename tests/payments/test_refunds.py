"""The books of money going back: what is granted, and how much of it is free of tax."""

import random

import pytest
from django.db import transaction

from payments import ledger, refunds
from payments.models import CallKind, Cancellation, GatewayCall, Order, PaymentSession
from tests.payments.factories import CallFactory, OrderFactory, PaidSessionFactory, PaymentSessionFactory
from tests.payments.refunding import NOW, ask, book, done, lines, refused, reversed_, sums
from tests.sql import is_locked

pytestmark = pytest.mark.django_db


def test_the_order_that_a_cancel_is_about_is_locked_and_never_made(transactional_db):
    order = OrderFactory()
    with transaction.atomic():
        assert ledger.lock_known_order(order.shop, order.joiner_id, order.order_id, 0) == order
        assert is_locked(order)
        assert ledger.lock_known_order(order.shop, order.joiner_id, order.order_id, 3) is None
        with pytest.raises(ledger.AnotherJoiner):
            ledger.lock_known_order(order.shop, order.joiner_id + 1, order.order_id, 0)
    assert Order.objects.count() == 1


# What is granted


def test_a_grant_is_a_reservation_a_cancel_and_a_call_that_is_due():
    session = PaidSessionFactory()
    made = ask(session, 4900, request_id="one", request_digest="d", reason="색상 불량", account={"bank": "004"})
    assert sums(session) == ("PAID", 0, 4900, 60000, 0)
    assert (made.state, made.balance_before, made.generation) == ("REQUESTED", 64900, 0)
    stored = Cancellation.objects.get()
    assert (stored.request_id, stored.request_digest, stored.account) == ("one", "d", {"bank": "004"})
    call = GatewayCall.objects.get()
    assert (call.kind, call.state, call.cancellation, call.due_at, call.body) == ("CANCEL", "READY", made, NOW, None)
    assert call.idempotency_key == f"pgb:cancel:{made.uuid}"
    assert lines(session) == ["cancel_requested"]


@pytest.mark.parametrize("stage", ["STANDBY", "WAITING_DEPOSIT", "FAILED", "EXPIRED", "CANCELLED"])
def test_of_a_payment_without_money_nothing_is_granted(stage):
    with pytest.raises(refunds.NothingToCancel):
        ask(PaymentSessionFactory(stage=stage), 1)


def test_of_a_review_without_money_nothing_is_granted():
    with pytest.raises(refunds.NothingToCancel):
        ask(PaymentSessionFactory(stage="REVIEW"), 1)


def test_one_cancel_at_a_time():
    session = PaidSessionFactory()
    first = ask(session, 1000)
    with pytest.raises(refunds.CancelOpen):
        ask(session, 2000)
    book(refunds.pending, first, "re_1")
    GatewayCall.objects.update(state="DONE", due_at=None)
    assert ask(session, 2000).balance_before == 63900


def test_beside_another_open_call_nothing_is_granted():
    session = PaidSessionFactory()
    CallFactory(session=session, kind=CallKind.EXPIRE, state="UNKNOWN", due_at=NOW)
    with pytest.raises(refunds.CancelOpen):
        ask(session, 1000)


@pytest.mark.parametrize("amount", [-1, 0, 64901, 10**15])
def test_never_more_than_is_left(amount):
    session = PaidSessionFactory()
    with pytest.raises(refunds.NotEnough):
        ask(session, amount)
    assert sums(session) == ("PAID", 0, 0, 64900, 0)
    assert not Cancellation.objects.exists()


def test_what_is_pending_and_what_went_back_are_both_not_left():
    session = PaidSessionFactory()
    book(refunds.pending, ask(session, 30000), "re_1")
    GatewayCall.objects.update(state="DONE", due_at=None)
    done(ask(session, 30000))
    GatewayCall.objects.update(state="DONE", due_at=None)
    with pytest.raises(refunds.NotEnough):
        ask(session, 4901)
    assert ask(session, 4900).balance_before == 4900


# The tax-free part: 4,900 of 64,900 won


@pytest.fixture
def mixed():
    return PaidSessionFactory(tax_free=4900)


def ended(cancellation):
    """It went back, and its call is over."""
    done(cancellation)
    GatewayCall.objects.filter(cancellation=cancellation).update(state="DONE", due_at=None)
    return cancellation.tax_free


def test_without_a_word_the_smallest_tax_free_part_that_fits_goes_back(mixed):
    assert [ended(ask(mixed, amount)) for amount in (10000, 52000, 2900)] == [0, 2000, 2900]
    assert sums(mixed)[:2] == ("CANCELLED", 64900)


def test_the_shop_may_choose_the_tax_free_part(mixed):
    assert [ended(ask(mixed, 10000, 4000)), ended(ask(mixed, 54900))] == [4000, 900]


@pytest.mark.parametrize(
    ("amount", "tax_free"), [(10000, 4901), (62000, 1999), (100, 101), (100, -1), (64900, 4899), (64900, 4901)]
)
def test_a_tax_free_part_that_does_not_fit_is_refused(mixed, amount, tax_free):
    with pytest.raises(refunds.NotEnough):
        ask(mixed, amount, tax_free)
    assert not refunds.fits(mixed, amount, tax_free)


@pytest.mark.parametrize(("amount", "tax_free"), [(10000, 0), (10000, 4900), (62000, 2000), (64900, 4900)])
def test_a_tax_free_part_that_just_fits_is_granted(mixed, amount, tax_free):
    assert refunds.fits(mixed, amount, tax_free)
    assert ask(mixed, amount, tax_free).tax_free == tax_free


def test_a_payment_without_tax_free_part_has_none_to_give_back():
    session = PaidSessionFactory()
    assert ask(session, 64900).tax_free == 0
    assert not refunds.fits(session, 100, 1)


@pytest.mark.parametrize("back", [refused, reversed_])
def test_the_tax_free_part_of_money_that_came_back_can_go_again(mixed, back):
    cancellation = ask(mixed, 10000, 4900)
    if back is reversed_:
        done(cancellation)
    back(cancellation)
    GatewayCall.objects.update(state="DONE", due_at=None)
    assert ask(mixed, 10000, 4900).tax_free == 4900


def test_a_tax_free_part_that_is_under_way_cannot_go_twice(mixed):
    book(refunds.pending, ask(mixed, 10000, 4900), "re_1")
    GatewayCall.objects.update(state="DONE", due_at=None)
    assert not refunds.fits(PaymentSession.objects.get(), 10000, 1)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_parts_their_tax_free_sum_is_that_of_the_payment(seed):
    dice = random.Random(seed)
    session = PaidSessionFactory(amount=1000, tax_free=dice.randint(0, 1000))
    given = []
    while (left := PaymentSession.objects.get(pk=session.pk).balance) > 0:
        amount = min(left, dice.randint(1, 400))
        chosen = dice.choice([None, *range(0, amount + 1, 7)])
        row = PaymentSession.objects.get(pk=session.pk)
        given.append(ended(ask(session, amount, chosen if refunds.fits(row, amount, chosen) else None)))
        assert sum(given) <= session.tax_free
    assert sum(given) == session.tax_free
