"""The opening call of a PayStart: in flight, in doubt, refused, unreachable, and how much of it there may be."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from bridge import opening
from bridge import start as start_module
from bridge.gateways.base import PageKind, Started
from bridge.waiting import NoSeat, seat
from payments.models import CallKind, Delivery, GatewayCall, Order, PaymentSession
from tests.factories import ConnectionFactory, ShopFactory
from tests.threads import at_once, until
from tests.world import code


@pytest.fixture
def impatient(monkeypatch):
    """Waits for workers are short: where none works, waiting longer shows nothing more."""
    monkeypatch.setattr(start_module, "PAGE_SECONDS", 0.3)


# In flight


@pytest.fixture
def in_flight(world):
    """Starts once, and again with changes while the first opening call is under way; returns both answers.

    Beside them: whether the second had to wait for the first.
    """

    def start(**changes):
        world.sandbox.faults.add("start", "latency", seconds=1.0)
        answered = []

        def first():
            answered.append(world.start())
            return answered[-1]

        def second():
            until(lambda: world.sandbox.faults.listing() == [])
            return world.start(**changes), bool(answered)

        opened, (answer, waited) = at_once(first, second)
        return opened, answer, waited

    return start


def test_an_equal_start_waits_for_the_page_of_the_first(world, in_flight):
    first, second, _ = in_flight()
    assert first["RedirectUrl"] == second["RedirectUrl"] != ""
    assert world.pages() == ["open"]


def test_an_equal_start_waits_only_so_long(in_flight, impatient):
    _, second, waited = in_flight()
    assert (code(second), second["Type"], second["RedirectUrl"]) == ("PAYMENT_IN_PROGRESS", "Pending", "")
    assert not waited


def test_a_changed_start_does_not_wait_for_a_call_under_way(in_flight):
    first, second, waited = in_flight(TotalPrice="50000")
    assert (code(first), code(second), waited) == ("Redirect", "PAYMENT_IN_PROGRESS", False)


# In doubt


@pytest.mark.parametrize(
    ("fault", "params"),
    [
        ("answer_lost", {}),
        ("answer_cut", {}),
        ("garbage", {}),
        ("conflict", {}),
        ("error_before", {"status": 503}),
        ("error_after", {"status": 502}),
        ("error_after", {"status": 500}),
    ],
)
def test_an_opening_in_doubt_is_resolved_before_anybody_is_answered(world, fault, params):
    world.sandbox.faults.add("start", fault, **params)
    with world.working():
        answer = world.start()
    assert (code(answer), world.stages()) == ("Redirect", ["STANDBY"])
    books = world.sandbox.stripe.books
    assert list(books.creates.values()) == [1]
    assert len({call.key for call in books.calls if call.operation == "start"}) == 1


def test_an_opening_that_stays_in_doubt_is_not_guessed(world, impatient):
    world.sandbox.faults.add("start", "answer_lost")
    lost = world.sandbox.faults.add("list", "drop", times=None)
    answer = world.start()
    assert (code(answer), answer["IsSuccess"], answer["RedirectUrl"]) == ("OUTCOME_UNKNOWN", False, "")
    assert code(world.start(TotalPrice="50000")) == "PAYMENT_IN_PROGRESS"
    assert (GatewayCall.objects.get().state, world.stages()) == ("UNKNOWN", ["STANDBY"])
    world.sandbox.faults.clear(lost.id)
    start_module.PAGE_SECONDS = 5.0
    GatewayCall.objects.update(due_at=timezone.now() + timedelta(hours=1))  # the next start does not wait for that
    with world.working():
        assert code(world.start()) == "Redirect"
    assert world.pages() == ["open"]


# Refused, unreachable, not expressible


def test_a_refusal_is_told_in_the_answer_only(world):
    accounts = dict(world.sandbox.stripe.accounts)
    world.sandbox.stripe.accounts.clear()
    answer = world.start()
    assert (code(answer), answer["Stage"], world.stages()) == ("GATEWAY_REFUSED", "FAILED", ["FAILED GATEWAY_REFUSED"])
    assert world.work() == 0
    assert not Delivery.objects.exists()
    world.sandbox.stripe.accounts.update(accounts)
    assert code(world.start()) == "Redirect"


def test_what_was_surely_not_sent_is_tried_again_and_then_never_sent(world, settings, monkeypatch):
    monkeypatch.setattr("bridge.opening.SECONDS", 1.0)
    settings.PGB_STRIPE_BASE_URL = "http://127.0.0.1:1"
    answer = world.start()
    assert (code(answer), world.stages()) == ("GATEWAY_UNREACHABLE", ["FAILED GATEWAY_UNREACHABLE"])
    settings.PGB_STRIPE_BASE_URL = world.sandbox.url
    assert (GatewayCall.objects.get().state, world.work()) == ("REFUSED", 0)
    assert (world.pages(), Delivery.objects.count()) == ([], 0)


def test_a_throttled_opening_is_repeated_under_its_key(world):
    world.sandbox.faults.add("start", "throttle", times=2)
    assert code(world.start()) == "Redirect"
    keys = [call.key for call in world.sandbox.stripe.books.calls]
    assert (len(keys), len(set(keys))) == (3, 1)


@pytest.mark.parametrize(("method", "currency"), [("BANK", "KRW"), ("CARD", "KWD")])
def test_what_the_gateway_cannot_express_is_refused_and_nothing_is_written(world, method, currency):
    shop = ShopFactory(db_type="XX1", joiner_id=1, currency=currency, redirect_hosts=["127.0.0.1"])
    ConnectionFactory(db_type="XX1", method__code=method, merchant__currency=currency)
    answer = world.start(DBType=shop.db_type, JoinerId=1, PayType=method)
    assert code(answer) == "GATEWAY_REFUSED"
    assert (Order.objects.count(), world.pages()) == (0, [])


def test_an_answer_that_comes_after_a_lookup_took_its_call_changes_nothing(world):
    world.start()
    session, call = world.session(), GatewayCall.objects.get()
    PaymentSession.objects.update(gateway_id="", page_url="")
    late = Started("cs_test_late", PageKind.REDIRECT, "https://checkout.example/late")
    assert opening.opened(session, call, late) is None
    assert (world.session().gateway_id, world.session().events.filter(kind="started").count()) == ("", 1)


# Limits


def test_without_a_free_seat_the_answer_comes_at_once_and_nothing_is_written(world):
    opened = world.start(1)
    with all_seats_taken():
        assert code(world.start(2)) == "PAYMENT_IN_PROGRESS"
        assert code(world.start(1, TotalPrice="50000")) == "PAYMENT_IN_PROGRESS"
        assert world.start(1)["PaymentId"] == opened["PaymentId"]  # needs neither a call nor a wait
    assert (Order.objects.count(), GatewayCall.objects.exclude(kind=CallKind.START).count()) == (1, 0)
    assert code(world.start(2)) == "Redirect"


class all_seats_taken:
    def __enter__(self):
        self.seats = []
        try:
            while True:
                held = seat()
                held.__enter__()
                self.seats.append(held)
        except NoSeat:
            pass

    def __exit__(self, *error):
        for held in self.seats:
            held.__exit__(None, None, None)


def test_an_opening_is_not_begun_without_the_time_for_it(world, monkeypatch):
    monkeypatch.setattr(start_module, "ALL_SECONDS", 9.0)
    answer = world.start()
    assert (code(answer), Order.objects.count(), world.pages()) == ("PAYMENT_IN_PROGRESS", 0, [])


def test_no_call_is_made_inside_a_transaction(world):
    with transaction.atomic():
        assert code(world.start()) == "INTERNAL"
    assert world.pages() == []
