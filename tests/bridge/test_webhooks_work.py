"""What becomes of an event behind the door: it rings, the gateway is asked, and its answer alone counts."""

from datetime import UTC, datetime, timedelta

import pytest

from merchants.lookup import clear_cache
from merchants.models import PaymentMethod
from payments.models import Notification
from tests.bridge.bell import Bell, row, wait_for, waits

COMPLETED, EXPIRED = "checkout.session.completed", "checkout.session.expired"
SUCCEEDED, FAILED = "checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed"


# --- it rings, no more -------------------------------------------------------------------------


def test_event_that_says_paid_before_the_gateway_does_is_looked_into_for_an_hour(world, clock):
    PaymentMethod.objects.update(lifetime_minutes=180)
    clear_cache()
    world.start()
    bell = Bell(world)
    assert bell.ring(bell.lie(COMPLETED, payment_status="paid")).status_code == 200
    begun = datetime.now(UTC)
    for wait in (10, 60, 300, 600, 600, 600, 600):
        world.work()
        assert (world.session().stage, world.told()) == ("STANDBY", [])
        assert (row().result, row().session) == ("says more than the gateway shows", world.session())
        assert wait <= waits(row()) <= wait * 1.1
        wait_for(clock, row())
    clock.move_to(begun + timedelta(hours=1, seconds=1))
    world.work()
    assert (row().due_at, row().result) == (None, "STANDBY")


def test_event_that_came_before_its_payment_is_believed_once_the_gateway_says_so(bell, clock):
    bell.ring(bell.lie(COMPLETED, payment_status="paid"))
    bell.world.work()
    bell.world.pay()
    assert bell.world.work() == 0  # not yet due
    wait_for(clock, row())
    bell.world.work()
    assert (bell.world.session().stage, bell.world.told(), row().result) == ("PAID", ["PayComplete"], "PAID")
    assert row().due_at is None


def test_gateway_that_denies_a_payment_which_its_event_tells_of_is_asked_again(world, clock):
    world.start()
    world.sandbox.faults.add("fetch", "alter", set={"status": "expired"})
    world.pay()
    world.work()
    assert world.stages() == ["EXPIRED LIFETIME"]
    wait_for(clock, row())
    world.work()
    assert (world.stages(), world.told()) == (["PAID"], ["PayExpired", "PayComplete"])


@pytest.mark.parametrize(
    ("kind", "thing"),
    [
        (COMPLETED, {"payment_status": "paid"}),
        (COMPLETED, {"payment_status": "no_payment_required"}),
        (SUCCEEDED, {"payment_status": "paid"}),
        (FAILED, {}),
        (EXPIRED, {}),
        ("checkout.session.brand_new", {}),
    ],
)
def test_event_alone_moves_nothing(bell, kind, thing):
    bell.ring(bell.lie(kind, amount_total=64900, **thing))
    bell.world.work()
    assert (bell.world.session().stage, bell.world.session().paid, bell.world.told()) == ("STANDBY", 0, [])


def test_event_that_expired_comes_before_completed(bell):
    bell.world.pay()
    for event in (bell.lie(EXPIRED), bell.event(COMPLETED)):
        bell.ring(event)
        bell.world.work()
        assert (bell.world.session().stage, bell.world.told()) == ("PAID", ["PayComplete"])


def test_late_bad_news_does_not_take_back_what_was_paid(bell):
    bell.world.pay()
    bell.ring(bell.event(COMPLETED))
    bell.world.work()
    for kind in (FAILED, EXPIRED, "payment_intent.payment_failed"):
        bell.ring(bell.lie(kind))
        bell.world.work()
    assert (bell.world.session().stage, bell.world.told()) == ("PAID", ["PayComplete"])
    bell.world.books_agree()


