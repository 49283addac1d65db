"""The books of money going back: what each end does to the sums, and whom it brings to staff."""

from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from payments import attention, ledger, refunds
from payments.models import Attention, Cancellation, GatewayCall, PaymentSession
from payments.states import StaleStage
from tests.payments.factories import PaidSessionFactory, PaymentSessionFactory
from tests.payments.refunding import NOW, ask, book, done, lines, refused, reversed_, sums

pytestmark = pytest.mark.django_db


# Each end


def test_money_that_went_back_is_no_reservation_any_more():
    cancellation = ask(PaidSessionFactory(), 4900)
    assert sums(done(cancellation)) == ("PARTIALLY_CANCELLED", 4900, 0, 60000, 0)
    assert lines(cancellation.session)[-1] == "cancelled"
    cancellation.refresh_from_db()
    assert (cancellation.state, cancellation.ended_at) == ("DONE", NOW)


def test_a_pending_cancel_keeps_its_reservation():
    cancellation = ask(PaidSessionFactory(), 4900)
    session = book(refunds.pending, cancellation, "re_1")
    assert sums(session) == ("PAID", 0, 4900, 60000, 0)
    assert sums(done(cancellation)) == ("PARTIALLY_CANCELLED", 4900, 0, 60000, 0)


def test_a_refusal_gives_its_reservation_back_and_counts():
    cancellation = ask(PaidSessionFactory(), 4900)
    assert sums(refused(cancellation)) == ("PAID", 0, 0, 64900, 1)


def test_a_refused_cancel_that_went_back_after_all_takes_no_reservation_of_others():
    session = PaidSessionFactory()
    first = ask(session, 4900)
    refused(first)
    GatewayCall.objects.update(state="DONE", due_at=None)
    ask(session, 900)
    assert sums(done(first)) == ("PARTIALLY_CANCELLED", 4900, 900, 59100, 1)


def test_money_that_came_back_can_be_given_back_once_more():
    session = PaidSessionFactory()
    first = ask(session, 64900)
    done(first)
    assert sums(session) == ("CANCELLED", 64900, 0, 0, 0)
    assert sums(reversed_(first)) == ("PAID", 0, 0, 64900, 1)
    first.refresh_from_db()
    assert (first.state, first.reversed_at, first.code) == ("REVERSED", NOW, "expired_card")
    assert sums(done(first)) == ("CANCELLED", 64900, 0, 0, 1)
    first.refresh_from_db()
    assert (first.state, first.reversed_at, first.code) == ("DONE", None, "")


def test_of_two_parts_the_other_stays_given_back():
    session = PaidSessionFactory()
    parts = [ask(session, 4900)]
    done(parts[0])
    GatewayCall.objects.update(state="DONE", due_at=None)
    parts.append(ask(session, 60000))
    done(parts[1])
    assert sums(reversed_(parts[0])) == ("PARTIALLY_CANCELLED", 60000, 0, 4900, 1)


KNOWN = ("REQUESTED", "SENDING", "UNKNOWN", "PENDING", "DONE", "REFUSED", "REVERSED")
ENDS = {
    "DONE": (lambda one: done(one), {"REQUESTED", "SENDING", "UNKNOWN", "PENDING", "REFUSED", "REVERSED"}),
    "PENDING": (lambda one: book(refunds.pending, one, "re_9"), {"REQUESTED", "SENDING", "UNKNOWN"}),
    "REFUSED": (refused, {"REQUESTED", "SENDING", "UNKNOWN", "PENDING"}),
    "REVERSED": (reversed_, {"DONE"}),
}


@pytest.mark.parametrize("origin", KNOWN)
@pytest.mark.parametrize("target", ENDS)
def test_a_cancel_moves_as_the_table_says(origin, target):
    cancellation = ask(PaidSessionFactory(), 4900)
    held, gone = (4900, 0) if origin in KNOWN[:4] else (0, 4900 if origin == "DONE" else 0)
    stage = "PARTIALLY_CANCELLED" if gone else "PAID"
    PaymentSession.objects.update(stage=stage, cancelled=gone, reserved=held)
    Cancellation.objects.update(state=origin)
    move, origins = ENDS[target]
    before = sums(cancellation.session)
    if origin in origins:
        move(cancellation)
        assert Cancellation.objects.get().state == target
        return
    with pytest.raises(ValueError, match=f"{origin} -> {target}"):
        move(cancellation)
    assert (Cancellation.objects.get().state, sums(cancellation.session)) == (origin, before)


def test_who_read_an_older_state_of_a_cancel_writes_nothing():
    cancellation = ask(PaidSessionFactory(), 4900)
    with pytest.raises(StaleStage), transaction.atomic():
        session = ledger.lock_session(cancellation.session_id)
        Cancellation.objects.update(state="DONE")
        refunds.refused(session, cancellation, NOW, "late")
    assert sums(cancellation.session) == ("PAID", 0, 4900, 60000, 0)


@pytest.mark.parametrize("state", ["DONE", "REFUSED", "PENDING", "REVERSED"])
def test_of_a_cancel_that_is_decided_nobody_writes_how_its_call_stands(state):
    cancellation = ask(PaidSessionFactory(), 4900)
    Cancellation.objects.update(state=state)
    refunds.sending(cancellation, "UNKNOWN")
    assert Cancellation.objects.get().state == state


def test_a_call_that_a_lookup_ends_loses_its_lease():
    cancellation = ask(PaidSessionFactory(), 4900)
    GatewayCall.objects.update(state="SENDING", first_sent_at=NOW, lease_token=uuid4())
    refunds.end_cancel_call(cancellation, "DONE", NOW)
    call = GatewayCall.objects.get()
    assert (call.state, call.lease_token, call.due_at, call.ended_at) == ("DONE", None, None, NOW)


