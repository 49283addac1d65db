"""What can happen to a payment once it was made: refunds and disputes."""

import threading
from functools import partial
from secrets import token_hex

from bridge.sandbox.books import Dispute, Json, Payment, Refund, Session, StripeBooks
from bridge.sandbox.schedule import Schedule, now
from bridge.sandbox.stripe.accounts import Account
from bridge.sandbox.stripe.checkout import Deliveries, NotPossible
from bridge.sandbox.stripe.events import Events
from bridge.sandbox.stripe.objects import REFUND_PATIENCE, Renderer
from bridge.sandbox.stripe.params import Refused
from bridge.sandbox.stripe.requests import check_step

# What a refund can become; one that succeeded may still fail weeks later.
MOVES = {
    "requires_action": ("pending", "succeeded", "failed", "canceled"),
    "pending": ("succeeded", "failed"),
    "succeeded": ("failed",),
}


class MoneyBack:
    """The acts, each under the books' lock. An act returns the webhooks that it caused."""

    def __init__(
        self, books: StripeBooks, lock: threading.RLock, render: Renderer, events: Events, schedule: Schedule
    ) -> None:
        self._books = books
        self._lock = lock
        self._render = render
        self._events = events
        self._schedule = schedule

    def refund(
        self, account: Account, payment: Payment, params: Json, key: str | None = None, *, silent: bool = False
    ) -> tuple[Refund, Deliveries]:
        """Makes a refund: `amount` (absent: all that is left), `reason`, `metadata`, `status` and its reasons.

        Raises Refused. `silent`: no webhook tells of it.
        """
        with self._lock:
            amount = _checked_amount(payment, params.get("amount"))
            usual = "requires_action" if payment.method == "konbini" else "succeeded"
            refund = Refund(
                id=f"re_3{token_hex(12)}",
                account=payment.account,
                payment=payment.id,
                amount=amount,
                currency=payment.currency,
                created=int(now()),
                status=params.get("status", usual),
                reason=params.get("reason"),
                metadata=params.get("metadata", {}),
                key=key,
                pending_reason=params.get("pending_reason", "processing"),
                failure_reason=params.get("failure_reason"),
            )
            self._enter(account, refund)
            payment.refunded += amount if refund.holds else 0
            return refund, self._tell_refund(account, refund, "refund.created", silent)

    def _enter(self, account: Account, refund: Refund) -> None:
        self._books.refunds[refund.id] = refund
        if refund.key is not None:
            self._books.refunds_by_key[refund.key] += 1
        if refund.cancel_id is not None:
            self._books.refunds_by_cancel[refund.cancel_id] += 1
        if refund.status == "requires_action":
            self._schedule.at(refund.created + REFUND_PATIENCE, partial(self._give_up, account, refund))

    def end(
        self, account: Account, refund: Refund, status: str, failure_reason: str = "unknown", *, silent: bool = False
    ) -> Deliveries:
        """Moves a refund on. What fails or is canceled can be refunded again. Raises NotPossible."""
        with self._lock:
            if status not in MOVES.get(refund.status, ()):
                raise NotPossible(f"the refund is {refund.status}: it cannot become {status!r}")
            refund.status = status
            if not refund.holds:
                refund.failure_reason = failure_reason
                self._books.payments[refund.payment].refunded -= refund.amount
            return self._tell_refund(account, refund, "refund.updated", silent)

    def _give_up(self, account: Account, refund: Refund) -> None:
        with self._lock:
            if refund.status == "requires_action":
                self.end(account, refund, "failed")

    def _tell_refund(self, account: Account, refund: Refund, kind: str, silent: bool) -> Deliveries:
        payment, session = self._paid_by(refund)
        emit = partial(self._events.emit, account, session=session, silent=silent)
        deliveries = emit(kind, self._render.refund(refund))
        if refund.status == "failed":
            deliveries += emit("refund.failed", self._render.refund(refund))
        elif refund.status == "succeeded":
            deliveries += emit("charge.refunded", self._render.charge(payment))
        return deliveries

    def dispute(self, account: Account, payment: Payment, *, silent: bool = False) -> tuple[Dispute, Deliveries]:
        """The buyer disputes what is left of the payment; it cannot be refunded until that is won."""
        with self._lock:
            if payment.disputed or payment.captured <= payment.refunded:
                raise NotPossible("nothing of the payment can be disputed")
            payment.disputed = True
            dispute = Dispute(
                id=f"dp_1{token_hex(12)}",
                account=payment.account,
                payment=payment.id,
                amount=payment.captured - payment.refunded,
                currency=payment.currency,
                created=int(now()),
                reason="fraudulent",
            )
            self._books.disputes[dispute.id] = dispute
            return dispute, self._tell_dispute(account, dispute, "charge.dispute.created", silent)

    def close_dispute(self, account: Account, dispute: Dispute, *, won: bool, silent: bool = False) -> Deliveries:
        """Decides a dispute: won by the merchant, or lost."""
        with self._lock:
            if dispute.status != "needs_response":
                raise NotPossible(f"the dispute is {dispute.status}")
            dispute.status = "won" if won else "lost"
            self._books.payments[dispute.payment].disputed = not won
            return self._tell_dispute(account, dispute, "charge.dispute.closed", silent)

    def _tell_dispute(self, account: Account, dispute: Dispute, kind: str, silent: bool) -> Deliveries:
        _, session = self._paid_by(dispute)
        return self._events.emit(account, kind, self._render.dispute(dispute), session, silent=silent)

    def _paid_by(self, one: Refund | Dispute) -> tuple[Payment, Session]:
        payment = self._books.payments[one.payment]
        return payment, self._books.sessions[payment.session]


def _checked_amount(payment: Payment, asked: int | None) -> int:
    """The amount to refund; Refused if the payment does not have it. Stripe gives no code for "more than is left"."""
    if not payment.captured:
        raise Refused("This PaymentIntent does not have a successful charge to refund.", stored=True)
    if payment.disputed:
        raise Refused("This charge has been charged back.", code="charge_disputed", stored=True)
    left = payment.captured - payment.refunded
    if not left:
        raise Refused(
            f"Charge {payment.charge} has already been refunded.", code="charge_already_refunded", stored=True
        )
    amount = left if asked is None else asked
    if amount < 1:
        raise Refused("Invalid positive integer", param="amount", code="parameter_invalid_integer")
    check_step(amount, payment.currency, "amount")
    if amount > left:
        raise Refused(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            param="amount",
            stored=True,
        )
    return amount
