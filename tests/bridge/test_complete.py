"""The verification recipe: only a payment that is right in every point is told to the shop as paid."""

from dataclasses import replace

import pytest
from django.db import transaction
from django.utils import timezone

from bridge import complete, drains
from payments import ledger
from payments.models import Delivery, GatewayCall, PaymentSession
from payments.queues import Queue
from payments.states import Reason, Stage
from tests.world import code


def say(world, **facts):
    """From now on the gateway says this of every payment, and nothing else untrue. A dot is written as ``__``."""
    world.sandbox.faults.clear()
    lies = {name.replace("__", "."): value for name, value in facts.items()}
    world.sandbox.faults.add("fetch", "alter", set=lies, times=None)


def paid_and_asked(world, **lies):
    """The buyer has paid, and what the gateway answers to our question differs from the truth in ``lies``."""
    world.start()
    say(world, **lies)
    world.pay()
    world.work()
    return world.session()


WRONG = {
    "amount": ("WRONG_AMOUNT", {"amount_total": 64901}),
    "less received": ("WRONG_AMOUNT", {"payment_intent__amount_received": 64899}),
    "more received": ("WRONG_AMOUNT", {"payment_intent__amount_received": 64901}),
    "currency": ("WRONG_CURRENCY", {"currency": "jpy"}),
    "another reference": ("WRONG_ORDER", {"client_reference_id": "somebody-else"}),
    "no reference": ("WRONG_ORDER", {"client_reference_id": None}),
    "gateway id": ("WRONG_ORDER", {"id": "cs_test_of_somebody_else"}),
    "live": ("WRONG_MODE", {"livemode": True}),
    "no payment required": ("NOT_SETTLED", {"payment_status": "no_payment_required"}),
    "intent processing": ("NOT_SETTLED", {"payment_intent__status": "processing"}),
    "intent not captured": ("NOT_SETTLED", {"payment_intent__status": "requires_capture"}),
    "no intent": ("NOT_SETTLED", {"payment_intent": None}),
    "another mode": ("NOT_SETTLED", {"mode": "setup"}),
    "partly refunded": ("ALREADY_REVERSED", {"payment_intent__latest_charge__amount_refunded": 1}),
    "refunded": ("ALREADY_REVERSED", {"payment_intent__latest_charge__amount_refunded": 64900}),
    "disputed": ("ALREADY_REVERSED", {"payment_intent__latest_charge__disputed": True}),
}


@pytest.mark.parametrize(("reason", "lie"), WRONG.values(), ids=list(WRONG))
def test_a_payment_that_is_wrong_in_one_point_goes_to_review_and_is_not_told(world, reason, lie):
    session = paid_and_asked(world, **lie)
    assert (session.stage, session.reason, session.attention) == ("REVIEW", reason, True)
    assert (Delivery.objects.count(), world.sandbox.shop.books.orders) == (0, {})
    event = session.events.get(kind="review")
    assert (event.facts["reason"], event.facts["expected"], event.actor) == (reason, 64900, "gateway")
    assert (world.status()["Stage"], world.status()["Reason"]) == ("REVIEW", reason)


def test_money_in_review_stays_there_whatever_the_gateway_says_later(world):
    session = paid_and_asked(world, amount_total=64901)
    world.sandbox.faults.clear()
    assert world.look().stage == "REVIEW"
    assert (session.deliveries.count(), world.look().due_at) == (0, None)


def test_money_of_another_currency_is_not_counted_as_ours(world):
    assert (paid_and_asked(world, currency="jpy").paid, world.session().balance) == (0, 0)
    assert world.session().events.get(kind="review").facts["found_currency"] == "JPY"


