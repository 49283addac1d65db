"""What a lookup shows of money that went back: ours is recognised, the rest was made without us."""

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from bridge import refunding
from bridge.gateways.base import Fetched, Refund, RefundStatus, Status
from payments import ledger, refunds
from payments.models import Cancellation, CancelOrigin, Delivery, GatewayCall, PaymentSession
from tests.payments.factories import DeliveryFactory, PaidSessionFactory
from tests.payments.refunding import NOW, ask, book, sums

pytestmark = pytest.mark.django_db
DONE, PENDING, FAILED = RefundStatus.DONE, RefundStatus.PENDING, RefundStatus.FAILED


@pytest.fixture
def session():
    """A payment that the shop knows of."""
    session = PaidSessionFactory(order__sequence=1)
    DeliveryFactory(session=session, state="DELIVERED")
    return session


def show(session, *refunds, disputed=False, returned=None, at=NOW):
    """Let a lookup show these refunds; returns the session as it stands then, and when to look ``again``."""
    listed = sum(one.amount for one in refunds if one.status is not FAILED)
    found = Fetched(
        status=Status.PAID, raw_status="paid", gateway_id=session.gateway_id, gateway_payment_id="pi_1",
        reference=session.reference, amount=64900, currency="KRW", livemode=False, received=64900,
        returned=listed if returned is None else returned, disputed=disputed, refunds=refunds,
    )  # fmt: skip
    with transaction.atomic():
        again = refunding.follow(ledger.lock_session(session.pk), found, at)
    shown = PaymentSession.objects.get(pk=session.pk)
    shown.again = again
    return shown


def ours(cancellation, status=DONE, amount=4900, name="re_1", **more):
    return Refund(name, str(cancellation.uuid), amount, status, **more)


def theirs(amount, status=DONE, name="re_console"):
    return Refund(name, "", amount, status)


def told():
    rows = Delivery.objects.exclude(kind="PayComplete").order_by("sequence")
    return [(row.kind, json.loads(row.body).get("RefundPrice")) for row in rows]


def states():
    return [(one.origin, one.amount, one.state) for one in Cancellation.objects.order_by("pk")]


def test_our_refund_is_known_by_our_own_id(session):
    cancellation = ask(session, 4900)
    show(session, ours(cancellation))
    assert (sums(session), states()) == (("PARTIALLY_CANCELLED", 4900, 0, 60000, 0), [("SHOP", 4900, "DONE")])
    assert Cancellation.objects.get().gateway_cancel_id == "re_1"
    assert told() == [("CancelComplete", "4900")]


def test_it_is_known_by_the_gateways_id_where_ours_is_lost(session):
    show(session, ours(ask(session, 4900)))
    show(session, theirs(4900, FAILED, "re_1"))
    assert (sums(session), states()) == (("PAID", 0, 0, 64900, 1), [("SHOP", 4900, "REVERSED")])
    assert [kind for kind, _ in told()] == ["CancelComplete", "RefundReversed"]


@pytest.mark.parametrize(("status", "state", "ended"), [(DONE, "DONE", "DONE"), (PENDING, "PENDING", "DONE"),
                                                       (FAILED, "REFUSED", "REFUSED")])  # fmt: skip
def test_a_lookup_that_shows_the_refund_ends_its_call(session, status, state, ended):
    show(session, ours(ask(session, 4900), status))
    call = GatewayCall.objects.get()
    assert (states(), call.state, call.due_at) == ([("SHOP", 4900, state)], ended, None)


def test_while_a_cancel_is_open_no_other_refund_is_booked(session):
    cancellation = ask(session, 4900)
    show(session, theirs(900))
    assert (sums(session), len(states())) == (("PAID", 0, 4900, 60000, 0), 1)
    show(session, ours(cancellation), theirs(900))
    assert states() == [("SHOP", 4900, "DONE"), ("GATEWAY", 900, "DONE")]
    assert sums(session) == ("PARTIALLY_CANCELLED", 5800, 0, 59100, 0)


def test_a_failed_refund_of_others_is_nothing(session):
    show(session, theirs(900, FAILED))
    assert (sums(session), states(), told()) == (("PAID", 0, 0, 64900, 0), [], [])


def test_a_refund_of_others_that_fails_in_the_end_is_given_back_and_not_told(session):
    show(session, theirs(900, PENDING))
    assert (sums(session), told()) == (("PAID", 0, 900, 64000, 0), [])
    show(session, theirs(900, FAILED))
    assert (sums(session), told()) == (("PAID", 0, 0, 64900, 1), [])


