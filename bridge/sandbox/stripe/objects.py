"""Stripe's objects in their true shapes, made from the books."""

from collections.abc import Set
from typing import Any

from bridge.sandbox.books import Dispute, Json, Payment, Refund, Session, StripeBooks
from bridge.sandbox.stripe.params import Refused
from bridge.sandbox.stripe.requests import methods_for
from bridge.sandbox.stripe.shapes import (
    CHARGE,
    CUSTOMER,
    DECLINED,
    DEPOSIT_EXPIRED,
    DISPUTE,
    INTENT,
    KONBINI_STORES,
    METHOD_DETAILS,
    OUTCOME_DECLINED,
    OUTCOME_PAID,
    REFUND,
    SESSION,
)

EXPANDABLE: dict[str, Set[str]] = {
    "checkout.session": {"payment_intent", "payment_intent.latest_charge"},
    "payment_intent": {"latest_charge"},
    "charge": {"payment_intent"},
    "refund": {"charge", "payment_intent"},
    "dispute": {"charge", "payment_intent"},
    "event": frozenset(),
}
Expand = Set[str]
NOTHING: Expand = frozenset()
REFUND_PATIENCE = 45 * 86400  # a konbini refund fails if the buyer names no bank account for so long


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
            "created": one.charged,
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

    def refund(self, one: Refund, expand: Expand = NOTHING) -> Json:
        waits, failed = one.status in ("pending", "requires_action"), one.status == "failed"
        optional = {
            "failure_balance_transaction": f"txn_f{one.id}" if failed else None,
            "failure_reason": one.failure_reason if failed else None,
            "next_action": self._refund_action(one) if one.status == "requires_action" else None,
            "pending_reason": one.pending_reason if waits else None,
        }
        return (
            REFUND
            | {
                "id": one.id,
                "amount": one.amount,
                "balance_transaction": None if waits else f"txn_{one.id}",
                "created": one.created,
                "currency": one.currency,
                "metadata": one.metadata,
                "reason": one.reason,
                "status": one.status,
                **self._of_payment(self._books.payments[one.payment], expand),
            }
            | {name: value for name, value in optional.items() if value is not None}
        )

    def _refund_action(self, one: Refund) -> Json:
        """A konbini buyer is asked for a bank account by mail."""
        session = self._books.sessions[self._books.payments[one.payment].session]
        to = session.params.get("customer_email", "buyer@sandbox.example")
        sent = {"email_sent_at": one.created, "email_sent_to": to}
        return {
            "type": "display_details",
            "display_details": {"email_sent": sent, "expires_at": one.created + REFUND_PATIENCE},
        }

    def dispute(self, one: Dispute, expand: Expand = NOTHING) -> Json:
        payment = self._books.payments[one.payment]
        return DISPUTE | {
            "id": one.id,
            "amount": one.amount,
            "created": one.created,
            "currency": one.currency,
            "is_charge_refundable": one.status == "won",
            "livemode": self._books.sessions[payment.session].livemode,
            "reason": one.reason,
            "status": one.status,
            **self._of_payment(payment, expand),
        }

    def _of_payment(self, payment: Payment, expand: Expand) -> Json:
        return {
            "charge": self.charge(payment) if "charge" in expand else payment.charge,
            "payment_intent": self.payment_intent(payment) if "payment_intent" in expand else payment.id,
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
