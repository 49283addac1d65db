"""The gateway tells of a refund or a dispute before its own lists and payments show it: it is looked into again."""

from datetime import UTC, datetime, timedelta

import pytest

from payments.models import Notification
from tests.bridge.bell import Bell, row, wait_for, waits

CHARGE = "payment_intent.latest_charge"
SAYS_MORE = "says more than the gateway shows"
LATE = {
    "the list": [("refunds", "not_visible", {"seconds": 60.0})],
    "the payment": [("fetch", "alter", {"set": {f"{CHARGE}.amount_refunded": 0}})],
    "both": [
        ("refunds", "not_visible", {"seconds": 60.0}),
        ("fetch", "alter", {"set": {f"{CHARGE}.amount_refunded": 0}}),
    ],
}


@pytest.fixture
def bell(world, clock):
    world.paid()
    return Bell(world)


def lags(world, *faults):
    """From now on, until ``catch_up``, the gateway shows less than it knows."""
    for operation, kind, params in faults:
        world.sandbox.faults.add(operation, kind, times=None, **params)


def catch_up(world, clock):
    world.sandbox.faults.clear()
    clock.shift(61)
    world.rest()


def back(world):
    """How the payment stands: what went back, whether a person is called, what the shop heard."""
    session = world.session()
    return session.cancelled, session.attention, world.told()[1:]


@pytest.mark.parametrize("late", LATE)
def test_a_refund_told_of_before_it_is_shown_is_found_and_needs_nobody(bell, clock, late):
    world = bell.world
    lags(world, *LATE[late])
    world.sandbox.stripe.refund(world.session().gateway_id, 900)
    world.rest()
    assert world.session().attention is False
    catch_up(world, clock)
    assert back(world) == (900, False, ["CancelComplete"])
    clock.shift(timedelta(minutes=20))
    world.rest()
    assert not Notification.objects.filter(due_at__isnull=False).exists()
    assert not world.session().events.filter(kind="unlisted_refund").exists()


def test_a_refund_on_the_list_is_found_though_its_payment_does_not_show_it_yet(bell):
    lags(bell.world, *LATE["the payment"])
    bell.world.sandbox.stripe.refund(bell.world.session().gateway_id, 900)
    bell.world.rest()
    assert back(bell.world) == (900, False, ["CancelComplete"])


@pytest.mark.parametrize("form", ["event", "thin"])
def test_the_refund_that_a_notice_names_must_be_shown_and_no_other(bell, clock, form):
    world = bell.world
    world.sandbox.stripe.refund(world.session().gateway_id, 500)
    world.rest()
    known = bell.event("refund.created")["data"]["object"]
    lags(
        world,
        ("refunds", "alter", {"set": {"data": [known]}}),
        ("fetch", "alter", {"set": {f"{CHARGE}.amount_refunded": 500}}),
    )
    made = world.sandbox.stripe.refund(world.session().gateway_id, 900, silent=True)
    bell.ring(getattr(bell, form)("refund.created"))
    world.rest()
    notice = row(gateway_cancel_id=made.id)
    assert (notice.result, back(world)) == (SAYS_MORE, (500, False, ["CancelComplete"]))
    world.sandbox.faults.clear()
    wait_for(clock, notice)
    world.rest()
    assert back(world) == (1400, False, ["CancelComplete", "CancelComplete"])
    assert row(gateway_cancel_id=made.id).due_at is None


def test_a_refund_that_never_shows_is_looked_for_an_hour(bell, clock):
    refund = {"id": "re_none", "object": "refund", "status": "succeeded"}
    bell.ring(bell.lie("refund.created", **refund, payment_intent=bell.world.session().gateway_payment_id))
    begun = datetime.now(UTC)
    for wait in (10, 60, 300, 600, 600, 600, 600):
        bell.world.rest()
        notice = row(gateway_cancel_id="re_none")
        assert (notice.result, wait <= waits(notice) <= wait * 1.1) == (SAYS_MORE, True)
        wait_for(clock, notice)
    clock.move_to(begun + timedelta(hours=1, seconds=1))
    bell.world.rest()
    assert (row(gateway_cancel_id="re_none").due_at, back(bell.world)) == (None, (0, False, []))


