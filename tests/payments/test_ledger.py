"""The books' own rules: who is locked, which call counts, whom a newly known id wakes."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from payments import ledger
from payments.models import CallKind, CallState, GatewayCall, Notification, Order, PaymentSession
from payments.states import Stage
from tests.factories import MerchantFactory, ShopFactory
from tests.payments.factories import (
    CallFactory,
    NotificationFactory,
    OrderFactory,
    PaidSessionFactory,
    PaymentSessionFactory,
)
from tests.sql import is_locked, lock_waits, statements
from tests.threads import at_once, until

NOW = timezone.now()
LATER = NOW + timedelta(hours=1)


def open_call(session, state=CallState.SENDING, kind=CallKind.START):
    token = uuid4() if state == CallState.SENDING else None
    return CallFactory(session=session, kind=kind, state=state, due_at=LATER, lease_token=token)


# Locks


def test_lock_order_holds_the_orders_row(transactional_db):
    order = OrderFactory()
    with transaction.atomic(), statements() as sent:
        assert ledger.lock_order(order.shop, order.joiner_id, order.order_id, 0) == order
        assert is_locked(order)
    assert len(sent) == 1
    assert not is_locked(order)


def test_the_first_call_makes_the_order(db):
    shop = ShopFactory()
    with statements() as sent:
        order = ledger.lock_order(shop, 1001, 7, 0)
    assert len(sent) == 2
    assert (order.db_type, order.joiner_id, order.order_id, order.claim_id) == (shop.db_type, 1001, 7, 0)


def test_of_many_first_calls_one_makes_the_order_and_all_go_on_in_turn(transactional_db):
    shop = ShopFactory()
    inside = []

    def call():
        with transaction.atomic():
            order = ledger.lock_order(shop, 1001, 7, 0)
            inside.append(order.pk)
            assert len(inside) == 1
            inside.remove(order.pk)
        return order.pk

    assert len(set(at_once(*[call] * 8))) == 1
    assert Order.objects.count() == 1


def test_lock_session_holds_the_order_and_the_session(transactional_db):
    session = PaymentSessionFactory()
    with transaction.atomic(), statements() as sent:
        locked = ledger.lock_session(session.pk)
        assert (is_locked(session.order), is_locked(session)) == (True, True)
        assert (locked, locked.order, locked.merchant) == (session, session.order, session.merchant)
    assert len(sent) == 2


def test_the_order_is_locked_before_the_session(transactional_db):
    session = PaymentSessionFactory()

    def hold_the_order():
        with transaction.atomic():
            Order.objects.select_for_update().get(pk=session.order_id)
            until(lock_waits)
            return is_locked(session)

    def lock_the_session():
        until(lambda: is_locked(session.order))
        with transaction.atomic():
            return ledger.lock_session(session.pk).pk

    assert at_once(hold_the_order, lock_the_session) == [False, session.pk]


# Whose order it is


def test_an_order_belongs_to_its_joiner(db):
    order = OrderFactory(joiner_id=1001)
    with pytest.raises(ledger.AnotherJoiner):
        ledger.lock_order(order.shop, 1002, order.order_id, 0)


def test_a_claim_payment_is_an_order_of_its_own_of_the_same_joiner(db):
    order = OrderFactory(joiner_id=1001)
    claim = ledger.lock_order(order.shop, 1001, order.order_id, 5)
    assert (claim.pk == order.pk, claim.claim_id, claim.sequence) == (False, 5, 0)
    with pytest.raises(ledger.AnotherJoiner), transaction.atomic():
        ledger.lock_order(order.shop, 1002, order.order_id, 6)
    assert not Order.objects.filter(claim_id=6).exists()


# The standing session


@pytest.mark.parametrize(
    ("stages", "standing"),
    [
        (["PAID", "STANDBY", "REVIEW", "FAILED"], 0),
        (["PARTIALLY_CANCELLED", "STANDBY"], 0),
        (["EXPIRED", "WAITING_DEPOSIT", "REVIEW", "FAILED"], 1),
        (["REVIEW", "REVIEW", "CANCELLED", "FAILED"], 1),
        (["FAILED", "EXPIRED", "CANCELLED"], 2),
        ([], None),
    ],
)
def test_the_standing_session(db, stages, standing):
    order = OrderFactory()
    made = [PaidSessionFactory(order=order, stage=stage) for stage in stages]
    PaymentSessionFactory()
    assert ledger.standing(order) == (None if standing is None else made[standing])


def test_a_new_order_has_no_standing_session_until_one_is_opened(db):
    order = ledger.lock_order(ShopFactory(), 1001, 7, 0)
    with statements() as sent:
        assert ledger.standing(order) is None
    assert sent == []
    terms = ledger.Terms(1000, "KRW", "CARD", "any", "KR", "", "", "", expires_at=LATER)
    session = ledger.open_session(order, MerchantFactory(), terms)
    assert ledger.standing(order) == session


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], (False, False)),
        (["PAID"], (True, True)),
        (["PARTIALLY_CANCELLED"], (True, True)),
        (["FAILED"], (False, True)),
        (["REVIEW"], (False, True)),
    ],
)
def test_what_else_there_is_of_the_order(db, others, expected):
    session = PaymentSessionFactory(stage="EXPIRED")
    PaidSessionFactory()
    newer = [PaidSessionFactory(order=session.order, stage=stage) for stage in others]
    with statements() as sent:
        assert ledger.others_of(session) == expected
    assert len(sent) == 1
    if newer:
        assert ledger.others_of(newer[0]) == (False, False)


# Calls


def test_a_call_is_written_before_it_is_sent_in_one_statement(db):
    session = PaymentSessionFactory()
    with statements() as sent:
        call = ledger.send_now(session, CallKind.START, '{"exact": "body"}', NOW, 15)
    assert len(sent) == 1
    stored = GatewayCall.objects.get()
    assert (stored.state, stored.attempts, stored.first_sent_at) == ("SENDING", 1, NOW)
    assert (stored.due_at, stored.lease_token) == (NOW + timedelta(seconds=15), call.lease_token)
    assert (stored.body, stored.idempotency_key) == ('{"exact": "body"}', call.idempotency_key)


def test_whoever_lost_the_lease_writes_nothing(db):
    call = open_call(PaymentSessionFactory())
    GatewayCall.objects.update(lease_token=uuid4())
    assert not ledger.end_call(call, CallState.DONE, NOW)
    ledger.leave_unknown(call, NOW, "late", "")
    ledger.leave_unsent(call, NOW, "late")
    stored = GatewayCall.objects.get()
    assert (stored.state, stored.code, stored.due_at) == ("SENDING", "", LATER)


def test_a_call_ends_once(db):
    call = open_call(PaymentSessionFactory())
    assert ledger.end_call(call, CallState.DONE, NOW)
    assert not ledger.end_call(call, CallState.REFUSED, NOW)
    stored = GatewayCall.objects.get()
    assert (stored.state, stored.ended_at, stored.due_at, stored.lease_token) == ("DONE", NOW, None, None)


def test_a_lookup_takes_the_call_from_its_sender(db):
    call = open_call(PaymentSessionFactory())
    ledger.take_call(call, CallState.DONE, NOW)
    assert not ledger.end_call(call, CallState.REFUSED, NOW)
    assert GatewayCall.objects.get().state == "DONE"


def test_a_lookup_takes_no_call_that_has_ended(db):
    call = open_call(PaymentSessionFactory())
    ledger.end_call(call, CallState.REFUSED, NOW)
    ledger.take_call(call, CallState.DONE, LATER)
    assert GatewayCall.objects.get().state == "REFUSED"


def test_only_a_call_that_waits_is_hurried(db):
    waiting = open_call(PaymentSessionFactory(), CallState.UNKNOWN)
    sending = open_call(PaymentSessionFactory())
    for call in (waiting, sending):
        ledger.hurry(call, NOW)
        call.refresh_from_db()
    assert (waiting.due_at, sending.due_at) == (NOW, LATER)


# Ids


def rung(session, **found):
    """Which of the waiting notices became due when the session learned its ids."""
    Notification.objects.update(due_at=LATER)
    ledger.identify(session, NOW, **found)
    return set(Notification.objects.filter(due_at=NOW).values_list("dedupe_key", flat=True))


def test_a_new_id_wakes_the_notices_that_name_it(db):
    session = PaymentSessionFactory(gateway_id="")
    known = PaymentSessionFactory()
    for name, values in {
        "id": {"gateway_id": "cs_1"},
        "payment": {"gateway_payment_id": "pi_1"},
        "other": {"gateway_id": "cs_2", "gateway_payment_id": "pi_2"},
        "empty": {},
        "elsewhere": {"gateway_id": "cs_1", "gateway": "inicis"},
        "worked": {"gateway_id": "cs_1", "session": known, "merchant": known.merchant},
        "no orphan": {"gateway_id": "cs_1", "reference": session.reference},
    }.items():
        NotificationFactory(**{"session": None, "merchant": None, "dedupe_key": name, **values})
    assert rung(session, gateway_id="cs_1", page_url="https://checkout.example/1") == {"id"}
    assert rung(session, gateway_id="cs_1", gateway_payment_id="pi_1") == {"payment"}
    assert rung(session, gateway_id="cs_2", gateway_payment_id="pi_2") == set()


def test_known_ids_stay_and_cost_nothing(db):
    session = PaymentSessionFactory(gateway_id="cs_1", gateway_payment_id="pi_1", page_url="https://checkout.example/1")
    with statements() as sent:
        ledger.identify(session, NOW, gateway_id="cs_2", gateway_payment_id="pi_2", page_url="https://evil.example")
        ledger.identify(session, NOW, gateway_id="", gateway_payment_id="", page_url="")
    assert sent == []
    assert (session.gateway_id, session.gateway_payment_id) == ("cs_1", "pi_1")


def test_two_sessions_cannot_share_a_gateway_id(db):
    merchant = MerchantFactory()
    PaymentSessionFactory(merchant=merchant, gateway_id="cs_1")
    with pytest.raises(Exception, match="one_session_per_gateway_id"):
        ledger.identify(PaymentSessionFactory(merchant=merchant, gateway_id=""), NOW, gateway_id="cs_1")


# Ends


def test_money_in_review_is_written_down_and_shown_to_staff(db):
    session = PaymentSessionFactory(due_at=LATER, lease_token=uuid4())
    ledger.put_in_review(session, "WRONG_AMOUNT", 100, found_amount=100)
    stored = PaymentSession.objects.get()
    assert (stored.stage, stored.reason, stored.paid, stored.attention) == ("REVIEW", "WRONG_AMOUNT", 100, True)
    assert (stored.due_at, stored.lease_token, stored.deliveries.count()) == (None, None, 0)
    assert stored.events.get().facts == {
        "reason": "WRONG_AMOUNT",
        "expected": 64900,
        "verified": 100,
        "found_amount": 100,
    }


def test_a_payment_is_booked_with_what_was_verified(db):
    session = PaymentSessionFactory(due_at=LATER, stage="EXPIRED", reason="LIFETIME")
    ledger.book_payment(session, 64900, NOW)
    stored = PaymentSession.objects.get()
    assert (stored.stage, stored.paid, stored.paid_at, stored.reason) == (Stage.PAID, 64900, NOW, "")
    assert (stored.due_at, stored.balance) == (None, 64900)


def test_locks_are_refused_outside_a_transaction(transactional_db):
    session = PaymentSessionFactory()
    assert not connection.in_atomic_block
    with pytest.raises(transaction.TransactionManagementError):
        ledger.lock_session(session.pk)
    with pytest.raises(transaction.TransactionManagementError):
        ledger.lock_order(session.order.shop, session.order.joiner_id, session.order.order_id, 0)
