"""The contract between PGB and a gateway.

An adapter takes plain values and returns frozen records; it never touches a model. Amounts are integers in minor units
of the currency beside them; times are aware datetimes in UTC.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Literal

from bridge.gateways.transactions import TransactionPage


class PageKind(StrEnum):
    """How the buyer gets to the gateway: its own page, or a page of PGB that posts a form or loads a script."""

    REDIRECT = "redirect"
    FORM = "form"
    SCRIPT = "script"


class Status(StrEnum):
    """What a payment is at the gateway, in our words. UNSETTLED: it says paid and its own details disagree."""

    OPEN = "OPEN"
    APPROVING = "APPROVING"
    WAITING_DEPOSIT = "WAITING_DEPOSIT"
    PAID = "PAID"
    UNSETTLED = "UNSETTLED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a gateway can do here; docs/gateways.md shows these records as a table.

    ``methods``: the payment methods (their codes). ``key_window``: how long the same idempotency key surely means the
    same call. ``balance_guard``: it refuses by itself what it has done already, or to give back more than was paid.
    ``lookup_by_reference``: ``find`` works. ``separate_confirm``: the buyer's approval takes no money before ours.
    ``partial_cancel``: the methods of which a part can be given back. ``refunds_itself``: those whose money goes back
    without the buyer's doing. ``needs_account``: those that ask for the buyer's bank account in a refund. ``report``:
    ``list_transactions`` works. ``call_seconds`` and ``lookup_seconds``: deadlines of a call with effect, of a lookup.
    """

    methods: frozenset[str]
    key_window: timedelta
    balance_guard: bool
    lookup_by_reference: bool
    signed_webhooks: bool
    separate_confirm: bool
    partial_cancel: frozenset[str]
    refunds_itself: frozenset[str]
    report: bool
    needs_account: frozenset[str] = frozenset()
    call_seconds: float = 20.0
    lookup_seconds: float = 6.0


@dataclass(frozen=True, slots=True)
class Account:
    """One contract with a gateway: its MID, test or live, and its keys (never shown)."""

    mid: str
    livemode: bool
    currency: str
    credentials: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What a gateway needs to open a payment. ``expires_at``: nobody can pay after it."""

    reference: str
    amount: int
    currency: str
    method: str
    nation: str
    description: str
    return_url: str
    cancel_url: str
    expires_at: datetime
    buyer: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call as it stands in the database: sent again, it is the same bytes under the same key."""

    body: str = field(repr=False)
    key: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Started:
    """An opened payment: its id at the gateway and the page to send the buyer to."""

    gateway_id: str
    page: PageKind
    url: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the gateway says of a payment when asked, ``raw_status`` in its own words.

    ``refunds`` None: they were not asked for, for there is no sign of any. ``asked_at``: when, if they were.
    """

    status: Status
    raw_status: str
    gateway_id: str
    gateway_payment_id: str
    reference: str
    amount: int
    currency: str
    livemode: bool
    received: int = 0
    returned: int = 0
    disputed: bool = False
    page_url: str = ""
    refunds: "tuple[Refund, ...] | None" = None
    asked_at: datetime | None = None


class RefundStatus(StrEnum):
    """What became of money on its way back. FAILED: it did not go, or came back to us."""

    PENDING = "PENDING"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """What a gateway needs to give money back, in minor units; ``cancel_id`` is ours and comes back in ``Refund``.

    ``balance_before`` is what was left before it; ``account`` the buyer's bank account where the method needs it.
    """

    cancel_id: str
    reference: str
    gateway_id: str
    gateway_payment_id: str
    amount: int
    currency: str
    balance_before: int
    tax_free: int
    reason: str
    account: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund as the gateway knows it. ``cancel_id`` is ours, or empty for one made without us."""

    gateway_cancel_id: str
    cancel_id: str
    amount: int
    status: RefundStatus
    code: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification, as far as it may be believed: which payment to ask about.

    ``claims`` is what it says, for comparison only: of the payment, or of its refund ``gateway_cancel_id``.
    ``dedupe_key`` is equal for repeats of one event; ``concerns_payment`` false for those that ask nothing of us.
    ``gateway_payment_id`` may be a part of the payment, as ``kind/id``: ``payment_of`` asks the gateway whose it is.
    """

    dedupe_key: str
    kind: str
    livemode: bool
    concerns_payment: bool
    claims: Status | RefundStatus | Literal["DISPUTED"] | None = None
    reference: str = ""
    gateway_id: str = ""
    gateway_payment_id: str = ""
    gateway_cancel_id: str = ""


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """Whose keys these are, as the gateway says. Empty or None: it does not tell."""

    mid: str
    livemode: bool | None


class Gateway(ABC):
    """One account at one gateway."""

    capabilities: ClassVar[Capabilities]

    def __init__(self, account: Account) -> None:
        self.account = account

    @abstractmethod
    def start_body(self, request: StartRequest) -> str:
        """Return the exact body of the call that opens a payment. Raises Refused if the gateway cannot take it."""

    @abstractmethod
    def start(self, call: StoredCall) -> Started:
        """Open a payment. Raises NotSent, Refused or Unknown."""

    @abstractmethod
    def expire_body(self, gateway_id: str) -> str:
        """Return the exact body of the call that closes an unpaid payment."""

    @abstractmethod
    def expire(self, call: StoredCall) -> None:
        """Close an unpaid payment, so that nobody can pay it. Raises NotSent, Refused or Unknown."""

    @abstractmethod
    def fetch(self, gateway_id: str) -> Fetched | None:
        """Ask what a payment is; None: the gateway has none of that id. Raises GatewayError for no answer."""

    @abstractmethod
    def find(self, reference: str, since: datetime, until: datetime) -> Fetched | None:
        """Look for a payment opened in the period by our reference, as ``fetch`` does by its id.

        None says that it is surely not there; a search that cannot be finished in time raises Unknown.
        """

    @abstractmethod
    def cancel_body(self, request: CancelRequest) -> str:
        """Return the exact body of the call that gives money back. Raises Refused if the gateway cannot do it."""

    @abstractmethod
    def cancel(self, call: StoredCall) -> Refund:
        """Give money back; what comes is DONE or PENDING. Raises NotSent, Refused or Unknown."""

    @abstractmethod
    def refunds(self, gateway_payment_id: str) -> tuple[Refund, ...]:
        """Return every refund of a payment, also those made in the gateway's console. Raises GatewayError."""

    @abstractmethod
    def payment_of(self, part: str) -> str:
        """Return the id of the payment that a ``Notice`` names by a part of it; empty: none. Raises GatewayError."""

    @abstractmethod
    def list_transactions(self, since: datetime, until: datetime, after: str = "") -> TransactionPage:
        """Return a page of what the account did from ``since`` up to ``until``; ``after`` is what the one before said.

        Raises GatewayError for no answer within a lookup's deadline.
        """

    @abstractmethod
    def check(self) -> KeyOwner:
        """Ask whose keys these are, changing nothing. Raises Refused for keys that the gateway does not take."""

    @classmethod
    @abstractmethod
    def verify_notification(cls, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> list[Notice]:
        """Return what a signed notification says. Raises BadNotice, and nothing else, for any bytes."""

    @classmethod
    @abstractmethod
    def webhook_secrets(cls, credentials: Mapping[str, str]) -> list[str]:
        """Return the secrets that may sign notifications now: two while one is being replaced."""

    @classmethod
    def ack(cls, accepted: bool) -> tuple[int, str, str]:
        """Return the (status, content type, body) that this gateway takes as received, or as refused."""
        return (200, "text/plain", "ok") if accepted else (400, "text/plain", "not a valid notification")
