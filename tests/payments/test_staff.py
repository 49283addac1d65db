"""What staff set in motion: rows that the bridge works on at once."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from payments import staff
from payments.models import Delivery, DeliveryAttempt, PaymentEvent, PaymentSession
from tests.payments.factories import CallFactory, DeliveryFactory, PaidSessionFactory, PaymentSessionFactory
from tests.sql import is_locked


def event_of(session):
    event = PaymentEvent.objects.get(session=session)
    return event.kind, event.actor


@pytest.mark.django_db
class TestLookAgain:
    @pytest.mark.parametrize("factory", [PaymentSessionFactory, PaidSessionFactory])
    def test_a_session_is_due_now_whether_or_not_a_look_was_planned(self, factory):
        session = factory()
        with time_machine.travel(timezone.now(), tick=False):
            staff.look_again(session.pk, "kim")
            session.refresh_from_db()
            assert (session.due_at, session.lease_token) == (timezone.now(), None)
        assert event_of(session) == ("look_requested", "kim")

    @pytest.mark.parametrize(
        ("call", "why"),
        [
            (None, "만들어지지 않은"),
            ({"state": "REFUSED"}, "만들어지지 않은"),
            ({"state": "SENDING", "due_at": timezone.now()}, "만드는 중"),
            ({"state": "READY", "due_at": timezone.now(), "first_sent_at": None}, "만드는 중"),
        ],
    )
    def test_what_was_never_opened_is_not_asked_about(self, call, why):
        session = PaymentSessionFactory(gateway_id="")
        if call:
            CallFactory(session=session, **call)
        with pytest.raises(staff.NotPossible, match=why):
            staff.look_again(session.pk, "kim")
        session.refresh_from_db()
        assert session.due_at is None
        assert not PaymentEvent.objects.exists()

    def test_an_opening_in_doubt_is_asked_about(self):
        session = PaymentSessionFactory(gateway_id="")
        CallFactory(session=session, state="UNKNOWN", due_at=timezone.now())
        staff.look_again(session.pk, "kim")
        session.refresh_from_db()
        assert session.due_at is not None


@pytest.mark.django_db
class TestSendAgain:
    @pytest.mark.parametrize(
        "state",
        [
            {"state": "DEAD"},
            {"state": "DELIVERED"},
            {"state": "WAITING", "due_at": timezone.now() + timedelta(days=1)},
            {"state": "WAITING", "due_at": timezone.now() - timedelta(minutes=1), "lease_token": uuid4()},
        ],
        ids=["dead", "delivered", "waiting", "lease that ran out"],
    )
    def test_a_message_is_due_now(self, state):
        delivery = DeliveryFactory(**state, attempts=3, ended_at=timezone.now())
        with time_machine.travel(timezone.now(), tick=False):
            staff.send_again(delivery.pk, "kim")
            again = Delivery.objects.get()
            assert (again.state, again.due_at, again.lease_token) == ("WAITING", timezone.now(), None)
        assert (again.attempts, again.ended_at, again.body) == (3, None, delivery.body)
        assert event_of(delivery.session) == ("resend_requested", "kim")

    def test_one_that_is_under_way_is_left_alone(self):
        soon = timezone.now() + timedelta(seconds=15)
        delivery = DeliveryFactory(due_at=soon, lease_token=uuid4())
        with pytest.raises(staff.NotPossible, match="통보하는 중"):
            staff.send_again(delivery.pk, "kim")
        again = Delivery.objects.get()
        assert (again.due_at, again.lease_token) == (soon, delivery.lease_token)
        assert not PaymentEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_look_is_planned_under_the_orders_lock(monkeypatch):
    session = PaymentSessionFactory()
    seen = []
    monkeypatch.setattr(staff, "why_no_look", lambda *args: seen.append(is_locked(session.order)))
    staff.look_again(session.pk, "kim")
    assert seen == [True]


@pytest.mark.django_db(transaction=True)
def test_a_message_is_made_due_under_its_own_lock_and_the_orders(monkeypatch):
    delivery = DeliveryFactory(state="DEAD")
    seen = []
    locks = lambda *args: seen.extend(map(is_locked, (delivery.order, delivery)))  # noqa: E731
    monkeypatch.setattr(staff, "is_under_way", locks)
    staff.send_again(delivery.pk, "kim")
    assert seen == [True, True]


def test_a_payment_nobody_told_us_of_is_found_by_staff(world):
    world.start(7)
    world.pay_unheard(7)
    assert world.work() == 0
    staff.look_again(world.session(7).pk, "kim")
    world.work()
    assert (world.stages(7), world.told(7)) == (["PAID"], ["PayComplete"])


def test_a_look_at_a_paid_session_changes_nothing_and_ends(world):
    world.start(7)
    world.pay(7)
    world.work()
    staff.look_again(world.session(7).pk, "kim")
    world.work()
    session = world.session(7)
    assert (session.stage, session.due_at, world.told(7)) == ("PAID", None, ["PayComplete"])


def test_a_message_sent_again_is_the_same_message(world):
    world.start(7)
    world.pay(7)
    world.work()
    delivery = Delivery.objects.get()
    staff.send_again(delivery.pk, "kim")
    world.work()
    assert [attempt.accepted for attempt in DeliveryAttempt.objects.order_by("number")] == [True, True]
    books = world.sandbox.shop.books
    assert (books.received, books.applied) == ({str(delivery.event_id): 2}, {str(delivery.event_id): 1})
    assert PaymentSession.objects.get().stage == "PAID"
