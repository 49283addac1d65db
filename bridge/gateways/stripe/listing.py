"""Stripe's list of a period: charges that succeeded (GET /v1/charges), then refunds (GET /v1/refunds)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import stripe

from bridge.gateways.errors import Unknown
from bridge.gateways.stripe.client import ask
from bridge.gateways.stripe.notices import REFERENCE
from bridge.gateways.stripe.refunds import CANCEL_ID
from bridge.gateways.transactions import Transaction, TransactionKind, TransactionPage, TransactionStatus

PAGE_SIZE = 100
CHARGES, REFUNDS = "charges", "refunds"

_REFUND_STATUSES = {
    "succeeded": TransactionStatus.DONE,
    "pending": TransactionStatus.PENDING,
    "requires_action": TransactionStatus.PENDING,
    "failed": TransactionStatus.FAILED,
    "canceled": TransactionStatus.FAILED,
}

# Stripe's minor units in one of ours, by currency.
Factor = Callable[[str], int]


def page(own: stripe.StripeClient, since: datetime, until: datetime, after: str, factor: Factor) -> TransactionPage:
    """Return the page after ``after``, which names a list and its last object, as "charges ch_1"."""
    which, _, last = after.partition(" ")
    params: dict[str, Any] = {
        "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())},
        "limit": PAGE_SIZE,
        **({"starting_after": last} if last else {}),
    }
    return ask(lambda: _refunds(own, params, factor) if which == REFUNDS else _charges(own, params, factor))


def _charges(own: stripe.StripeClient, params: dict[str, Any], factor: Factor) -> TransactionPage:
    """Charges name the moment at which the money came; a payment by konbini may be days older."""
    found = own.v1.charges.list(cast(Any, params))
    paid = [one for one in found.data if one.status == "succeeded" and one.captured]
    return TransactionPage(
        tuple(_payment(one, factor) for one in paid),
        f"{CHARGES} {found.data[-1].id}" if found.has_more else REFUNDS,
    )


def _refunds(own: stripe.StripeClient, params: dict[str, Any], factor: Factor) -> TransactionPage:
    found = own.v1.refunds.list(cast(Any, params))
    return TransactionPage(
        tuple(_refund(one, factor) for one in found.data),
        f"{REFUNDS} {found.data[-1].id}" if found.has_more else "",
    )


def _payment(one: Any, factor: Factor) -> Transaction:
    currency = one.currency.upper()
    units = factor(currency)
    whole = one.amount_captured % units == 0
    return Transaction(
        kind=TransactionKind.PAYMENT,
        status=TransactionStatus.DONE if whole else TransactionStatus.PENDING,
        gateway_payment_id=one.payment_intent or one.id,
        amount=one.amount_captured // units,
        currency=currency,
        at=datetime.fromtimestamp(one.created, UTC),
        reference=_text(one.metadata, REFERENCE),
        livemode=one.livemode is True,
    )


def _refund(one: Any, factor: Factor) -> Transaction:
    currency = one.currency.upper()
    units = factor(currency)
    status = _REFUND_STATUSES.get(one.status)
    if status is None:
        raise Unknown("garbled_answer")
    return Transaction(
        kind=TransactionKind.REFUND,
        status=status if one.amount % units == 0 else TransactionStatus.PENDING,
        gateway_payment_id=one.payment_intent or one.charge or "",
        gateway_cancel_id=one.id,
        amount=one.amount // units,
        currency=currency,
        at=datetime.fromtimestamp(one.created, UTC),
        reference=_text(one.metadata, REFERENCE),
        cancel_id=_text(one.metadata, CANCEL_ID),
    )


def _text(metadata: Any, name: str) -> str:
    return str(getattr(metadata, name, None) or "")