def test_repeat_rings_again(bell):
    event = bell.lie(COMPLETED)
    asked = []
    for _ in range(3):
        assert bell.ring(event).status_code == 200
        assert waits(row()) <= 0
        bell.world.work()
        asked.append(bell.asked())
    assert asked == [1, 2, 3]
    assert row().attempts == 1  # counted from the last ring


def test_notice_of_a_payment_asks_once(bell):
    bell.world.pay()
    bell.ring(bell.event(COMPLETED))
    bell.world.work()
    assert (bell.world.session().stage, bell.asked(), row(kind=COMPLETED).attempts) == ("PAID", 1, 1)


def test_gateway_that_does_not_answer_is_asked_again(bell, clock):
    bell.world.pay()
    bell.ring(bell.event())
    bell.world.sandbox.faults.add("fetch", "error_before", status=503)
    bell.world.work()
    assert (bell.world.session().stage, row().result) == ("STANDBY", "no answer: http_503")
    wait_for(clock, row())
    bell.world.work()
    assert bell.world.session().stage == "PAID"


def test_declined_card_is_not_the_end(bell):
    bell.world.pay(how="decline")
    bell.ring(bell.event("payment_intent.payment_failed"))
    bell.world.work()
    assert (bell.world.session().stage, bell.world.told(), row().result) == ("STANDBY", [], "STANDBY")
    bell.world.pay()
    bell.ring(bell.event())
    bell.world.work()
    assert bell.world.session().stage == "PAID"


# --- thin and whole ----------------------------------------------------------------------------


@pytest.mark.parametrize("forms", [["thin"], ["thin", "event"], ["event", "thin"], ["thin", "event", "thin"]])
def test_thin_event_and_the_one_it_repeats_are_one_notice(bell, forms):
    bell.world.pay()
    for form in forms:
        assert bell.ring(getattr(bell, form)()).status_code == 200
    session = bell.world.session()
    assert (row().kind, row().gateway_id) == (COMPLETED, session.gateway_id)
    named = (session.reference, "PAID") if "event" in forms else ("", "WAITING_DEPOSIT")
    assert (row().reference, row().claims) == named
    bell.world.work()
    assert (bell.world.session().stage, bell.world.told()) == ("PAID", ["PayComplete"])


def test_both_forms_sent_by_stripe_itself_are_one_notice(world):
    (account,) = world.sandbox.stripe.accounts.values()
    account.events = "both"
    world.start()
    world.pay()
    world.work()
    assert Notification.objects.get().result == "PAID"
    assert (len(world.sandbox.stripe.books.webhooks), world.told()) == (2, ["PayComplete"])


def test_thin_repeat_that_names_no_payment_does_not_silence_the_whole_event(bell):
    bell.world.pay()
    bell.ring(bell.event("charge.succeeded"))
    bell.ring({**bell.thin("charge.succeeded"), "related_object": None})
    assert row().due_at is not None
    bell.world.work()
    assert bell.world.session().stage == "PAID"


# --- paid later --------------------------------------------------------------------------------


@pytest.mark.parametrize(("arrived", "stage", "told"), [(True, "PAID", "PayComplete"), (False, "FAILED", "PayFailed")])
def test_submitted_form_waits_for_its_deposit(konbini, arrived, stage, told):
    konbini.sandbox.faults.add("webhook", "drop", times=None)
    bell = Bell(konbini, konbini.session().merchant)
    bell.ring(bell.event(COMPLETED))
    konbini.work()
    assert (konbini.session().stage, konbini.session().paid) == ("WAITING_DEPOSIT", 0)
    assert konbini.told() == ["VirtualAccountIssued"]

    konbini.sandbox.stripe.deposit(konbini.session().gateway_id, arrived=arrived)
    event = bell.event(SUCCEEDED if arrived else FAILED)
    for _ in range(2):
        bell.ring(event)
        konbini.work()
    assert (konbini.session().stage, konbini.session().paid) == (stage, 3300 if arrived else 0)
    assert konbini.told() == ["VirtualAccountIssued", told]
