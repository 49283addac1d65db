"""The rows that the bench starts from."""

import base64
from datetime import timedelta

from django.utils import timezone

from merchants.keys import hash_api_key
from merchants.models import Merchant, MethodConnection, PaymentMethod, Shop
from payments.models import Order, PaymentSession
from payments.models.orders import new_reference
from tests.bench.wire import AMOUNT, API_KEY, WEBHOOK_SECRET, WEBHOOK_TOKEN, gateway_id, order_ids

SIGNING_SECRET = "whsec_" + base64.b64encode(b"a signing secret of 32 bytes....").decode()
LIFETIME = timedelta(minutes=40)
BATCH = 500  # rows in one statement


def set_up(peer_url: str) -> None:
    """Make the shop, its Stripe account, and the connection between them."""
    Shop.objects.create(
        db_type="KR1", joiner_id=1001, nations=["KR"], currency="KRW", api_key_hash=hash_api_key(API_KEY),
        completion_url=f"{peer_url}/shop/complete", signing_secret=SIGNING_SECRET, redirect_hosts=["127.0.0.1"],
    )  # fmt: skip
    merchant = Merchant.objects.create(
        code="stripe", gateway="stripe", mid="acct_bench", mode="test", currency="KRW", webhook_token=WEBHOOK_TOKEN,
        credentials={"secret_key": "sk_test_bench0123456789", "webhook_secret": WEBHOOK_SECRET},
    )  # fmt: skip
    card = PaymentMethod.objects.get(code="CARD")
    MethodConnection.objects.create(db_type="KR1", nation="KR", method=card, device="any", merchant=merchant)


def sessions(number: int) -> list[PaymentSession]:
    """Write so many payments, each of an order of its own, as they stand when the buyer has the page."""
    shop, merchant, now = Shop.objects.get(), Merchant.objects.get(), timezone.now()
    orders = Order.objects.bulk_create(
        (Order(db_type="KR1", order_id=next(order_ids), shop=shop, joiner_id=1001) for _ in range(number)), BATCH
    )
    rows = []
    for order in orders:
        reference = new_reference()
        rows.append(
            PaymentSession(
                order=order,
                merchant=merchant,
                gateway="stripe",
                method="CARD",
                device="pc",
                nation="KR",
                amount=AMOUNT,
                currency="KRW",
                reference=reference,
                gateway_id=gateway_id(reference),
                page_url="http://127.0.0.1/",
                redirect_url="http://127.0.0.1/",
                cancel_url="http://127.0.0.1/",
                description="명함 200매",
                buyer={},
                expires_at=now + LIFETIME,
                due_at=now + LIFETIME,
            )
        )
    return PaymentSession.objects.bulk_create(rows, BATCH)
