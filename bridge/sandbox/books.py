"""The books: what each stand-in believes happened. Tests hold PGB's own tables against them."""

import threading
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

Json = dict[str, Any]
CANCEL_ID = "pgb_cancel"  # where PGB writes its own id into a refund's metadata


@dataclass
class Session:
    """One Checkout Session. `params` is what was asked for, checked and typed."""

    id: str
    account: str
    reference: str | None
    amount: int
    currency: str
    created: int
    expires_at: int
    livemode: bool
    params: Json
    status: str = "open"  # open | complete | expired
    payment_status: str = "unpaid"  # unpaid | paid
    payment: str | None = None
    expire_calls: int = 0


@dataclass
class Payment:
    """One PaymentIntent with its latest charge. Money: `captured` came in.

    `refunded` of it went back or is on its way: what Stripe calls amount_refunded.
    """

    id: str
    account: str
    session: str
    amount: int
    currency: str
    created: int
    method: str
    status: str  # succeeded | requires_action | requires_payment_method
    charge: str | None = None
    charged: int = 0  # when the latest charge was made
    captured: int = 0
    refunded: int = 0
    disputed: bool = False
    deposit_until: int | None = None


@dataclass
class Refund:
    """One refund. `key` is the idempotency key that made it; None: made in the gateway's console."""

    id: str
    account: str
    payment: str
    amount: int
    currency: str
    created: int
    status: str  # pending | requires_action | succeeded | failed | canceled
    reason: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    key: str | None = None
    pending_reason: str | None = None
    failure_reason: str | None = None

    @property
    def holds(self) -> bool:
        """Whether its amount is out of the merchant's hands."""
        return self.status not in ("failed", "canceled")

    @property
    def cancel_id(self) -> str | None:
        """The id that PGB gave it."""
        return self.metadata.get(CANCEL_ID)


@dataclass
class Dispute:
    """One dispute of a payment by its buyer."""

    id: str
    account: str
    payment: str
    amount: int
    currency: str
    created: int
    reason: str
    status: str = "needs_response"  # needs_response | won | lost


@dataclass
class Event:
    """One event as it was rendered when it happened."""

    id: str
    account: str
    type: str
    created: int
    session: str | None
    body: Json


@dataclass
class Sent:
    """One try to send one webhook. `status` is None if no answer came (or none is believed to have come)."""

    event: str
    type: str
    form: str  # snapshot | thin
    attempt: int
    status: int | None
    error: str = ""


@dataclass
class Call:
    """One API request that was answered; `status` is what the peer meant to answer."""

    operation: str
    path: str
    key: str | None
    status: int


@dataclass
class StripeBooks:
    """What Stripe believes. `creates` and `refunds_by_key` count what was really made per idempotency key."""

    sessions: dict[str, Session] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    disputes: dict[str, Dispute] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    creates: Counter[str] = field(default_factory=Counter)
    refunds_by_key: Counter[str] = field(default_factory=Counter)
    refunds_by_cancel: Counter[str] = field(default_factory=Counter)  # by the id that PGB gave
    calls: list[Call] = field(default_factory=list)
    webhooks: list[Sent] = field(default_factory=list)

    def paid(self, reference: str) -> int:
        """What came in for our order number, over all sessions that name it, less what went back.

        Refunds on their way count as gone; those that failed, as if they had never been made.
        """
        return sum(one.captured - one.refunded for one in self.payments_of(reference))

    def payments_of(self, reference: str) -> list[Payment]:
        """The payments of the sessions that carry our order number, oldest first."""
        named = {one.id for one in self.by_reference(reference)}
        return [one for one in self.payments.values() if one.session in named]

    def refunds_of(self, reference: str) -> list[Refund]:
        """Every refund of those payments, oldest first, those that failed too."""
        paid = {one.id for one in self.payments_of(reference)}
        return [one for one in self.refunds.values() if one.payment in paid]

    def balances(self) -> dict[str, int]:
        """What paid() says, for every order number."""
        found: Counter[str] = Counter()
        for one in self.payments.values():
            found[self.sessions[one.session].reference or ""] += one.captured - one.refunded
        return dict(found)

    def by_reference(self, reference: str) -> list[Session]:
        """The sessions that carry our order number, oldest first."""
        return [one for one in self.sessions.values() if one.reference == reference]


@dataclass
class ToldCancel:
    """One cancel as the shop was told of it last, by its own Sequence: no later message repeats what it says."""

    sequence: int
    event: str  # CancelComplete | CancelFailed | RefundReversed
    state: str
    amount: str  # as PGB writes it
    origin: str


@dataclass
class Order:
    """One order in the shop's database. `effects` lists the events that changed it, in their order.

    `cancels` are told apart by CancelId.
    """

    sequence: int = 0
    stage: str = ""
    total: str = ""  # amounts as PGB writes them
    balance: str = ""
    currency: str = ""
    payment_id: str = ""
    effects: list[str] = field(default_factory=list)
    disputed: bool = False
    cancels: dict[str, ToldCancel] = field(default_factory=dict)

    @property
    def completions(self) -> int:
        """How often the shop moved this order to paid: more than once is a disaster."""
        return self.effects.count("PayComplete")


@dataclass
class ShopBooks:
    """What the shop believes. Orders are keyed by (DBType, OrderId, ClaimId)."""

    orders: dict[tuple[str, int, int], Order] = field(default_factory=dict)
    received: Counter[str] = field(default_factory=Counter)  # how many times each EventId came, well signed
    applied: Counter[str] = field(default_factory=Counter)  # how many times each EventId took effect
    outdated: Counter[str] = field(default_factory=Counter)  # events ignored for their lower Sequence
    rejected: list[str] = field(default_factory=list)  # why messages were refused: signature, shape
    messages: list[Json] = field(default_factory=list)  # every message that took effect, in its order


def as_json(books: StripeBooks | ShopBooks, lock: threading.RLock) -> Json:
    """A copy of the books for the control API; an order's key becomes text."""
    with lock:
        # asdict would count a Counter's items instead of copying them.
        copy = asdict(books) | {name: dict(book) for name, book in vars(books).items() if isinstance(book, Counter)}
    if isinstance(books, StripeBooks):
        copy["balances"] = books.balances()
    else:
        copy["orders"] = {
            "/".join(map(str, key)): order | {"completions": books.orders[key].completions}
            for key, order in copy["orders"].items()
        }
    return copy
