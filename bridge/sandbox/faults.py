"""Faults: which exchange goes wrong, how, and how often. Everything random comes from the seed."""

import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.schedule import now

API = ("start", "fetch", "list", "expire", "cancel", "refunds", "events", "balance", "check")
INBOUND = (*API, "forward")
OPERATIONS = (*INBOUND, "webhook", "return")
READS = ("fetch", "list", "cancel", "refunds")
PENDING_REASONS = ("processing", "insufficient_funds", "charge_pending")
FAILURE_REASONS = (
    "unknown",
    "lost_or_stolen_card",
    "expired_or_canceled_card",
    "charge_for_pending_refund_disputed",
    "insufficient_funds",
    "declined",
    "merchant_request",
)
Z99 = 2.3263478740408408  # the 99th percentile of the normal distribution


@dataclass(frozen=True)
class Kind:
    """Where a kind of fault can happen, and its parameters.

    A parameter is given by its default, by the tuple of its possible values (the first is the default), or by
    its type if it must be given.
    """

    operations: tuple[str, ...]
    params: Mapping[str, Any] = field(default_factory=dict)


KINDS: dict[str, Kind] = {
    # the connection is closed (or reset), the webhook not sent, the buyer not sent back: nothing happened
    "drop": Kind((*INBOUND, "webhook", "return"), {"reset": False}),
    # the work begins later: fixed, or log-normal by its median and 99th percentile
    "latency": Kind(INBOUND, {"seconds": 0.0, "p50": 0.0, "p99": 0.0}),
    # an error before the work; a 500 is the peer's own (and kept under the key), others come from in front of it
    "error_before": Kind(INBOUND, {"status": 500}),
    "throttle": Kind(INBOUND, {"code": ("rate_limit", "lock_timeout")}),
    "conflict": Kind(("start", "expire", "cancel")),
    # what was created less than so many seconds ago is not there yet
    "not_visible": Kind(("fetch", "list", "refunds"), {"seconds": 60.0}),
    # an error after the work
    "error_after": Kind(INBOUND, {"status": 500}),
    # the work is done, the connection closes without an answer; a webhook's answer is not believed to have come
    "answer_lost": Kind((*INBOUND, "webhook"), {"reset": False}),
    # half of the answer's body
    "answer_cut": Kind(INBOUND),
    # the answer is lost, every connection cut, and the whole sandbox refuses new ones for so long
    "outage": Kind(INBOUND, {"seconds": float}),
    # a byte at a time, so many seconds apart
    "drip": Kind(INBOUND, {"seconds": 0.05}),
    "garbage": Kind(INBOUND, {"body": ("html", "truncated", "empty", "array", "binary")}),
    "endless": Kind(INBOUND),
    # the answer lies, in the session, its payment, its charge and their refunds alike
    "wrong": Kind(READS, {"field": ("amount", "currency", "reference", "livemode")}),
    # any member of the answer: {"payment_intent.amount_received": 1}
    "alter": Kind(("start", *READS), {"set": dict}),
    # the refund is made, but comes to this; without the fault it succeeds (konbini: requires_action)
    "refund_status": Kind(
        ("cancel",),
        {
            "status": ("pending", "requires_action", "failed"),
            "pending_reason": PENDING_REASONS,
            "failure_reason": FAILURE_REASONS,
        },
    ),
    # just before, somebody refunds so much of the payment (0: the rest) in the gateway's own console
    "console_refund": Kind(("fetch", "cancel", "refunds"), {"amount": 0, "silent": True}),
    # the buyer has acted, and PGB has answered the webhook, before the create is answered
    "webhook_first": Kind(("start",), {"how": ("pay", "later", "decline")}),
    "duplicate": Kind(("webhook",), {"copies": 2, "concurrent": False}),
    # holds events back until there are so many (at most 5 s), then sends the newest first
    "reorder": Kind(("webhook",), {"window": 2}),
    "delay": Kind(("webhook",), {"seconds": float}),
    "wrong_signature": Kind(("webhook",)),
    "clock_skew": Kind(("webhook",), {"seconds": float}),
    # the buyer is back first; the webhook leaves so many seconds later
    "before_webhook": Kind(("return",), {"seconds": 1.0}),
    # the shop answers 200 with IsSuccess false, and perhaps Final true
    "refuse": Kind(("forward",), {"final": False, "message": "refused"}),
    "redirect": Kind(("forward",), {"location": "/shop/"}),
}


