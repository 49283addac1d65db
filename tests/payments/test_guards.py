"""What the database itself refuses, whatever the code above it forgets: raw writes past all of it."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from merchants.models import Merchant
from payments.models import Order, PaymentEvent, PaymentSession
from payments.states import HOLDING, LIVE
from tests.factories import MerchantFactory
from tests.payments.factories import (
    CallFactory,
    CancellationFactory,
    DeliveryFactory,
    EventFactory,
    NotificationFactory,
    OrderFactory,
    PaidSessionFactory,
    PaymentSessionFactory,
)

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def refused(guard, write):
    """The write fails, and by this guard."""
    with pytest.raises(IntegrityError, match=guard), transaction.atomic():
        write()


def raw(row, **changes):
    """UPDATE of one row as SQL writes it."""
    return lambda: type(row)._base_manager.filter(pk=row.pk).update(**changes)


def call(session, kind="START", state="DONE", **values):
    is_open = state in ("READY", "SENDING", "UNKNOWN")
    return CallFactory(session=session, kind=kind, state=state, due_at=NOW if is_open else None, **values)


@pytest.mark.parametrize("second", sorted(LIVE))
@pytest.mark.parametrize("first", sorted(LIVE))
def test_one_live_session_per_order(first, second):
    order = PaymentSessionFactory(stage=first).order
    refused("one_live_session_per_order", lambda: PaymentSessionFactory(order=order, stage=second))


@pytest.mark.parametrize("second", sorted(HOLDING))
@pytest.mark.parametrize("first", sorted(HOLDING))
def test_one_paid_session_per_order(first, second):
    order = PaidSessionFactory(stage=first).order
    refused("one_paid_session_per_order", lambda: PaidSessionFactory(order=order, stage=second))


def test_ended_sessions_stand_beside_a_live_and_a_paid_one():
    order = PaidSessionFactory().order
    for stage in ("STANDBY", "FAILED", "FAILED", "EXPIRED", "EXPIRED", "CANCELLED", "REVIEW", "REVIEW"):
        PaymentSessionFactory(order=order, stage=stage)
    assert order.sessions.count() == 9


def test_one_session_per_gateway_id_of_a_merchant():
    first = PaymentSessionFactory(gateway_id="cs_1")
    refused("one_session_per_gateway_id", lambda: PaymentSessionFactory(merchant=first.merchant, gateway_id="cs_1"))
    PaymentSessionFactory(merchant=MerchantFactory(), gateway_id="cs_1")
    for _ in range(2):
        PaymentSessionFactory(merchant=first.merchant, gateway_id="")


@pytest.mark.parametrize(
    ("guard", "changes"),
    [
        ("cancelled_within_paid", {"cancelled": 64901}),
        ("cancelled_within_paid", {"cancelled": -1}),
        ("cancelled_within_paid", {"stage": "REVIEW", "paid": -1}),
        ("cancelled_within_paid", {"stage": "REVIEW", "paid": -1, "cancelled": -1}),
        ("reserved_not_negative", {"reserved": -1}),
        ("holding_means_money", {"paid": 0}),
        ("holding_means_money", {"cancelled": 64900}),
        ("holding_means_money", {"stage": "PARTIALLY_CANCELLED", "cancelled": 64900}),
        ("session_amount_positive", {"amount": 0}),
        ("session_amount_positive", {"amount": -1}),
        ("tax_free_within_amount", {"tax_free": -1}),
        ("tax_free_within_amount", {"tax_free": 64901}),
        ("session_stage_known", {"stage": "PAYED"}),
        ("session_stage_known", {"stage": ""}),
    ],
)
def test_impossible_money_is_refused(guard, changes):
    refused(guard, raw(PaidSessionFactory(), **changes))


def test_what_the_gateway_gave_back_is_recordable_beside_a_reservation():
    raw(PaidSessionFactory(), stage="CANCELLED", cancelled=64900, reserved=64900)()


@pytest.mark.parametrize("name", ["reference", "return_token", "uuid"])
def test_what_names_a_session_is_unique(name):
    first, second = PaymentSessionFactory(), PaymentSessionFactory()
    refused(name, raw(second, **{name: getattr(first, name)}))


def test_one_row_per_order():
    order = OrderFactory(db_type="KR1", order_id=7)
    refused("one_row_per_order", lambda: OrderFactory(db_type="KR1", order_id=7))
    OrderFactory(db_type="KR1", order_id=7, claim_id=1, shop=order.shop)
    OrderFactory(db_type="JP1", order_id=7)


@pytest.mark.parametrize("second", ["READY", "SENDING", "UNKNOWN"])
@pytest.mark.parametrize("first", ["READY", "SENDING", "UNKNOWN"])
def test_one_open_call_per_session_and_one_net_cancel_beside_it(first, second):
    session = PaymentSessionFactory()
    call(session, "CONFIRM", first)
    refused("one_open_call_per_session", lambda: call(session, "EXPIRE", second))
    call(session, "NET_CANCEL", first)
    refused("one_open_net_cancel_per_session", lambda: call(session, "NET_CANCEL", second))
    call(session, "START", "DONE")
    call(session, "EXPIRE", "REFUSED")


def test_an_idempotency_key_belongs_to_one_call():
    first, second = call(PaymentSessionFactory()), call(PaymentSessionFactory())
    refused("idempotency_key", raw(second, idempotency_key=first.idempotency_key))


@pytest.mark.parametrize(
    ("guard", "changes"),
    [
        ("call_state_known", {"state": "LOST"}),
        ("open_call_is_due", {"state": "UNKNOWN", "due_at": None}),
        ("open_call_is_due", {"state": "READY", "due_at": None}),
        ("open_call_is_due", {"state": "DONE", "due_at": NOW}),
        ("sent_call_has_its_time", {"state": "SENDING", "due_at": NOW, "first_sent_at": None}),
        ("sent_call_has_its_time", {"state": "UNKNOWN", "due_at": NOW, "first_sent_at": None}),
    ],
)
def test_a_call_can_be_neither_forgotten_nor_sent_without_its_time(guard, changes):
    refused(guard, raw(call(PaymentSessionFactory()), **changes))


def test_a_call_that_was_never_sent_can_end():
    raw(call(PaymentSessionFactory(), "EXPIRE", "READY", first_sent_at=None), state="REFUSED", due_at=None)()


@pytest.mark.parametrize("kind", ["START", "CONFIRM", "EXPIRE", "NET_CANCEL"])
def test_the_call_of_a_cancel_and_no_other_has_its_cancellation(kind):
    cancellation = CancellationFactory()
    refused(
        "cancel_call_has_its_cancellation", lambda: call(cancellation.session, kind, "DONE", cancellation=cancellation)
    )
    refused("cancel_call_has_its_cancellation", lambda: call(cancellation.session, "CANCEL", "DONE"))
    call(cancellation.session, "CANCEL", "DONE", cancellation=cancellation)


def cancel(session, state, **values):
    """A cancel that no other guard minds."""
    number = session.cancellations.count() + 1
    return CancellationFactory(
        session=session, state=state, **{"balance_before": number, "gateway_cancel_id": "", **values}
    )


@pytest.mark.parametrize("second", ["REQUESTED", "SENDING", "UNKNOWN"])
@pytest.mark.parametrize("first", ["REQUESTED", "SENDING", "UNKNOWN"])
def test_one_open_cancel_per_session(first, second):
    session = PaidSessionFactory()
    cancel(session, first)
    refused("one_open_cancel_per_session", lambda: cancel(session, second))
    for state in ("PENDING", "PENDING", "DONE", "REFUSED", "REVERSED"):
        cancel(session, state)
    cancel(PaidSessionFactory(), second)


def test_one_cancel_per_balance_generation_and_amount():
    session = PaidSessionFactory()
    same = {"balance_before": 64900, "generation": 0, "amount": 900}
    cancel(session, "DONE", **same)
    refused("one_cancel_per_balance", lambda: cancel(session, "DONE", **same))
    for change in ({"balance_before": 64000}, {"generation": 1}, {"amount": 800}, {"origin": "GATEWAY"}):
        cancel(session, "DONE", **{**same, **change})
    cancel(session, "DONE", **same, origin="GATEWAY")


def test_one_cancel_per_request_id_of_a_session():
    session = PaidSessionFactory()
    cancel(session, "REFUSED", request_id="one")
    refused("one_cancel_per_request_id", lambda: cancel(session, "DONE", request_id="one"))
    for request_id in ("two", "", ""):
        cancel(session, "DONE", request_id=request_id)
    cancel(PaidSessionFactory(), "DONE", request_id="one")


def test_one_cancel_per_refund_of_the_gateway():
    session = PaidSessionFactory()
    cancel(session, "DONE", gateway_cancel_id="re_1")
    refused("one_cancel_per_gateway_id", lambda: cancel(session, "DONE", gateway_cancel_id="re_1"))
    cancel(session, "DONE", gateway_cancel_id="re_2")


@pytest.mark.parametrize(
    ("guard", "changes"),
    [
        ("cancel_amount_positive", {"amount": 0}),
        ("cancel_amount_positive", {"amount": -1}),
        ("cancel_tax_free_not_negative", {"tax_free": -1}),
        ("cancel_state_known", {"state": "LOST"}),
        ("cancel_origin_known", {"origin": "NOBODY"}),
        ("cancellation_generation_check", {"generation": -1}),
    ],
)
def test_an_impossible_cancel_is_refused(guard, changes):
    refused(guard, raw(CancellationFactory(), **changes))


def test_one_notification_per_event_of_an_endpoint():
    first = NotificationFactory(endpoint="default")
    refused("one_notification_per_event", lambda: NotificationFactory(endpoint="default", dedupe_key=first.dedupe_key))
    NotificationFactory(endpoint="another", dedupe_key=first.dedupe_key)


def test_one_delivery_per_cause():
    first = DeliveryFactory()
    refused("one_delivery_per_cause", lambda: DeliveryFactory(session=first.session, sequence=2))
    DeliveryFactory(session=first.session, sequence=2, cause="1")
    DeliveryFactory(session=first.session, sequence=3, kind="PayExpired")


def test_one_delivery_per_sequence_of_an_order():
    first = DeliveryFactory()
    refused("one_delivery_per_sequence", lambda: DeliveryFactory(session=first.session, kind="PayExpired"))


@pytest.mark.parametrize(
    ("guard", "changes"),
    [
        ("owed_delivery_is_due", {"due_at": None}),
        ("owed_delivery_is_due", {"state": "DELIVERED"}),
        ("owed_delivery_is_due", {"state": "DEAD"}),
        ("delivery_state_known", {"state": "SENT", "due_at": None}),
    ],
)
def test_an_owed_delivery_is_due_and_an_ended_one_is_not(guard, changes):
    refused(guard, raw(DeliveryFactory(), **changes))


def test_a_timeline_is_only_added_to():
    event = EventFactory()
    for write in (raw(event, kind="paid"), event.delete, PaymentEvent.objects.all().delete):
        refused("append-only", write)
    assert PaymentEvent.objects.get().kind == "opened"


@pytest.mark.parametrize(
    "changes", [{"gateway": "inicis"}, {"mid": "acct_other"}, {"mode": "live"}, {"currency": "JPY"}]
)
def test_a_used_merchant_stays_the_same_contract(changes):
    unused, used = MerchantFactory(), PaymentSessionFactory().merchant
    raw(unused, **changes)()
    refused("never change", raw(used, **changes))
    raw(used, code="another-name", is_active=False)()


@pytest.mark.parametrize("model", [Merchant, Order, PaymentSession])
def test_nothing_that_a_payment_stands_on_can_be_deleted(model):
    event = EventFactory()
    pk = {Merchant: event.session.merchant_id, Order: event.session.order_id}.get(model, event.session_id)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE id = %s", [pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
