"""Which payment an event is about: by its id, its intent's id or our reference, and only the signer's own."""

from dataclasses import replace

import pytest

from bridge import drains, start
from merchants.lookup import clear_cache
from payments.models import Notification
from payments.queues import Queue
from tests.bridge.bell import Bell, row, wait_for, waits
from tests.factories import MerchantFactory

COMPLETED = "checkout.session.completed"


def test_payment_is_known_by_our_mark_on_its_intent(bell):
    """Before PGB has heard of the intent: the metadata of the session reaches it."""
    bell.world.pay()
    event = bell.event("charge.succeeded")
    event["data"]["object"]["metadata"] = {"pgb_reference": bell.world.session().reference}
    bell.ring(event)
    bell.world.work()
    assert bell.world.session().stage == "PAID"


@pytest.mark.parametrize("form", ["event", "thin"])
def test_payment_is_known_by_the_id_of_its_intent(bell, form):
    """From the second try on: the first, declined, told PGB the id."""
    bell.world.pay(how="decline")
    assert bell.world.look().gateway_payment_id
    event = getattr(bell, form)("payment_intent.payment_failed")
    if form == "event":
        event["data"]["object"]["metadata"] = {}
    bell.world.pay()
    bell.ring(event)
    bell.world.work()
    assert (row().session, bell.world.session().stage) == (bell.world.session(), "PAID")


def test_event_of_another_merchants_payment_does_not_even_ask(bell):
    merchant = MerchantFactory(credentials={"secret_key": "sk_test_other", "webhook_secret": "whsec_other"})
    clear_cache()
    bell.world.pay()
    event = bell.event()
    for path in ("/PGBReturn/Webhook", f"/PGBReturn/Webhook/stripe/{merchant.webhook_token}"):
        assert bell.ring(event, secret="whsec_other", path=path).status_code == 200
    bell.world.work()
    assert (bell.world.session().stage, bell.asked()) == ("STANDBY", 0)
    for notification in Notification.objects.all():
        assert (notification.merchant, notification.session) == (merchant, None)
        assert notification.result == "no payment of ours yet"


def test_event_of_merchants_that_share_an_account_finds_its_payment(bell):
    """At the default address both secrets match: the session says whose it is."""
    other = MerchantFactory(code="stripe-jp", currency="JPY")
    clear_cache()
    bell.world.pay()
    bell.ring(bell.event(), path="/PGBReturn/Webhook")
    assert (row().merchant, sorted(row().signers)) == (None, sorted([bell.world.merchant.pk, other.pk]))
    bell.world.work()
    assert bell.world.session().stage == "PAID"


def test_unknown_payment_waits_a_day_and_is_then_shown_to_staff(bell, clock):
    event = bell.lie(COMPLETED, id="cs_test_of_nobody", client_reference_id=None)
    bell.ring(event)
    for wait in (10, 60, 300, 1800, 7200, 12 * 3600, 24 * 3600):
        bell.world.work()
        assert (row().session, row().attention, row().result) == (None, False, "no payment of ours yet")
        assert wait <= waits(row()) <= wait * 1.1
        wait_for(clock, row())
    bell.world.work()
    assert (row().due_at, row().attention, row().result) == (None, True, "no payment of ours")
    assert not any("of_nobody" in call.path for call in bell.world.sandbox.stripe.books.calls)


@pytest.fixture
def lost(world, monkeypatch):
    """Order 1 has a page at Stripe, paid already, and PGB does not know its id: the answer was lost."""
    monkeypatch.setattr(start, "PAGE_SECONDS", 0.1)
    world.sandbox.faults.add("webhook", "drop", times=None)
    world.sandbox.faults.add("start", "answer_lost")
    world.start()
    assert world.session().gateway_id == ""
    bell = Bell(world)
    (bell.page,) = world.sandbox.stripe.books.sessions
    world.sandbox.stripe.pay(bell.page)
    return bell