def test_a_refund_of_another_amount_is_shown_and_not_booked(session):
    row = show(session, ours(ask(session, 4900), amount=4899))
    assert (row.attention, sums(session)) == (True, ("PAID", 0, 4900, 60000, 0))
    assert told() == []


def test_what_is_shown_again_changes_nothing(session):
    cancellation = ask(session, 4900)
    for _ in range(3):
        show(session, ours(cancellation), theirs(900))
    assert (sums(session)[:2], len(told())) == (("PARTIALLY_CANCELLED", 5800), 2)


def test_a_done_refund_shown_as_pending_stays_done(session):
    cancellation = ask(session, 4900)
    show(session, ours(cancellation))
    show(session, ours(cancellation, PENDING))
    assert states() == [("SHOP", 4900, "DONE")]


def test_of_two_refunds_under_our_id_the_best_is_ours(session):
    cancellation = ask(session, 4900)
    show(session, ours(cancellation, FAILED, name="re_1"), ours(cancellation, DONE, name="re_2"))
    assert states() == [("SHOP", 4900, "DONE")]
    assert Cancellation.objects.get().gateway_cancel_id == "re_2"


def test_a_second_refund_under_our_id_is_one_that_we_did_not_ask_for(session):
    show(session, ours(ask(session, 4900)))
    show(session, ours(Cancellation.objects.get()), ours(Cancellation.objects.get(), name="re_2"))
    assert states() == [("SHOP", 4900, "DONE"), ("GATEWAY", 4900, "DONE")]
    assert sums(session)[:2] == ("PARTIALLY_CANCELLED", 9800)


def test_of_a_payment_that_it_never_heard_of_the_shop_is_not_told():
    session = PaidSessionFactory(stage="REVIEW", attention=True, reason="DOUBLE_PAYMENT")
    show(session, ours(ask(session, 64900), amount=64900), disputed=True)
    assert (sums(session)[0], told()) == ("CANCELLED", [])


def test_more_than_was_granted_is_shown(session):
    book(refunds.pending, ask(session, 60000), "re_1")
    GatewayCall.objects.update(state="DONE", due_at=None)
    row = show(session, ours(Cancellation.objects.get(), PENDING, 60000), theirs(5000))
    assert (row.attention, row.balance) == (True, -100)


def test_money_back_that_is_in_no_list_is_looked_for_and_then_shown(session):
    def seen(returned, at=NOW):
        row = show(session, theirs(900), returned=returned, at=at)
        return row.attention, row.again

    assert seen(900) == (False, None)
    assert seen(901) == (False, NOW + timedelta(seconds=10))
    assert seen(901, timezone.now() + timedelta(minutes=10)) == (True, None)


def test_what_our_books_know_already_needs_no_list(session):
    book(refunds.done, ask(session, 4900), NOW, "re_1")
    GatewayCall.objects.update(state="DONE", due_at=None)
    book(refunds.pending, ask(session, 900), "re_2")
    assert show(session, returned=5800).attention is False
    assert not session.events.filter(kind="refund_awaited").exists()


def test_a_dispute_is_told_each_time_that_it_begins(session):
    flags = [show(session, disputed=disputed).disputed for disputed in (True, True, False, True)]
    assert (flags, told()) == ([True, True, False, True], [("Disputed", None)] * 2)


# Money that may not pay its order


def send_back(session, origin):
    with transaction.atomic():
        refunding.send_back(ledger.lock_session(session.pk), origin, "DOUBLE_PAYMENT", NOW)
    return [(origin, amount) for origin, amount, _ in states()]


@pytest.mark.parametrize(("method", "made"), [("CARD", [("POLICY", 64900)]), ("KONBINI", [])])
def test_unwanted_money_goes_back_by_itself_only_where_the_buyer_has_nothing_to_do(method, made):
    assert send_back(PaidSessionFactory(stage="REVIEW", attention=True, method=method), CancelOrigin.POLICY) == made


def test_where_policy_is_off_unwanted_money_waits_for_a_person(settings):
    settings.PGB_REFUND_UNWANTED_PAYMENTS = False
    session = PaidSessionFactory(stage="REVIEW", attention=True)
    assert send_back(session, CancelOrigin.POLICY) == []
    assert send_back(session, CancelOrigin.SHOP) == [("SHOP", 64900)]


def test_what_cannot_be_sent_back_now_is_shown(session):
    ask(session, 4900)
    assert send_back(session, CancelOrigin.SHOP) == [("SHOP", 4900)]
    assert PaymentSession.objects.get().attention is True