@pytest.mark.parametrize(
    ("said", "shown", "more"),
    [
        ("pending", "pending", False),
        ("pending", "succeeded", False),
        ("pending", "failed", False),
        ("succeeded", "pending", True),
        ("succeeded", "succeeded", False),
        ("succeeded", "failed", False),
        ("failed", "pending", True),
        ("failed", "succeeded", True),
        ("failed", "failed", False),
        ("canceled", "succeeded", True),
        ("requires_action", "pending", False),
        ("in a way that nobody knows", "pending", False),
    ],
)
def test_a_notice_must_not_say_more_of_a_refund_than_is_shown(bell, said, shown, more):
    world = bell.world
    world.sandbox.stripe.refund(world.session().gateway_id, 900, silent=True)
    lags(world, ("refunds", "alter", {"set": {"data.0.status": shown}}))
    event = bell.event("refund.created", status=said)
    bell.ring(event)
    world.rest()
    assert (row(dedupe_key=event["id"]).result == SAYS_MORE) is more


def test_a_refund_told_to_have_failed_is_booked_as_soon_as_that_is_shown(bell, clock):
    world = bell.world
    made = world.sandbox.stripe.refund(world.session().gateway_id, 900)
    world.rest()
    lags(world, ("refunds", "alter", {"set": {"data.0.status": "succeeded"}}))
    world.sandbox.stripe.end_refund(made.id, "failed")
    world.rest()
    assert back(world) == (900, False, ["CancelComplete"])
    catch_up(world, clock)
    assert back(world) == (0, False, ["CancelComplete", "RefundReversed"])


def test_a_dispute_told_of_before_it_is_shown_is_found(bell, clock):
    world = bell.world
    lags(world, ("fetch", "alter", {"set": {f"{CHARGE}.disputed": False}}))
    world.sandbox.stripe.dispute(world.session().gateway_id)
    world.rest()
    assert (row(claims="DISPUTED").result, world.session().disputed) == (SAYS_MORE, False)
    catch_up(world, clock)
    assert (row(claims="DISPUTED").due_at, world.session().disputed) == (None, True)
    assert world.told() == ["PayComplete", "Disputed"]


def test_notices_of_our_own_cancel_are_looked_into_once(bell):
    world = bell.world
    with world.working():
        world.partial(4900)
    world.rest()
    notices = Notification.objects.filter(kind__in=["refund.created", "charge.refunded"])
    assert [(one.due_at, one.attempts) for one in notices] == [(None, 1)] * 2


# Money back that no list explains


def unlisted(world):
    kinds = ("refund_awaited", "unlisted_refund")
    return list(world.session().events.filter(kind__in=kinds).order_by("pk").values_list("kind", flat=True))


def test_money_back_that_stays_without_a_refund_is_shown_to_staff_after_ten_minutes(bell, clock):
    world = bell.world
    lags(world, ("fetch", "alter", {"set": {f"{CHARGE}.amount_refunded": 900}}))
    seen = datetime.now(UTC)
    session = world.look()
    for seconds in (10, 60, 300, 600):
        assert (session.attention, session.due_at) == (False, seen + timedelta(seconds=seconds))
        clock.move_to(session.due_at)
        world.rest()
        session = world.session()
    assert (session.attention, session.due_at) == (True, None)
    assert unlisted(world) == ["refund_awaited", "unlisted_refund"]
    world.look()
    assert (world.session().due_at, unlisted(world)) == (None, ["refund_awaited", "unlisted_refund"])


def test_a_gateway_that_falls_silent_meanwhile_calls_nobody_too_early(bell, clock):
    world = bell.world
    lags(world, ("fetch", "alter", {"set": {f"{CHARGE}.amount_refunded": 900}}))
    world.look()
    clock.shift(timedelta(days=3))
    assert world.look().attention is False