def test_unknown_payment_is_looked_at_as_soon_as_a_session_takes_its_id(lost):
    lost.ring(lost.thin())
    drains.drain(Queue.NOTIFICATIONS)
    assert (row().result, row().session) == ("no payment of ours yet", None)
    assert waits(row()) > 5
    drains.drain(Queue.CALLS)  # finds out what became of the start
    assert lost.world.session().gateway_id == lost.page
    assert waits(row()) <= 0
    lost.world.work()
    assert (row().result, row().session, row().due_at) == ("PAID", lost.world.session(), None)
    assert lost.world.told() == ["PayComplete"]


def test_payment_without_an_id_is_known_by_our_reference(lost):
    lost.ring(lost.event())
    drains.drain(Queue.NOTIFICATIONS)
    session = lost.world.session()
    assert (session.stage, session.gateway_id, session.calls.get().state) == ("PAID", lost.page, "DONE")
    assert "list" not in {call.operation for call in lost.world.sandbox.stripe.books.calls}  # no search
    lost.world.work()
    assert lost.world.told() == ["PayComplete"]
    lost.world.books_agree()


def test_payment_that_only_the_event_calls_ours_is_not_adopted(lost):
    """The gateway's own answer must carry our reference."""
    lost.world.sandbox.faults.add("fetch", "wrong", field="reference")
    lost.ring(lost.event())
    drains.drain(Queue.NOTIFICATIONS)
    assert (lost.world.session().stage, lost.world.session().gateway_id) == ("STANDBY", "")


MONEY_BACK = ["refund.created", "charge.refunded"]


@pytest.mark.parametrize("form", ["event", "thin"])
@pytest.mark.parametrize("kind", MONEY_BACK)
def test_refund_in_the_gateways_console_leads_to_its_payment(bell, form, kind):
    """Nothing of ours stands on it, and a thin event names the refund or the charge only."""
    paid(bell)
    bell.world.sandbox.stripe.refund(bell.world.session().reference, 900, silent=True)
    event = getattr(bell, form)(kind)
    if form == "event":
        event["data"]["object"]["metadata"] = {}
    bell.ring(event)
    bell.world.work()
    session = bell.world.session()
    assert (row(kind=kind).session, row(kind=kind).gateway_payment_id) == (session, session.gateway_payment_id)
    assert (session.stage, session.cancelled) == ("PARTIALLY_CANCELLED", 900)


@pytest.mark.parametrize("form", ["event", "thin"])
def test_dispute_leads_to_its_payment(bell, form):
    paid(bell)
    bell.world.sandbox.stripe.dispute(bell.world.session().reference, silent=True)
    bell.ring(getattr(bell, form)("charge.dispute.created"))
    bell.world.work()
    assert bell.world.session().disputed is True


def test_part_of_a_payment_is_asked_for_again_when_the_gateway_does_not_answer(bell, clock):
    paid(bell)
    bell.world.sandbox.stripe.refund(bell.world.session().reference, 900, silent=True)
    bell.world.sandbox.faults.add("refunds", "error_before", status=503)
    bell.ring(bell.thin("refund.created"))
    bell.world.work()
    assert (row(kind="refund.created").session, row(kind="refund.created").result) == (None, "no answer: http_503")
    wait_for(clock, row(kind="refund.created"))
    bell.world.work()
    assert bell.world.session().cancelled == 900


def test_part_of_somebodys_payment_is_asked_for_once(bell, clock):
    """The merchant's own sales without us: their payment is no payment of ours, whatever is asked."""
    paid(bell)
    payment = bell.world.session().gateway_payment_id
    bell.world.sandbox.stripe.refund(bell.world.session().reference, 900, silent=True)
    books = bell.world.sandbox.stripe.books
    books.payments["pi_other"] = replace(books.payments[payment], id="pi_other")
    refund = next(iter(books.refunds.values()))
    refund.payment = "pi_other"
    bell.ring(bell.thin("refund.created"))
    bell.world.work()
    assert (row(kind="refund.created").session, row(kind="refund.created").gateway_payment_id) == (None, "pi_other")
    wait_for(clock, row(kind="refund.created"))
    bell.world.work()
    assert [call.path for call in books.calls].count(f"/v1/refunds/{refund.id}") == 1


def paid(bell):
    bell.world.pay()
    bell.ring(bell.event())
    bell.world.work()
    assert bell.world.session().stage == "PAID"
