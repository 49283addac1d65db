"""Cuts the process of a flow at one socket write after the other, lets PGB go on without it, and judges."""

import itertools
import random
from dataclasses import dataclass, field
from enum import StrEnum

from tests.faults.flows import Flow
from tests.faults.judge import violations
from tests.faults.knife import Cut
from tests.faults.town import Order, Town

WITHIN = 60  # seconds of the application's clock
SEED = 1
TABLE_HEAD = f"{'flow':<36} socket writes       cut at  violations  slowest recovery"


class How(StrEnum):
    """What befalls the process."""

    KILLED = "killed"
    # It hangs, loses its lease, and comes back when all is done: what it does then must not count.
    STALLED = "stalled"


@dataclass
class Swept:
    """What a flow's sweep came to. ``violations``: the write at which the process was cut, and what was wrong.

    ``held``: how often it stood still in a transaction, which others can only wait for: such a stall is not judged.
    """

    flow: Flow
    how: How
    writes: int = 0
    cuts: int = 0
    held: int = 0
    violations: list[str] = field(default_factory=list)
    slowest: int = 0

    @property
    def judged(self) -> int:
        return self.cuts - self.held

    @property
    def row(self) -> str:
        bad = len({one.partition(":")[0] for one in self.violations})
        cuts = f"{self.how} {self.judged:>3}"
        return f"{self.flow.name:<36} {self.writes:>13}  {cuts:>11}  {bad:>10}  {self.slowest:>14} s"


def sweep(town: Town, flow: Flow, how: How, points: int | None) -> Swept:
    """Let the flow run through once, then cut it at every write, or at some ``points`` that the seed chooses."""
    swept = Swept(flow, how)
    swept.writes, _ = _once(town, swept, None)
    if points is None:
        _until_it_ends(town, swept)
    else:
        _some(town, swept, points)
    return swept


def _some(town: Town, swept: Swept, points: int) -> None:
    """Cut at writes in an order that the seed chooses, until so many are judged."""
    for point in random.Random(f"{SEED}/{swept.flow.name}").sample(range(1, swept.writes + 1), swept.writes):
        if swept.judged == points:
            return
        _once(town, swept, point)


def _until_it_ends(town: Town, swept: Swept) -> None:
    """Cut at the first write, the second ... until the act comes to its end by itself.

    A web process that waits for a worker asks the database more or less often: its writes vary.
    """
    for point in itertools.count(1):
        _, cut = _once(town, swept, point)
        if not cut:
            return


def _once(town: Town, swept: Swept, point: int | None) -> tuple[int, bool]:
    """Run the flow for an order of its own; returns its socket writes, and whether it was cut."""
    flow = swept.flow
    order = flow.prepare(town)
    wrong: list[str] = []

    def go_on() -> None:
        town.send_webhooks_to(town.pgb)
        found, seconds = _recover(town, flow, order)
        wrong.extend(found)
        swept.slowest = max(swept.slowest, seconds)

    def meanwhile() -> None:
        if town.act_holds_a_lock():
            swept.held += 1
        else:
            go_on()

    cut = Cut(point, meanwhile if swept.how is How.STALLED else None) if point else None
    done = town.knife.act(flow.process, lambda at: flow.call(town, order, at), cut)
    go_on()
    swept.cuts += done.cut
    swept.violations += [f"{point}: {one}" for one in wrong or _after_repeats(town, flow, order)]
    return done.writes, done.cut


def _recover(town: Town, flow: Flow, order: Order) -> tuple[list[str], int]:
    """Go on until all is as it must be, or the time is over; returns what is wrong then, and how long it took."""
    seconds = 0
    while True:
        flow.go_on(town, order)
        town.work()
        wrong = violations(town, order, flow.outcome)
        if not wrong or seconds == WITHIN:
            return wrong, seconds
        town.wait(1)
        seconds += 1


def _after_repeats(town: Town, flow: Flow, order: Order) -> list[str]:
    """Let everybody say again what they said, and wait: nothing may change by that."""
    answered = flow.repeat(town, order)
    told = town.repeat_webhooks(order)
    town.wait(WITHIN)
    town.work()
    odd = []
    if answered != flow.again:
        odd.append(f"I5: the repeated call was answered with {answered}")
    if told - {200}:
        odd.append(f"I5: repeated webhooks were answered with {told}")
    return odd + violations(town, order, flow.outcome)