# Money that came back to an order that moved on


@pytest.mark.parametrize("other", ["STANDBY", "CONFIRMING", "WAITING_DEPOSIT", "PAID", "PARTIALLY_CANCELLED"])
def test_money_that_comes_back_beside_another_payment_is_a_persons_to_judge(other):
    first = ask(PaidSessionFactory(), 64900)
    done(first)
    paid = {"paid": 64900, "cancelled": 900 if other == "PARTIALLY_CANCELLED" else 0} if other.startswith("PA") else {}
    PaymentSessionFactory(order=first.session.order, stage=other, **paid)
    session = reversed_(first)
    assert sums(session) == ("REVIEW", 0, 0, 64900, 1)
    assert (session.reason, session.attention) == ("DOUBLE_PAYMENT", True)


@pytest.mark.parametrize("other", ["FAILED", "EXPIRED", "CANCELLED", "REVIEW"])
def test_money_that_comes_back_beside_what_ended_is_the_orders_again(other):
    first = ask(PaidSessionFactory(), 64900)
    done(first)
    PaymentSessionFactory(order=first.session.order, stage=other)
    assert sums(reversed_(first)) == ("PAID", 0, 0, 64900, 1)


def test_another_orders_payment_is_nobodys_matter():
    first = ask(PaidSessionFactory(), 64900)
    done(first)
    PaidSessionFactory()
    assert reversed_(first).stage == "PAID"


# REVIEW


@pytest.fixture
def review():
    return PaidSessionFactory(stage="REVIEW", reason="DOUBLE_PAYMENT", attention=True)


def test_a_review_of_which_we_gave_all_back_is_over(review):
    session = done(ask(review, 64900))
    assert (sums(session)[:2], session.attention) == (("CANCELLED", 64900), False)


def test_a_review_of_which_we_gave_a_part_back_goes_on(review):
    session = done(ask(review, 4900))
    assert (sums(session)[:2], session.attention) == (("REVIEW", 4900), True)


def test_a_review_that_was_given_back_without_us_is_still_a_persons_to_judge(review):
    with transaction.atomic():
        refunds.found_outside(ledger.lock_session(review.pk), 64900, "re_console", NOW, is_done=True)
    session = PaymentSession.objects.get()
    assert (sums(session)[:2], session.attention) == (("REVIEW", 64900), True)


# Without us


def outside(session, amount, *, is_done):
    with transaction.atomic():
        locked = ledger.lock_session(session.pk)
        found = refunds.found_outside(locked, amount, "re_console", NOW, is_done=is_done)
        refunds.flag_if_overdrawn(locked)
    return found


def test_a_refund_found_at_the_gateway_is_booked():
    session = PaidSessionFactory()
    found = outside(session, 900, is_done=True)
    assert sums(session) == ("PARTIALLY_CANCELLED", 900, 0, 64000, 0)
    assert (found.origin, found.state, found.balance_before) == ("GATEWAY", "DONE", 64900)
    assert (lines(session), GatewayCall.objects.count()) == (["refund_found", "cancelled"], 0)


def test_one_that_is_under_way_at_the_gateway_holds_its_amount():
    session = PaidSessionFactory()
    found = outside(session, 900, is_done=False)
    assert sums(session) == ("PAID", 0, 900, 64000, 0)
    assert sums(done(found)) == ("PARTIALLY_CANCELLED", 900, 0, 64000, 0)


def test_a_refund_that_overlaps_a_reservation_is_recorded_and_shown():
    session = PaidSessionFactory()
    ask(session, 60000)
    found = outside(session, 5000, is_done=True)
    row = PaymentSession.objects.get()
    assert (sums(session), row.attention) == (("PARTIALLY_CANCELLED", 5000, 60000, -100, 0), True)
    assert (found.balance_before, lines(session)[-1]) == (4900, "overlap")


def test_one_that_just_fits_beside_a_reservation_is_no_overlap():
    session = PaidSessionFactory()
    ask(session, 60000)
    outside(session, 4900, is_done=True)
    assert PaymentSession.objects.get().attention is False


def test_what_is_found_below_an_overdrawn_balance_counts_from_nothing():
    session = PaidSessionFactory()
    PaymentSession.objects.update(reserved=65000)
    assert outside(session, 900, is_done=True).balance_before == 0


def test_staff_are_shown_a_thing_once():
    session = PaidSessionFactory()
    for _ in range(2):
        refunds.flag(session, "refund_differs", found=1)
    assert (session.attention, lines(session)) == (True, ["refund_differs"])


def test_what_is_wrong_is_noted_also_of_a_payment_that_is_shown_for_another_reason():
    """Else it would be hidden: once its shop is told, a payment that was only untold leaves the list."""
    session = PaidSessionFactory(attention=True)
    ledger.note(session, "not_told", "shop")
    refunds.flag(session, "overlap", balance=-100)
    assert lines(session) == ["not_told", "overlap"]
    attention.sweep(timezone.now())
    assert Attention.objects.get().subject == session.pk


def test_a_dispute_is_shown_and_its_end_is_noted():
    session = PaidSessionFactory()
    for disputed in (True, False):
        refunds.mark_disputed(session, disputed)
        row = PaymentSession.objects.get()
        assert (row.disputed, row.attention) == (disputed, True)
    assert lines(session) == ["disputed", "dispute_over"]


def test_an_open_cancel_is_one_that_nobody_knows_the_outcome_of():
    session = PaidSessionFactory()
    cancellation = ask(session, 4900)
    for state in KNOWN:
        Cancellation.objects.update(state=state)
        assert (refunds.open_cancel(session) == cancellation) == (state in KNOWN[:3])
