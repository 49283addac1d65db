"""The one place that knows the shop's completion contract: what a message says, and what counts as heard."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from standardwebhooks.webhooks import Webhook

from merchants.models import Shop
from payments import ledger
from payments.models import Cancellation, Delivery, DeliveryKind, Order, PaymentSession
from payments.money import to_text
from payments.states import HOLDING


def tell(order: Order, session: PaymentSession, kind: DeliveryKind, at: datetime, cause: str = "", **more: Any) -> None:
    """Write the message ``kind`` about ``session`` into the transaction that changes the session.

    The order must be locked. The message carries the whole state of the order's standing session, so
    that a shop that missed one loses nothing by the next. ``more``: what only this kind of message says.
    """
    order.sequence += 1
    order.save(update_fields=["sequence"])
    event_id = uuid4()
    standing = session if session.stage in HOLDING else ledger.standing(order) or session
    body = {
        "EventId": str(event_id),
        "EventType": kind,
        "Sequence": order.sequence,
        **state_of(order, standing),
        **more,
        "OccurredAt": _time(at),
    }
    ledger.owe(session, kind, cause, event_id, json.dumps(body, ensure_ascii=False), at)


def state_of(order: Order, session: PaymentSession) -> dict[str, Any]:
    """Return an order's payment as the shop reads it; amounts as plain text in the currency's own unit."""
    currency = session.currency
    return {
        "DBType": order.db_type,
        "OrderId": order.order_id,
        "ClaimId": order.claim_id,
        "JoinerId": order.joiner_id,
        "NationCode": session.nation,
        "PaymentId": session.reference,
        "PGType": session.gateway,
        "PayType": session.method,
        "TotalPrice": to_text(session.amount, currency),
        "PaidPrice": to_text(session.paid, currency),
        "Balance": to_text(session.balance, currency),
        "Reserved": to_text(session.reserved, currency),
        "Currency": currency,
        "Stage": session.stage,
        "Reason": session.reason,
        "Disputed": session.disputed,
        "PaidAt": _time(session.paid_at) if session.paid_at else None,
    }


def cancel_of(cancellation: Cancellation, currency: str) -> dict[str, Any]:
    """Return one cancel as the shop reads it."""
    return {
        "CancelId": str(cancellation.uuid),
        "RequestId": cancellation.request_id,
        "RefundPrice": to_text(cancellation.amount, currency),
        "RefundTaxFreePrice": to_text(cancellation.tax_free, currency),
        "CancelState": cancellation.state,
        "CancelOrigin": cancellation.origin,
        "CancelCode": cancellation.code,
        "CancelRequestedAt": _time(cancellation.requested_at),
        "CancelEndedAt": _time(cancellation.ended_at) if cancellation.ended_at else None,
    }


def signed(delivery: Delivery, at: datetime) -> dict[str, str]:
    """Return the headers of one try: the same EventId each time, a fresh timestamp, every valid secret."""
    event_id = str(delivery.event_id)
    signatures = [Webhook(secret).sign(event_id, at, delivery.body) for secret in secrets_of(delivery.shop)]
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "PGB/1",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def secrets_of(shop: Shop) -> list[str]:
    """Return the secrets that sign for this shop now: two while one is being replaced."""
    return [secret for secret in (shop.signing_secret, shop.signing_secret_old) if secret]


def raw_secret(secret: str) -> bytes:
    """Return the key bytes of a ``whsec_`` secret."""
    return base64.b64decode(secret.removeprefix("whsec_") + "==")


def heard(status: int, body: bytes) -> tuple[bool, bool]:
    """Read the shop's answer: (accepted, final). Only 2xx with IsSuccess true is accepted.

    Final is a refusal that no repeat will change: 410, or IsSuccess false beside ``Final: true``.
    """
    answer = _lower_keys(body)
    accepted = 200 <= status < 300 and answer.get("issuccess") is True
    refused = answer.get("issuccess") is False and answer.get("final") is True
    return accepted, not accepted and (status == 410 or refused)


def _lower_keys(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return {str(key).lower(): value for key, value in answer.items()} if isinstance(answer, dict) else {}


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
