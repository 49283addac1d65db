"""Kills the process of a flow at one socket write after the other, lets PGB go on without it, and judges."""

import itertools
import random
from dataclasses import dataclass, field

from tests.faults.flows import Flow
from tests.faults.judge import violations
from tests.faults.town import Order, Town

WITHIN = 60  # seconds of the application's clock
SAMPLE = 3
SEED = 1
TABLE_HEAD = f"{'flow':<36} socket writes  killed at  violations  slowest recovery"


@dataclass
class Swept:
    """What a flow's sweep came to. ``violations``: the write at which the knife came down, and what was wrong."""

    flow: Flow
    writes: int
    kills: int = 0
    violations: list[str] = field(default_factory=list)
    slowest: int = 0

    @property
    def row(self) -> str:
        bad = len({one.partition(":")[0] for one in self.violations})
        return f"{self.flow.name:<36} {self.writes:>13}  {self.kills:>9}  {bad:>10}  {self.slowest:>14} s"


def sweep(town: Town, flow: Flow, *, whole: bool) -> Swept:
    """Let the flow run through once, then kill it at every write, or at a few that the seed chooses."""
    swept = Swept(flow, writes=0)
    swept.writes = _once(town, swept, None)
    if whole:
        _until_it_ends(town, swept)
    else:
        points = range(1, swept.writes + 1)
        for point in random.Random(f"{SEED}/{flow.name}").sample(points, min(SAMPLE, swept.writes)):
            _once(town, swept, point)
    return swept


def _until_it_ends(town: Town, swept: Swept) -> None:
    """Kill at the first write, the second ... until the act comes to its end by itself.

    A web process that waits for a worker asks the database more or less often: its writes vary.
    """
    for point in itertools.count(1):
        before = swept.kills
        _once(town, swept, point)
        if swept.kills == before:
            return


def _once(town: Town, swept: Swept, kill_at: int | None) -> int:
    """Run the flow for an order of its own; returns the socket writes that it came to."""
    flow = swept.flow
    order = flow.prepare(town)
    done = town.cut(flow.process, lambda at: flow.call(town, order, at), kill_at)
    swept.kills += done.killed
    wrong, seconds = _recover(town, flow, order)
    swept.slowest = max(swept.slowest, seconds)
    swept.violations += [f"{kill_at}: {one}" for one in wrong or _after_repeats(town, flow, order)]
    return done.writes


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
