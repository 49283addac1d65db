"""Payments as the books hold them, with a buyer whose data no page may show in full."""

import json
from datetime import timedelta

import factory
from django.contrib.auth.models import User
from django.utils import timezone
from factory.django import DjangoModelFactory

from merchants.codes import Device, GatewayCode
from payments import differences
from payments.models import (
    Approval,
    Attention,
    AttentionKind,
    CallKind,
    CallState,
    Cancellation,
    CredentialCheck,
    Delivery,
    DeliveryAttempt,
    DeliveryKind,
    Difference,
    DifferenceKind,
    GatewayCall,
    Notification,
    Order,
    PaymentEvent,
    PaymentSession,
    Reconciliation,
)
from payments.staff_cancels import version_of
from tests.factories import MerchantFactory, ShopFactory

BUYER = {"name": "홍길동", "tel": "010-9876-1234", "email": "hong.gildong@example.com"}


class OrderFactory(DjangoModelFactory):
    """Orders 1, 2, 3 ... of a shop of their own."""

    class Meta:
        model = Order

    shop = factory.SubFactory(ShopFactory)
    db_type = factory.SelfAttribute("shop.db_type")
    joiner_id = factory.SelfAttribute("shop.joiner_id")
    order_id = factory.Sequence(lambda n: n + 1)


class PaymentSessionFactory(DjangoModelFactory):
    """64,900 won, opened at the gateway and not paid yet."""

    class Meta:
        model = PaymentSession

    order = factory.SubFactory(OrderFactory)
    merchant = factory.SubFactory(MerchantFactory)
    gateway = factory.SelfAttribute("merchant.gateway")
    method = "CARD"
    device = Device.PC
    nation = "KR"
    amount = 64900
    currency = factory.SelfAttribute("merchant.currency")
    gateway_id = factory.Sequence(lambda n: f"cs_test_{n}")
    page_url = factory.LazyAttribute(lambda row: f"https://checkout.example/pay/{row.gateway_id}")
    redirect_url = "https://shop.example/done"
    cancel_url = "https://shop.example/cancelled"
    description = "명함 200매"
    buyer = factory.LazyFunction(lambda: dict(BUYER))
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(minutes=40))


class PaidSessionFactory(PaymentSessionFactory):
    """64,900 won, paid and verified."""

    stage = "PAID"
    paid = factory.SelfAttribute("amount")
    paid_at = factory.LazyFunction(timezone.now)
    gateway_payment_id = factory.Sequence(lambda n: f"pi_test_{n}")


class CancellationFactory(DjangoModelFactory):
    """10,000 won given back in part, as staff wanted."""

    class Meta:
        model = Cancellation

    session = factory.SubFactory(PaidSessionFactory, stage="PARTIALLY_CANCELLED", cancelled=10_000)
    origin = "STAFF"
    state = "DONE"
    amount = 10_000
    balance_before = factory.SelfAttribute("session.paid")
    generation = 0
    reason = "고객 변심"
    requested_by = "kim"
    gateway_cancel_id = factory.Sequence(lambda n: f"re_test_{n}")
    ended_at = factory.LazyAttribute(lambda row: timezone.now() if row.state in ("DONE", "REFUSED") else None)


class ApprovalFactory(DjangoModelFactory):
    """A cancel of 64,900 won that waits for a second person."""

    class Meta:
        model = Approval

    session = factory.SubFactory(PaidSessionFactory)
    kind = "CANCEL"
    amount = factory.SelfAttribute("session.amount")
    reason = "고객 변심"
    version = factory.LazyAttribute(lambda row: version_of(row.session))
    requester = factory.LazyFunction(lambda: User.objects.get_or_create(username="han")[0])


class EventFactory(DjangoModelFactory):
    """A line of a timeline."""

    class Meta:
        model = PaymentEvent

    session = factory.SubFactory(PaymentSessionFactory)
    kind = "opened"
    actor = "shop"


class CallFactory(DjangoModelFactory):
    """The opening of a payment, done."""

    class Meta:
        model = GatewayCall

    session = factory.SubFactory(PaymentSessionFactory)
    merchant = factory.SelfAttribute("session.merchant")
    kind = CallKind.START
    state = CallState.DONE
    idempotency_key = factory.LazyAttributeSequence(lambda row, n: f"pgb:{row.kind.lower()}:secret-part-{n:04}")
    body = '{"the exact": "body of the call"}'
    first_sent_at = factory.LazyFunction(timezone.now)


