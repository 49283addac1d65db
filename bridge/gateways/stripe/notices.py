"""Stripe's webhooks: snapshot events and thin ones. Both only name what to ask about."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import stripe

from bridge.gateways.base import Notice, RefundStatus, Status
from bridge.gateways.errors import BadNotice

TOLERANCE_SECONDS = 300
LONGEST_REFERENCE = 64
REFERENCE = "pgb_reference"

_SESSION = "checkout.session."
# What an event says of the payment; completed alone says only that the form was submitted.
_CLAIMS: dict[str, Status | Literal["DISPUTED"]] = {
    "checkout.session.completed": Status.WAITING_DEPOSIT,
    "checkout.session.async_payment_succeeded": Status.PAID,
    "checkout.session.async_payment_failed": Status.FAILED,
    "checkout.session.expired": Status.EXPIRED,
    "charge.dispute.created": "DISPUTED",
}
_FOLLOWED = ("payment_intent.", "charge.", "refund.")
_PARTS = ("refund", "charge", "dispute")

# A konbini buyer must first give a bank account: requires_action.
REFUND_STATUSES = {
    "succeeded": RefundStatus.DONE,
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> Notice:
    """Return what the signed ``body`` says. Raises BadNotice for anything else, whatever the bytes are."""
    try:
        if not is_signed(headers.get("Stripe-Signature", ""), body, secrets):
            raise BadNotice("no valid signature")
        event = json.loads(body)
        return _thin(event) if event["object"] == "v2.core.event" else _snapshot(event)
    except BadNotice:
        raise
    except Exception as error:
        # Non-ASCII signatures, non-UTF-8 bodies, arrays and nulls all raise something of their own.
        raise BadNotice(type(error).__name__) from error


def is_signed(header: str, body: bytes, secrets: Sequence[str]) -> bool:
    """Say whether one of ``secrets`` signed ``body`` within TOLERANCE_SECONDS. Raises anything for odd bytes."""
    return any(_is_signed(header, body, secret) for secret in secrets)


def _is_signed(header: str, body: bytes, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body, header, secret, TOLERANCE_SECONDS)
    except stripe.SignatureVerificationError:
        return False
    # The library accepts any time in the future.
    sent_at = re.search(r"(?:^|,)t=(\d+)", header)
    return sent_at is not None and int(sent_at[1]) <= time.time() + TOLERANCE_SECONDS


def _snapshot(event: dict[str, Any]) -> Notice:
    kind = _text(event["type"])
    thing = event.get("data", {}).get("object", {})
    is_session = kind.startswith(_SESSION)
    is_refund = thing.get("object") == "refund"
    is_intent = kind.startswith("payment_intent.")
    metadata = thing.get("metadata") or {}
    return Notice(
        dedupe_key=_text(event["id"]),
        kind=kind,
        livemode=event["livemode"] is True,
        concerns_payment=is_session or kind.startswith(_FOLLOWED),
        claims=REFUND_STATUSES.get(thing.get("status")) if is_refund else _claims(kind, thing),
        reference=_reference(thing.get("client_reference_id") or metadata.get(REFERENCE)),
        gateway_id=_text(thing["id"]) if is_session else "",
        gateway_payment_id=_text(thing["id"] if is_intent else _id_of(thing.get("payment_intent"))),
        gateway_cancel_id=_text(thing.get("id")) if is_refund else "",
    )


def _claims(kind: str, thing: dict[str, Any]) -> Status | Literal["DISPUTED"] | None:
    is_paid = kind == "checkout.session.completed" and thing.get("payment_status") == "paid"
    return Status.PAID if is_paid else _CLAIMS.get(kind)


def _thin(event: dict[str, Any]) -> Notice:
    """Thin events carry no payload; one that repeats a snapshot event has that one's key.

    Those about a refund, a charge or a dispute name that part only: ``Stripe.payment_of`` finds its payment.
    """
    kind = _text(event["type"]).removeprefix("v1.")
    related = event.get("related_object") or {}
    what = related.get("type")
    followed = what in ("checkout.session", "payment_intent", *_PARTS)
    named = _text(related["id"]) if followed else ""
    payment = {"checkout.session": "", "payment_intent": named}.get(str(what), f"{what}/{named}")
    return Notice(
        dedupe_key=_text(event.get("snapshot_event") or event["id"]),
        kind=kind,
        livemode=event["livemode"] is True,
        concerns_payment=followed,
        claims=_CLAIMS.get(kind),
        gateway_id=named if what == "checkout.session" else "",
        gateway_payment_id=_text(payment) if followed else "",
        gateway_cancel_id=named if what == "refund" else "",
    )


def _id_of(value: Any) -> Any:
    return value.get("id") if isinstance(value, dict) else value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 255 or not value.isprintable():
        raise BadNotice("an id or type is not a short text")
    return value


def _reference(value: Any) -> str:
    """Return what may be our reference; the merchant's payments without us carry anything there, or nothing."""
    ours = isinstance(value, str) and value.isprintable() and len(value) <= LONGEST_REFERENCE
    return value if ours else ""
