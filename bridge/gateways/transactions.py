"""What a gateway did in a period, as its own list tells it: payments that brought money, and refunds."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TransactionKind(StrEnum):
    """Which way the money went."""

    PAYMENT = "PAYMENT"
    REFUND = "REFUND"


class TransactionStatus(StrEnum):
    """PENDING: not settled, or its own details disagree. FAILED: the money did not go, or came back."""

    DONE = "DONE"
    PENDING = "PENDING"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One payment or refund. ``amount``: minor units of ``currency`` that came in, or went back.

    ``reference`` and ``cancel_id`` are ours, or empty: a payment or refund that was not made by us.
    ``gateway_cancel_id``: of refunds only. Empty ``mid`` and None as ``livemode``: the list does not tell.
    """

    kind: TransactionKind
    status: TransactionStatus
    gateway_payment_id: str
    amount: int
    currency: str
    at: datetime
    reference: str = ""
    gateway_cancel_id: str = ""
    cancel_id: str = ""
    livemode: bool | None = None
    mid: str = ""


@dataclass(frozen=True, slots=True)
class TransactionPage:
    """Some of the transactions, in no order. ``after`` asks for the next page; empty: that was the last."""

    transactions: tuple[Transaction, ...]
    after: str
