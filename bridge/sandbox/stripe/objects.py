"""Stripe's objects in their true shapes, made from the books."""

from collections.abc import Set
from typing import Any

from bridge.sandbox.books import Json, Payment, Session, StripeBooks
from bridge.sandbox.stripe.params import Refused
from bridge.sandbox.stripe.requests import methods_for
from bridge.sandbox.stripe.shapes import (
    CHARGE,
    CUSTOMER,
    DECLINED,
    DEPOSIT_EXPIRED,
    INTENT,
    KONBINI_STORES,
    METHOD_DETAILS,
    OUTCOME_DECLINED,
    OUTCOME_PAID,
    SESSION,
)

EXPANDABLE: dict[str, Set[str]] = {
    "checkout.session": {"payment_intent", "payment_intent.latest_charge"},
    "payment_intent": {"latest_charge"},
    "charge": {"payment_intent"},
    "event": frozenset(),
}
Expand = Set[str]
NOTHING: Expand = frozenset()


class Renderer:
    """Renders what stands in the books. `base` is the address of the hosted pages."""

    def __init__(self, books: StripeBooks, base: str) -> None:
        self._books = books
        self._base = base

    def page_url(self, one: Session) -> str:
        return f"{self._base}/c/pay/{one.id}"

    def session(self, one: Session, expand: Expand = NOTHING) -> Json:
        params = one.params
        payment: Any = one.payment
        if payment and "payment_intent" in expand:
            payment = self.payment_intent(self._books.payments[payment], _below(expand, "payment_intent"))
        copied = (
            "billing_address_collection",
            "cancel_url",
            "customer_email",
            "locale",
            "submit_type",
            "success_url",
        )
        return SESSION | {
            "id": one.id,
            "adaptive_pricing": params.get("adaptive_pricing", {"enabled": False}),
            "amount_subtotal": one.amount,
            "amount_total": one.amount,
            "client_reference_id": one.reference,
            "created": one.created,
            "currency": one.currency,
            "customer_creation": params.get("customer_creation", "if_required"),
            "customer_details": _customer(one),
            "expires_at": one.expires_at,
            "livemode": one.livemode,
            "metadata": params.get("metadata", {}),
            "payment_intent": payment,
            "payment_method_types": methods_for(params),
            "payment_status": one.payment_status,
            "phone_number_collection": params.get("phone_number_collection", {"enabled": False}),
            "status": one.status,
            "url": self.page_url(one) if one.status == "open" else None,
            **{name: params.get(name) for name in copied},
        }

    def payment_intent(self, one: Payment, expand: Expand = NOTHING) -> Json:
        session = self._books.sessions[one.session]
        asked = session.params.get("payment_intent_data", {})
        copied = ("description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix")
        return INTENT | {
            "id": one.id,
            "amount": one.amount,
            "amount_received": one.captured,
            "client_secret": f"{one.id}_secret_sandbox",
            "created": one.created,
            "currency": one.currency,
            "last_payment_error": _last_error(one),
            "latest_charge": self.charge(one) if one.charge and "latest_charge" in expand else one.charge,
            "livemode": session.livemode,
            "metadata": asked.get("metadata", {}),
            "next_action": _next_action(one, self.page_url(session)),
            "payment_method": None if one.status == "requires_payment_method" else _tied("pm", one),
            "payment_method_types": methods_for(session.params),
            "status": one.status,
            **{name: asked.get(name) for name in copied},
        }

    def charge(self, one: Payment, expand: Expand = NOTHING) -> Json:
        session = self._books.sessions[one.session]
        asked = session.params.get("payment_intent_data", {})
        paid = one.captured > 0
        copied = ("description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix")
        return CHARGE | {
            "id": one.charge,
            "amount": one.amount,
            "amount_captured": one.captured,
            "amount_refunded": one.refunded,
            "balance_transaction": _tied("txn", one) if paid else None,
            "captured": paid,
            "created": one.created,
            "currency": one.currency,
            "disputed": one.disputed,
            "failure_code": None if paid else DECLINED["code"],
            "failure_message": None if paid else DECLINED["message"],
            "livemode": session.livemode,
            "metadata": asked.get("metadata", {}),
            "outcome": OUTCOME_PAID if paid else OUTCOME_DECLINED,
            "paid": paid,
            "payment_intent": self.payment_intent(one) if "payment_intent" in expand else one.id,
            "payment_method": _tied("pm", one),
            "payment_method_details": {"type": one.method, one.method: METHOD_DETAILS[one.method]},
            "refunded": paid and one.refunded == one.captured,
            "status": "succeeded" if paid else "failed",
            **{name: asked.get(name) for name in copied},
        }


def read_expand(params: Json, kind: str, prefix: str = "") -> set[str]:
    """The `expand` paths of a request, checked; `prefix` is "data." for lists."""
    paths = set()
    for path in params.get("expand", []):
        inner = path.removeprefix(prefix)
        if not path.startswith(prefix) or inner not in EXPANDABLE[kind]:
            raise Refused(f"This property cannot be expanded ({path}).", param="expand")
        steps = inner.split(".")
        paths |= {".".join(steps[: depth + 1]) for depth in range(len(steps))}
    return paths


def _below(expand: Expand, name: str) -> set[str]:
    return {path.removeprefix(f"{name}.") for path in expand if path.startswith(f"{name}.")}


def _tied(prefix: str, one: Payment) -> str:
    """The id of an object that exists once per payment."""
    return f"{prefix}_{one.id.removeprefix('pi_')}"


def _customer(one: Session) -> Json | None:
    email = one.params.get("customer_email")
    if email is None and one.status != "complete":
        return None
    return CUSTOMER | {"email": email}


def _last_error(one: Payment) -> Json | None:
    if one.status != "requires_payment_method":
        return None
    return DEPOSIT_EXPIRED if one.method == "konbini" else DECLINED | {"charge": one.charge}


def _next_action(one: Payment, page: str) -> Json | None:
    if one.status != "requires_action":
        return None
    details = {"expires_at": one.deposit_until, "hosted_voucher_url": page, "stores": KONBINI_STORES}
    return {"type": "konbini_display_details", "konbini_display_details": details}
