"""Stripe's refunds (POST and GET /v1/refunds), recognised by our cancel id in their metadata."""

import json
import time
from typing import Any, cast

import stripe

from bridge.gateways.base import CancelRequest, Refund, RefundStatus, Refused, StoredCall, Unknown
from bridge.gateways.stripe.client import ask
from bridge.gateways.stripe.notices import REFERENCE

CANCEL_ID = "pgb_cancel"
PAGE_SIZE = 100

# A konbini buyer must first give a bank account: requires_action.
_STATUSES = {
    "succeeded": RefundStatus.DONE,
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


def body(request: CancelRequest, factor: int) -> str:
    """Return the parameters of one refund; ``factor``: Stripe's minor units in one of ours."""
    if not request.gateway_payment_id:
        raise Refused("no_payment_intent")
    params = {
        "payment_intent": request.gateway_payment_id,
        "amount": request.amount * factor,
        "reason": "requested_by_customer",
        "metadata": {CANCEL_ID: request.cancel_id, REFERENCE: request.reference},
    }
    return json.dumps(params)


def send(own: stripe.StripeClient, call: StoredCall, factor: int) -> Refund:
    """Make the refund. A refund that failed at once is a refusal."""
    params = json.loads(call.body)
    made = ask(lambda: _refund(own.v1.refunds.create(params, {"idempotency_key": call.key}), factor))
    if made.status is RefundStatus.FAILED:
        raise Refused(made.code or "refund_failed")
    return made


def listed(own: stripe.StripeClient, payment_intent: str, factor: int, seconds: float = 6.0) -> tuple[Refund, ...]:
    """Return all refunds of a payment. Raises Unknown when they cannot all be read in time."""
    ends = time.monotonic() + seconds
    params: dict[str, Any] = {"payment_intent": payment_intent, "limit": PAGE_SIZE}
    found: list[Refund] = []
    while time.monotonic() < ends:
        refunds, more = ask(lambda: _page(own.v1.refunds.list(cast(Any, params)), factor))
        found += refunds
        if not more:
            return tuple(found)
        params["starting_after"] = found[-1].gateway_cancel_id
    raise Unknown("too_many_refunds")


def _page(page: Any, factor: int) -> tuple[list[Refund], bool]:
    return [_refund(one, factor) for one in page.data], page.has_more is True


def _refund(one: Any, factor: int) -> Refund:
    status = _STATUSES.get(one.status)
    if status is None or not one.id or one.amount <= 0:
        raise Unknown("garbled_answer")
    return Refund(
        gateway_cancel_id=one.id,
        cancel_id=str(getattr(one.metadata, CANCEL_ID, None) or ""),
        amount=one.amount // factor,
        status=status,
        code=str(getattr(one, "failure_reason", None) or "")[:100],
    )
