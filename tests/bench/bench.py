"""What every workload of the bench has: the running programs, one round of load on one of them, a row of the table."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connection

from tests.bench import orders, wire
from tests.bench.load import Outcome, send
from tests.bench.programs import Peer, Programs, Running

CONNECTIONS = 8


@dataclass
class Row:
    """One line of the table: what was measured, what came out, and what was wanted."""

    code: str
    workload: str
    result: str
    bar: str
    met: bool | None = None
    detail: str = ""


@dataclass
class Bench:
    """Everything that runs, and at which ports. ``resident``: the most megabytes that each program was seen with."""

    programs: Programs
    peer: Peer
    web: Running
    web_port: int
    floor: Running
    floor_port: int
    raw: Running
    raw_port: int
    said: Callable[[str], None]
    resident: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def working(self) -> Iterator[list[Running]]:
        """Run worker and dispatcher for the length of the block, from when they work."""
        with self.programs.pgb("worker") as worker, self.programs.pgb("dispatch") as dispatcher:
            self.tell(orders.sessions(1))
            yield [worker, dispatcher]
            self.watch(worker)
            self.watch(self.web)

    def tell(self, sessions: list[object], seconds: float = 60) -> None:
        """Ring for these payments and wait until the shop was told of each."""
        send(self.web_port, [wire.webhook(one.reference) for one in sessions], CONNECTIONS)
        self.wait_told({one.order.order_id for one in sessions}, seconds)

    def wait_told(self, wanted: set[int], seconds: float) -> None:
        """Wait until the shop was told of all of them. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while missing := wanted - self.peer.told():
            if time.monotonic() > until:
                raise TimeoutError(f"the shop was not told of {len(missing)} of {len(wanted)} orders")
            time.sleep(0.1)

    def watch(self, running: Running) -> None:
        """Look how much memory a program holds."""
        self.resident[running.name] = max(running.resident(), self.resident.get(running.name, 0))


@dataclass
class Round:
    """One load on one program."""

    outcome: Outcome
    cpu: float

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.outcome.rate

    @property
    def micros(self) -> float:
        """Microseconds of processor per request, in the program's own processes."""
        return self.cpu / len(self.outcome.answers) * 1e6


def one_round(program: Running, port: int, requests: list[bytes]) -> Round:
    """Send all of them to a program, which must take each."""
    before = program.cpu()
    outcome = send(port, requests, CONNECTIONS)
    if outcome.failed or any(one.status >= 300 for one in outcome.answers):
        raise RuntimeError(f"{program.name} did not take all: {outcome.answers[0]}")
    return Round(outcome, program.cpu() - before)


def empty() -> None:
    """Take away what earlier rounds left."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE payments_notification, bench_note")
