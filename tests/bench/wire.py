"""What the bench sends: signed webhooks and PayStarts, prepared as the bytes that cross the wire."""

import json
import time
from collections.abc import Iterator
from itertools import count
from urllib.parse import urlencode

from ulid import ULID

from bridge.sandbox.stripe.events import signature_header

API_KEY = "bench-api-key-of-forty-characters-01234567"
WEBHOOK_SECRET = "whsec_bench_0123456789abcdef"
WEBHOOK_TOKEN = "bench-stripe-0000000000001"
AMOUNT = 64900

order_ids = count(1)


def gateway_id(reference: str) -> str:
    """Return what the bench's Stripe calls the payment."""
    return f"cs_test_{reference}"


def webhook(reference: str, path: str = f"/PGBReturn/Webhook/stripe/{WEBHOOK_TOKEN}") -> bytes:
    """Return a signed checkout.session.completed about the payment, an event of its own."""
    thing = {
        "id": gateway_id(reference), "object": "checkout.session", "amount_total": AMOUNT, "currency": "krw",
        "client_reference_id": reference, "metadata": {"pgb_reference": reference}, "livemode": False,
        "mode": "payment", "payment_intent": f"pi_{reference}", "payment_status": "paid", "status": "complete",
        "customer_details": {"email": "buyer@shop.example", "name": "홍길동", "phone": None, "address": None},
    }  # fmt: skip
    event = {
        "id": f"evt_{reference}", "object": "event", "api_version": "2026-10-28.endive", "created": int(time.time()),
        "data": {"object": thing}, "livemode": False, "pending_webhooks": 1, "type": "checkout.session.completed",
    }  # fmt: skip
    body = json.dumps(event, indent=2, ensure_ascii=False).encode()
    signature = signature_header(WEBHOOK_SECRET, body, int(time.time()))
    return _post(path, body, f"Stripe-Signature: {signature}")


def strangers(number: int, path: str = f"/PGBReturn/Webhook/stripe/{WEBHOOK_TOKEN}") -> list[bytes]:
    """Return distinct signed webhooks about payments that are not ours."""
    return [webhook(str(ULID()), path) for _ in range(number)]


def pay_starts(number: int) -> Iterator[bytes]:
    """Return PayStarts, each of an order of its own."""
    for _ in range(number):
        body = {
            "DBType": "KR1", "OrderId": next(order_ids), "JoinerId": 1001, "PayType": "CARD",
            "TotalPrice": str(AMOUNT), "OrderDescription": "명함 200매", "NationCode": "KR",
            "RedirectUrl": "http://127.0.0.1/thanks", "BuyerName": "홍길동", "BuyerEmail": "buyer@shop.example",
        }  # fmt: skip
        yield _post("/PGB/PayStart", json.dumps(body).encode(), f"Authorization: Bearer {API_KEY}")


PAGE = {"db_type": "KR1", "joiner_id": 1001, "nation_code": "KR"}


def question(path: str, **keys: object) -> bytes:
    """Return what an order page asks a function by POST, or by GET if it has no body of its own."""
    key = f"Authorization: Bearer {API_KEY}"
    if keys:
        return _post(path, json.dumps({**PAGE, **keys}).encode(), key)
    return f"GET {path}?{urlencode(PAGE)} HTTP/1.1\r\nHost: 127.0.0.1\r\n{key}\r\n\r\n".encode()


def _post(path: str, body: bytes, header: str) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{header}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
