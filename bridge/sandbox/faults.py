"""Faults: which exchange goes wrong, how, and how often. Everything random comes from the seed."""

import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.kinds import checked
from bridge.sandbox.schedule import now
from bridge.sandbox.seeded import SeededPlan

KEPT = 10_000  # exchanges with a fault
Z99 = 2.3263478740408408  # the 99th percentile of the normal distribution


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


@dataclass(frozen=True)
class Hit:
    """One fault that happened, and to which exchange."""

    operation: str
    kind: str
    params: Mapping[str, Any]
    facts: Mapping[str, Any]


class Faults:
    """The plan of faults; safe to change while traffic runs. `history`: the last that happened, in their order."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._planned: dict[int, Fault] = {}
        self._seeded: SeededPlan | None = None
        self._last = 0
        self.history: deque[Hit] = deque(maxlen=KEPT)
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
        known = checked(operation, kind, params)
        with self._lock:
            self._last += 1
            until = None if for_seconds is None else now() + for_seconds
            dice = random.Random(f"{self._seed}/{self._last}")
            fault = Fault(self._last, operation, kind, times, probability, dict(match or {}), until, known, dice)
            self._planned[fault.id] = fault
        return fault

    def plan(
        self,
        seed: int,
        rate: float,
        *,
        kinds: Sequence[str] | None = None,
        operations: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> None:
        """Plans for all exchanges until clear(): each is hit with the probability `rate`, by one of `kinds`.

        What happens to the n-th exchange of an operation depends on the seed alone. None: every kind that ends by
        itself and tells no lies about money, every operation; at most `limit` faults in all. Raises ValueError.
        """
        seeded = SeededPlan(seed, rate, kinds, operations, limit)
        with self._lock:
            self._seeded = seeded

    def clear(self, fault_id: int | None = None) -> None:
        """Forgets one fault, or all of them and the seeded plan; what they held back is let go."""
        with self._lock:
            if fault_id is None:
                self._planned.clear()
                self._seeded = None
            else:
                self._planned.pop(fault_id, None)
        for let_go in self.on_clear:
            let_go()

    def reset(self) -> None:
        """Forgets all that was planned and all that happened."""
        self.clear()
        with self._lock:
            self.history.clear()

    def listing(self) -> list[dict[str, Any]]:
        with self._lock:
            return [fault.as_json() for fault in self._planned.values()]

    def take(self, operation: str, facts: Mapping[str, Any], kinds: tuple[str, ...] = ()) -> Taken:
        """The faults that hit this exchange (at most one of a kind); each is counted down."""
        taken = Taken()
        if not self._planned and self._seeded is None:
            return taken
        with self._lock:
            for fault in list(self._planned.values()):
                if fault.operation != operation or (kinds and fault.kind not in kinds) or fault.kind in taken:
                    continue
                if self._hits(fault, facts):
                    taken[fault.kind] = fault
            if self._seeded is not None and (drawn := self._seeded.draw(operation, kinds)):
                kind, params, dice = drawn
                taken.setdefault(kind, Fault(0, operation, kind, 0, 1.0, {}, None, params, dice, hits=1))
            self.history += [Hit(operation, fault.kind, fault.params, dict(facts)) for fault in taken.values()]
        return taken

    def _hits(self, fault: Fault, facts: Mapping[str, Any]) -> bool:
        if fault.until is not None and now() >= fault.until:
            del self._planned[fault.id]
            return False
        if any(facts.get(name) != value for name, value in fault.match.items()):
            return False
        if fault.probability < 1.0 and fault.dice.random() >= fault.probability:
            return False
        fault.hits += 1
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                del self._planned[fault.id]
        return True