UNPAID = {
    "open": ("STANDBY", [], {"status": "open", "payment_status": "unpaid", "payment_intent": None}),
    "being approved": (
        "STANDBY",
        [],
        {"status": "open", "payment_status": "unpaid", "payment_intent__status": "processing"},
    ),
    "expired": ("EXPIRED", ["PayExpired"], {"status": "expired", "payment_status": "unpaid", "payment_intent": None}),
    "declined at last": ("FAILED", ["PayFailed"], {"payment_status": "unpaid", "payment_intent__status": "canceled"}),
    "awaited": (
        "WAITING_DEPOSIT",
        ["VirtualAccountIssued"],
        {"payment_status": "unpaid", "payment_intent__status": "requires_action"},
    ),
}


@pytest.mark.parametrize(("stage", "told", "lie"), UNPAID.values(), ids=list(UNPAID))
def test_what_the_gateway_does_not_call_paid_is_not_paid_whatever_its_webhooks_said(world, stage, told, lie):
    session = paid_and_asked(world, **lie)
    assert (session.stage, session.paid, world.told()) == (stage, 0, told)


@pytest.mark.parametrize("first", ["expired", "declined at last", "awaited"])
def test_money_that_comes_after_bad_news_pays_the_order(world, first):
    _, told, lie = UNPAID[first]
    paid_and_asked(world, **lie)
    world.sandbox.faults.clear()
    session = world.look()
    assert (session.stage, session.reason, session.paid) == ("PAID", "", 64900)
    assert world.told() == [*told, "PayComplete"]
    assert world.sandbox.shop.books.orders["KR1", 1, 0].stage == "PAID"


LATE = {
    "open": {"status": "open", "payment_status": "unpaid", "payment_intent": None},
    "expired": {"status": "expired", "payment_status": "unpaid", "payment_intent": None},
    "declined": {"payment_status": "unpaid", "payment_intent__status": "canceled"},
    "awaited": {"payment_status": "unpaid", "payment_intent__status": "requires_action"},
    "another amount": {"amount_total": 1},
    "another order": {"client_reference_id": "somebody-else"},
    "unsettled": {"payment_status": "no_payment_required"},
}


@pytest.mark.parametrize("lie", LATE.values(), ids=list(LATE))
def test_late_bad_news_never_downgrades_what_is_paid(world, lie):
    paid_and_asked(world)
    say(world, **lie)
    session = world.look()
    assert (session.stage, session.paid, world.told()) == ("PAID", 64900, ["PayComplete"])
    assert session.due_at is None  # worked off, not put off after an error


def test_a_dispute_is_shown_while_it_stands(world):
    paid_and_asked(world)
    say(world, payment_intent__latest_charge__disputed=True)
    session = world.look()
    assert (session.stage, session.disputed, session.attention) == ("PAID", True, True)
    world.sandbox.faults.clear()
    session = world.look()
    assert (session.disputed, session.attention) == (False, True)  # a person has not seen it yet
    assert [event.kind for event in session.events.filter(kind__startswith="disput").order_by("pk")] == [
        "disputed",
        "dispute_over",
    ]


# Of several attempts of one order


def replaced_but_not_closed(world):
    """A session that gave way to a new one and was paid all the same; the new one is returned last."""
    world.start()
    world.pay_unheard()
    say(world, status="open", payment_status="unpaid", payment_intent=None)
    with world.working():
        assert code(world.start(TotalPrice="50000")) == "Redirect"
    world.sandbox.faults.clear()
    return PaymentSession.objects.order_by("pk")


@pytest.fixture
def by_hand(settings):
    """Money that may not pay its order waits for a person."""
    settings.PGB_REFUND_UNWANTED_PAYMENTS = False


def ask_about(world, session):
    PaymentSession.objects.filter(pk=session.pk).update(due_at=session.created_at)
    world.work()
    session.refresh_from_db()
    return f"{session.stage} {session.reason}".strip()


def test_money_of_a_superseded_session_is_a_double_payment_once_the_new_one_is_paid(world, by_hand):
    old, new = replaced_but_not_closed(world)
    world.pay()
    world.work()
    assert ask_about(world, old) == "REVIEW DOUBLE_PAYMENT"
    assert (world.stages(), world.told()) == (["REVIEW DOUBLE_PAYMENT", "PAID"], ["PayComplete"])
    assert world.status()["PaymentId"] == new.reference