class NotificationFactory(DjangoModelFactory):
    """A notice that its payment is complete, worked off."""

    class Meta:
        model = Notification

    session = factory.SubFactory(PaymentSessionFactory)
    merchant = factory.LazyAttribute(lambda row: row.session.merchant if row.session else None)
    gateway = GatewayCode.STRIPE
    endpoint = factory.LazyAttribute(lambda row: row.merchant.webhook_token if row.merchant else "default")
    dedupe_key = factory.Sequence(lambda n: f"evt_{n}")
    kind = "checkout.session.completed"
    claims = "PAID"
    reference = factory.LazyAttribute(lambda row: row.session.reference if row.session else "")
    gateway_id = factory.LazyAttribute(lambda row: row.session.gateway_id if row.session else "")
    body = b'{"customer_details": {"email": "hong.gildong@example.com"}}'
    body_sha256 = "ab" * 32
    result = "PAID"


class DeliveryFactory(DjangoModelFactory):
    """A PayComplete that waits to be brought to the shop."""

    class Meta:
        model = Delivery

    session = factory.SubFactory(PaidSessionFactory)
    order = factory.SelfAttribute("session.order")
    shop = factory.SelfAttribute("order.shop")
    kind = DeliveryKind.PAY_COMPLETE
    sequence = 1
    body = factory.LazyAttribute(lambda row: json.dumps({"EventType": row.kind, "Sequence": row.sequence}))
    due_at = factory.LazyAttribute(lambda row: timezone.now() if row.state == "WAITING" else None)
    state = "WAITING"


class AttemptFactory(DjangoModelFactory):
    """A try that the shop accepted."""

    class Meta:
        model = DeliveryAttempt

    delivery = factory.SubFactory(DeliveryFactory)
    number = 1
    milliseconds = 41
    http_status = 200
    accepted = True
    result = "accepted"
    answer = '{"IsSuccess": true}'


class CredentialCheckFactory(DjangoModelFactory):
    """A check that waits for the bridge."""

    class Meta:
        model = CredentialCheck

    merchant = factory.SubFactory(MerchantFactory)
    requested_by = "kim"
    due_at = factory.LazyAttribute(lambda row: timezone.now() if row.state == "WAITING" else None)
    state = "WAITING"


class AttentionFactory(DjangoModelFactory):
    """A gateway that does not answer, found just now."""

    class Meta:
        model = Attention

    kind = AttentionKind.ACCOUNT
    subject = factory.Sequence(lambda n: n + 1)
    since = factory.LazyFunction(timezone.now)


class ReconciliationFactory(DjangoModelFactory):
    """Yesterday, held against the gateway's list."""

    class Meta:
        model = Reconciliation

    merchant = factory.SubFactory(MerchantFactory)
    day = factory.LazyFunction(lambda: timezone.localdate() - timedelta(days=1))
    state = "DONE"
    payments = 120
    paid = 7_788_000
    ended_at = factory.LazyFunction(timezone.now)


class DifferenceFactory(DjangoModelFactory):
    """A payment that the gateway has and our books do not have as paid."""

    class Meta:
        model = Difference

    run = factory.SubFactory(ReconciliationFactory)
    merchant = factory.SelfAttribute("run.merchant")
    day = factory.SelfAttribute("run.day")
    kind = DifferenceKind.STATE
    session = factory.SubFactory(PaymentSessionFactory, merchant=factory.SelfAttribute("..run.merchant"))
    subject = factory.Sequence(lambda n: f"pi_{n}")
    ours = factory.LazyAttribute(lambda row: differences.ours(row.session, None) if row.session else {})
    theirs = factory.LazyAttribute(
        lambda row: differences.Theirs(
            kind="PAYMENT",
            status="DONE",
            gateway_payment_id=row.subject,
            amount=64900,
            currency="KRW",
            at=timezone.now(),
            reference=row.session.reference if row.session else "",
            gateway_cancel_id="",
            cancel_id="",
            livemode=False,
            mid=row.merchant.mid,
        ).as_json()
    )
