"""Stripe's refunds (POST and GET /v1/refunds), recognised by our cancel id in their metadata."""

import json
import time
from functools import partial
from typing import Any

from bridge.gateways.base import CancelRequest, Refund, RefundStatus, StoredCall
from bridge.gateways.errors import Refused, Unknown
from bridge.gateways.stripe.client import ask, client, word
from bridge.gateways.stripe.currencies import factor_of
from bridge.gateways.stripe.notices import REFERENCE, REFUND_STATUSES

CANCEL_ID = "pgb_cancel"
PAGE_SIZE = 100


def body(request: CancelRequest) -> str:
    """Return the parameters of one refund, always with its amount: without one Stripe refunds all that is left."""
    if not request.gateway_payment_id:
        raise Refused("no_payment_intent")
    factor = factor_of(request.currency)
    if factor is None:
        raise Refused("currency_not_supported", f"{request.currency} is not offered through Stripe")
    params = {
        "payment_intent": request.gateway_payment_id,
        "amount": _positive(request.amount) * factor,
        "reason": "requested_by_customer",
        "metadata": {CANCEL_ID: request.cancel_id, REFERENCE: request.reference},
    }
    return json.dumps(params)


def send(secret_key: str, call: StoredCall) -> Refund:
    """Make the refund. A refund that failed at once is a refusal; one that is not what we asked for, in doubt."""
    params = json.loads(call.body)
    _positive(params.get("amount"))
    refunds = client(secret_key, call.seconds).v1.refunds
    made = ask(lambda: _made(refunds.create(params, {"idempotency_key": call.key}), params))
    if made.status is RefundStatus.FAILED:
        raise Refused(made.code or "refund_failed")
    return made


def listed(secret_key: str, payment_intent: str, seconds: float) -> tuple[Refund, ...]:
    """Return all refunds of a payment. Raises Unknown when they cannot all be read within ``seconds``."""
    if not payment_intent:
        return ()  # never paid; and a list without the payment would be of everybody's refunds
    ends = time.monotonic() + seconds
    params: dict[str, Any] = {"payment_intent": payment_intent, "limit": PAGE_SIZE}
    found: list[Refund] = []
    while (left := ends - time.monotonic()) > 0:
        refunds, last = ask(partial(_page, secret_key, params, left))
        found += refunds
        if last is None:
            return tuple(found)
        params["starting_after"] = last
    raise Unknown("too_many_refunds")


def _page(secret_key: str, params: Any, seconds: float) -> tuple[list[Refund], str | None]:
    """Return the refunds of one page, and the id after which the next page begins."""
    page = client(secret_key, seconds).v1.refunds.list(params)
    refunds = [_of(one, params["payment_intent"]) for one in page.data]
    return refunds, refunds[-1].gateway_cancel_id if page.has_more else None


def _made(one: Any, asked: dict[str, Any]) -> Refund:
    refund = _of(one, asked["payment_intent"])
    if one.amount != asked["amount"] or refund.cancel_id != asked["metadata"][CANCEL_ID]:
        raise Unknown("another_refund")
    return refund


def _of(one: Any, payment_intent: str) -> Refund:
    status, factor = REFUND_STATUSES.get(one.status), factor_of(one.currency.upper())
    if status is None or factor is None or one.amount <= 0 or one.amount % factor:
        raise Unknown("garbled_answer")
    if one.payment_intent != payment_intent:
        raise Unknown("another_refund")
    return Refund(
        gateway_cancel_id=_id(one.id),
        cancel_id=str(getattr(one.metadata, CANCEL_ID, None) or ""),
        amount=one.amount // factor,
        status=status,
        code=word(getattr(one, "failure_reason", None)) if status is RefundStatus.FAILED else "",
    )


def _id(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 255:
        raise Unknown("garbled_answer")
    return value


def _positive(amount: Any) -> int:
    if type(amount) is not int or amount <= 0:
        raise Refused("no_amount")
    return amount