def test_money_after_an_expiry_is_superseded_by_a_newer_attempt_even_an_ended_one(world, by_hand):
    world.start()
    world.pay_unheard()
    PaymentSession.objects.update(stage="EXPIRED", reason="LIFETIME")
    old = world.session()
    world.start()
    PaymentSession.objects.exclude(pk=old.pk).update(stage="FAILED")
    assert ask_about(world, old) == "REVIEW SUPERSEDED"
    assert world.told() == []


def test_money_of_a_payment_that_the_shop_cancelled_goes_to_review(world, by_hand):
    world.start()
    PaymentSession.objects.update(stage=Stage.CANCELLED)
    world.pay()
    world.work()
    assert (world.stages(), world.told()) == (["REVIEW CANCELLED_BY_SHOP"], [])


def test_money_that_may_not_pay_its_order_goes_back_by_itself_and_only_that(world):
    old, new = replaced_but_not_closed(world)
    world.pay()
    world.work()
    assert ask_about(world, old) == "CANCELLED DOUBLE_PAYMENT"
    assert (world.stages()[1], world.told(), world.refunds()) == ("PAID", ["PayComplete"], [64900])
    assert [cancel.origin for cancel in old.cancellations.all()] == ["POLICY"]
    assert (old.attention, world.status()["PaymentId"]) == (False, new.reference)
    assert [other["Stage"] for other in world.status()["OtherPayments"]] == ["CANCELLED"]


def test_money_that_cannot_go_back_by_itself_waits_for_a_person(konbini):
    PaymentSession.objects.update(stage=Stage.CANCELLED)
    konbini.sandbox.stripe.deposit(konbini.session().gateway_id)
    konbini.look()
    assert (konbini.stages(), konbini.session().attention) == (["REVIEW CANCELLED_BY_SHOP"], True)
    assert konbini.refunds() == []


def test_a_cancelled_payment_that_had_been_paid_is_left_as_it_is(world):
    paid_and_asked(world)
    PaymentSession.objects.update(stage=Stage.CANCELLED, cancelled=64900)
    assert (world.look().stage, world.told()) == ("CANCELLED", ["PayComplete"])


# Calls and ids


def test_money_seen_before_a_closing_was_sent_ends_the_closing(world):
    world.start()
    world.pay()
    with transaction.atomic():
        complete.close_at_gateway(ledger.lock_session(world.session().pk), Reason.REPLACED, timezone.now())
    drains.drain(Queue.NOTIFICATIONS)
    closing = GatewayCall.objects.get(kind="EXPIRE")
    assert (world.stages(), closing.state, closing.first_sent_at) == (["PAID"], "REFUSED", None)


def test_an_answer_about_somebody_elses_payment_is_not_adopted(world):
    world.start()
    session = world.session()
    found = complete.ask(session)
    PaymentSession.objects.update(gateway_id="", page_url="")
    complete.settle(session.pk, replace(found, reference="somebody-else"), "webhook")
    assert world.session().gateway_id == ""
    complete.settle(session.pk, found, "webhook")
    assert (world.session().gateway_id, world.session().page_url) == (session.gateway_id, session.page_url)


# Paid later


def test_a_number_to_pay_at_is_told_and_then_the_money(konbini):
    assert konbini.look().stage == "WAITING_DEPOSIT"
    konbini.sandbox.stripe.deposit(konbini.session().gateway_id)
    assert konbini.look().stage == "PAID"
    assert konbini.told() == ["VirtualAccountIssued", "PayComplete"]


def test_a_deposit_that_never_comes_fails_the_payment(konbini):
    konbini.look()
    konbini.sandbox.stripe.deposit(konbini.session().gateway_id, arrived=False)
    assert (konbini.look().stage, konbini.session().reason) == ("FAILED", "NOT_PAID")
    assert konbini.told() == ["VirtualAccountIssued", "PayFailed"]
