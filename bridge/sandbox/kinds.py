"""The kinds of faults: where each can happen, and its parameters. docs/sandbox.md shows them to people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

API = ("start", "fetch", "list", "expire", "cancel", "refunds", "report", "events", "balance", "check")
INBOUND = (*API, "forward")
OPERATIONS = (*INBOUND, "webhook", "return")
READS = ("fetch", "list", "cancel", "refunds", "report")
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
STATUSES = (500, 502, 503, 504)


@dataclass(frozen=True)
class Kind:
    """Where a kind of fault can happen, and its parameters.

    A parameter is given by its default, by the tuple of its possible values (the first is the default), or by
    its type if it must be given. `drawn` are the values that a seeded plan chooses from; None: such a plan has
    this kind only where it is named.
    """

    operations: tuple[str, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    drawn: Mapping[str, Sequence[Any]] | None = None


NOTHING: Mapping[str, Sequence[Any]] = {}
RESET = {"reset": (False, True)}
KINDS: dict[str, Kind] = {
    # the connection is closed (or reset), the webhook not sent, the buyer not sent back: nothing happened
    "drop": Kind((*INBOUND, "webhook", "return"), {"reset": False}, RESET),
    # the work begins later: fixed, or log-normal by its median and 99th percentile
    "latency": Kind(INBOUND, {"seconds": 0.0, "p50": 0.0, "p99": 0.0}, {"seconds": (0.02, 0.1, 0.3)}),
    # an error before the work; a 500 is the peer's own (and kept under the key), others come from in front of it
    "error_before": Kind(INBOUND, {"status": 500}, {"status": STATUSES}),
    "throttle": Kind(INBOUND, {"code": ("rate_limit", "lock_timeout")}, NOTHING),
    "conflict": Kind(("start", "expire", "cancel"), drawn=NOTHING),
    # what was created less than so many seconds ago is not there yet
    "not_visible": Kind(("fetch", "list", "refunds"), {"seconds": 60.0}, {"seconds": (1.0, 10.0, 60.0)}),
    # an error after the work
    "error_after": Kind(INBOUND, {"status": 500}, {"status": STATUSES}),
    # the work is done, the connection closes without an answer; a webhook's answer is not believed to have come
    "answer_lost": Kind((*INBOUND, "webhook"), {"reset": False}, RESET),
    # half of the answer's body
    "answer_cut": Kind(INBOUND, drawn=NOTHING),
    # the answer is lost, every connection cut, and the whole sandbox refuses new ones for so long
    "outage": Kind(INBOUND, {"seconds": float}, {"seconds": (0.1, 0.5)}),
    # a byte at a time, so many seconds apart
    "drip": Kind(INBOUND, {"seconds": 0.05}, {"seconds": (0.0001,)}),
    "garbage": Kind(INBOUND, {"body": ("html", "truncated", "empty", "array", "binary")}, NOTHING),
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
    "duplicate": Kind(
        ("webhook",), {"copies": 2, "concurrent": False}, {"copies": (2, 3), "concurrent": (False, True)}
    ),
    # holds events back until there are so many (at most 5 s), then sends the newest first
    "reorder": Kind(("webhook",), {"window": 2}, {"window": (2, 3)}),
    "delay": Kind(("webhook",), {"seconds": float}, {"seconds": (0.1, 1.0, 60.0)}),
    "wrong_signature": Kind(("webhook",), drawn=NOTHING),
    "clock_skew": Kind(("webhook",), {"seconds": float}, {"seconds": (-400.0, -200.0, 200.0, 400.0)}),
    # the buyer is back first; the webhook leaves so many seconds later
    "before_webhook": Kind(("return",), {"seconds": 1.0}, {"seconds": (0.1, 1.0)}),
    # the shop answers 200 with IsSuccess false, and perhaps Final true
    "refuse": Kind(("forward",), {"final": False, "message": "refused"}, NOTHING),
    "redirect": Kind(("forward",), {"location": "/shop/"}, NOTHING),
}


def checked(operation: str, kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of one fault with their defaults; ValueError for what is not known or cannot happen there."""
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
