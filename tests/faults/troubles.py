"""What can go wrong in a schedule: faults of the others, what happens while somebody waits, and broken processes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.faults.simulation import Play

EVENTS = ("checkout.session.completed", "payment_intent.succeeded", "charge.succeeded", "checkout.session.expired")
_ANYWHERE: list[tuple[str, dict[str, Any]]] = [
    *(("drop", {"reset": reset}) for reset in (False, True)),
    *(("answer_lost", {"reset": reset}) for reset in (False, True)),
    *(("error_before", {"status": status}) for status in (500, 503)),
    *(("error_after", {"status": status}) for status in (500, 502)),
    ("throttle", {}),
    ("answer_cut", {}),
    *(("garbage", {"body": body}) for body in ("html", "array", "empty")),
]
_OWN: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "start": [("conflict", {})],
    "expire": [("conflict", {})],
    "fetch": [
        ("not_visible", {"seconds": 60.0}),
        *[("wrong", {"field": field}) for field in ("amount", "currency", "reference", "livemode")] * 3,
        # The page is said to be closed, but a buyer can still pay on it.
        *[("alter", {"set": {"status": "expired"}})] * 3,
    ],
    "list": [("not_visible", {"seconds": 60.0})],
    "refunds": [("not_visible", {"seconds": 60.0})],
    "cancel": [
        ("conflict", {}),
        *(("refund_status", {"status": status}) for status in ("pending", "requires_action", "failed")),
        *(("console_refund", {"amount": amount, "silent": False}) for amount in (0, 1000)),
    ],
    "forward": [("refuse", {}), ("redirect", {})],
}
_WEBHOOK: list[tuple[str, dict[str, Any]]] = [
    # What nothing else would tell of is never lost for good: refunds in the console, disputes.
    *(("drop", {"match": {"event_type": event}}) for event in EVENTS),
    ("duplicate", {"copies": 3}),
    ("delay", {"seconds": 700.0}),
    ("reorder", {"window": 3}),
    ("answer_lost", {}),
    ("wrong_signature", {}),
    ("clock_skew", {"seconds": -400.0}),
]


@dataclass(frozen=True)
class Fault:
    """The sandbox treats the next exchanges of an operation badly."""

    operation: str
    kind: str
    params: dict[str, Any]
    times: int | None
    lasts: float | None

    def strike(self, play: Play) -> None:
        play.fault(self.operation, self.kind, self.times, self.lasts, **self.params)


@dataclass(frozen=True)
class Meanwhile:
    """Something else happens while PGB waits for the next answer from outside."""

    place: str
    what: str

    def strike(self, play: Play) -> None:
        play.plan(self.place, self.what, lambda: MEANWHILE[self.what](play))


@dataclass(frozen=True)
class Break:
    """A process dies, or loses its database, at a statement to come."""

    statements: int
    dies: bool

    def strike(self, play: Play) -> None:
        play.cut(self.statements, dies=self.dies)


@dataclass(frozen=True)
class Outage:
    """Nobody takes connections any more."""

    def strike(self, play: Play) -> None:
        play.outage()


Trouble = Fault | Meanwhile | Break | Outage
MEANWHILE: dict[str, Callable[[Play], Any]] = {
    "die": Play.die,
    "lapse": Play.lapse,
    "pause": lambda play: play.pass_time(6),
    "work": Play.work,
    "buyer pays": lambda play: play.buyer("pay"),
    "buyer pays on an old page": lambda play: play.buyer("pay", 1),
    "webhooks": Play.webhooks,
    "equal start": lambda play: play.pay_start(1, 64900),
    "other start": lambda play: play.pay_start(1, 10000),
    "full cancel": lambda play: play.cancel(1, None, ""),
    "partial cancel": lambda play: play.cancel(1, 1000, ""),
    "cancel again": lambda play: play.cancel_again(0),
    "console refund": lambda play: play.console_refund(1000),
    "staff look": lambda play: play.staff_look(0),
}


def faults(*operations: str) -> st.SearchStrategy[Trouble]:
    """Return faults of these operations: of a few exchanges, or of all for a while."""
    known = [
        (operation, kind, params)
        for operation in operations
        for kind, params in (_WEBHOOK if operation == "webhook" else _ANYWHERE + 3 * _OWN[operation])
    ]
    terms = [(1, None), (1, None), (2, None), (None, 20.0), (None, 300.0), (None, 4000.0)]
    return st.builds(
        lambda fault, term: Fault(*fault, *term), fault=st.sampled_from(known), term=st.sampled_from(terms)
    )


def troubles(*operations: str) -> st.SearchStrategy[Trouble | None]:
    """Return what may go wrong beside a deed whose calls are these operations; often nothing does."""
    happens = st.sampled_from([*MEANWHILE, "lapse", "lapse"])
    meanwhile = st.builds(Meanwhile, place=st.sampled_from(["before", "after"]), what=happens)
    broken = st.builds(Break, statements=st.integers(0, 30), dies=st.booleans())
    return st.one_of(st.none(), st.none(), faults(*operations), faults(*operations), meanwhile, broken)