@dataclass
class Fault:
    """One planned fault. `times` counts down; None is every time. `match` names facts of the exchange.

    `hits` counts the exchanges that it has met, `holding` those that a latency keeps waiting just now.
    """

    id: int
    operation: str
    kind: str
    times: int | None
    probability: float
    match: dict[str, Any]
    until: float | None
    params: dict[str, Any]
    dice: random.Random
    hits: int = 0
    holding: int = 0
    counting: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __getitem__(self, name: str) -> Any:
        return self.params[name]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Count an exchange as held while the block runs."""
        with self.counting:
            self.holding += 1
        try:
            yield
        finally:
            with self.counting:
                self.holding -= 1

    def as_json(self) -> dict[str, Any]:
        names = ("id", "operation", "kind", "times", "probability", "match", "until", "params", "hits", "holding")
        return {name: getattr(self, name) for name in names}


class Taken(dict[str, Fault]):
    """The faults of one exchange, by kind."""

    def sleep(self) -> None:
        """Waits as the latency fault says: fixed, or log-normal by its median and 99th percentile."""
        if fault := self.get("latency"):
            with fault.held():
                time.sleep(fault["seconds"] or _log_normal(fault))


def _log_normal(fault: Fault) -> float:
    p50, p99 = fault["p50"], fault["p99"]
    return fault.dice.lognormvariate(math.log(p50), math.log(p99 / p50) / Z99) if 0 < p50 < p99 else 0.0


class Faults:
    """The plan of faults; safe to change while traffic runs."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._plan: dict[int, Fault] = {}
        self._last = 0
        self.on_clear: list[Callable[[], None]] = []

    def add(
        self,
        operation: str,
        kind: str,
        *,
        times: int | None = 1,
        probability: float = 1.0,
        match: Mapping[str, Any] | None = None,
        for_seconds: float | None = None,
        **params: Any,
    ) -> Fault:
        """Plans a fault for the next `times` exchanges of the operation that match (None: for every one).

        `match` names facts of the exchange (reference, session, event_type, event ...) that must be equal.
        `for_seconds` ends the fault by the application's clock. Raises ValueError for what is not known.
        """
        if (times is not None and times < 1) or not 0 <= probability <= 1:
            raise ValueError("times must be 1 or more (or None: every time), probability from 0 to 1")
        checked = _checked_params(operation, kind, params)
        with self._lock:
            self._last += 1
            until = None if for_seconds is None else now() + for_seconds
            dice = random.Random(f"{self._seed}/{self._last}")
            fault = Fault(self._last, operation, kind, times, probability, dict(match or {}), until, checked, dice)
            self._plan[fault.id] = fault
        return fault

    def clear(self, fault_id: int | None = None) -> None:
        """Forgets one fault, or all of them; what they held back is let go."""
        with self._lock:
            if fault_id is None:
                self._plan.clear()
            else:
                self._plan.pop(fault_id, None)
        for let_go in self.on_clear:
            let_go()

    def listing(self) -> list[dict[str, Any]]:
        with self._lock:
            return [fault.as_json() for fault in self._plan.values()]

    def take(self, operation: str, facts: Mapping[str, Any], kinds: tuple[str, ...] = ()) -> Taken:
        """The faults that hit this exchange (at most one of a kind); each is counted down."""
        taken = Taken()
        if not self._plan:
            return taken
        with self._lock:
            for fault in list(self._plan.values()):
                if fault.operation != operation or (kinds and fault.kind not in kinds) or fault.kind in taken:
                    continue
                if self._hits(fault, facts):
                    taken[fault.kind] = fault
        return taken

    def _hits(self, fault: Fault, facts: Mapping[str, Any]) -> bool:
        if fault.until is not None and now() >= fault.until:
            del self._plan[fault.id]
            return False
        if any(facts.get(name) != value for name, value in fault.match.items()):
            return False
        if fault.probability < 1.0 and fault.dice.random() >= fault.probability:
            return False
        fault.hits += 1
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                del self._plan[fault.id]
        return True


def _checked_params(operation: str, kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
    if operation not in OPERATIONS:
        raise ValueError(f"unknown operation {operation!r}: one of {', '.join(OPERATIONS)}")
    if kind not in KINDS:
        raise ValueError(f"unknown fault {kind!r}: one of {', '.join(KINDS)}")
    known = KINDS[kind]
    if operation not in known.operations:
        raise ValueError(f"{kind} cannot happen to {operation}: only to {', '.join(known.operations)}")
    if unknown := sorted(set(params) - set(known.params)):
        raise ValueError(f"{kind} has no parameter {', '.join(unknown)}")
    return {name: _checked(f"{kind}: {name}", declared, params.get(name)) for name, declared in known.params.items()}


def _checked(name: str, declared: Any, given: Any) -> Any:
    """The value given for a parameter, or its default."""
    if isinstance(declared, tuple):
        if given is not None and given not in declared:
            raise ValueError(f"{name} must be one of {', '.join(declared)}")
        return declared[0] if given is None else given
    if isinstance(declared, type):
        if given is None:
            raise ValueError(f"{name} must be given")
    elif given is None:
        return declared
    wanted = declared if isinstance(declared, type) else type(declared)
    if wanted is float and type(given) is int:
        return float(given)
    if type(given) is not wanted:
        raise ValueError(f"{name} must be of type {wanted.__name__}")
    return given
