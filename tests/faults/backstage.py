"""Behind the scene of one schedule: its history, its clock, the workers, and what happens while others wait."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import time_machine
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from bridge import drains
from payments import circuits
from payments.queues import Queue, backlogs, claim
from tests.bridge.dying import Killed
from tests.faults.stage import BEGIN, Stage

MOST_STEPS = 400
LONGEST_END = timedelta(days=40)
PATIENCE = timedelta(seconds=60)


class Broken(AssertionError):
    """Something that must always hold did not; the text is the whole story."""


@dataclass
class Answer:
    """One call of the shop and what came back; ``said`` is None where the process died."""

    at: datetime
    call: str
    asked: dict[str, Any]
    status: int = 0
    said: dict[str, Any] | None = None

    @property
    def code(self) -> str:
        """Return what it comes to in one word."""
        return "died" if self.said is None else str(self.said["ErrorCode"] or self.said["Type"])

    @property
    def is_cancel(self) -> bool:
        """Whether it asked for money back."""
        return self.call in ("PartialCancel", "FullCancel")

    @property
    def wish(self) -> str:
        """Return what equal requests have in common: the RequestId, else all that was asked."""
        return f"{self.asked['OrderId']} {self.asked.get('RequestId') or sorted(self.asked.items())}"

    def of(self, order: int) -> bool:
        """Whether it was about that order."""
        return bool(self.asked["OrderId"] == order)


@dataclass
class Backstage:
    """The history of one schedule, its clock and its workers. The shop's calls also stand in ``answers``."""

    stage: Stage
    clock: time_machine.Traveller
    history: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    planned: list[tuple[str, Callable[[], None], str]] = field(default_factory=list)
    workers_asleep: bool = False

    def __post_init__(self) -> None:
        self.stage.meanwhile = self._meanwhile
        self.stage.sleeping = self._sleep

    def note(self, text: str) -> None:
        """Add a line to the history."""
        since = timezone.now() - BEGIN
        self.history.append(f"{since.total_seconds():10.2f} s  {text}")

    @contextmanager
    def act(self, text: str) -> Iterator[None]:
        """Do one thing as a process of its own: it may die, or lose its database."""
        self.note(text)
        connection.close()
        circuits.clear_cache()
        try:
            yield
        except Killed:
            self.note("    the process died")
            connection.close()
        except DatabaseError as error:
            self.note(f"    the database is gone: {type(error).__name__}")
            connection.close()

    # What the workers do.

    def step(self, queue: Queue) -> bool:
        """Let a worker take one row of a queue; False if none was due."""
        done = False
        with self.act(f"worker: {queue}"):
            done = drains._work_one(queue)
        if not done and self.history[-1].endswith(f"worker: {queue}"):
            self.history.pop()
        return done

    def work(self) -> bool:
        """Let the workers take what is due, until nothing is; say whether there was anything."""
        worked = False
        for _ in range(MOST_STEPS):
            if not self._step_everywhere():
                return worked
            worked = True
        raise Broken("the workers never come to an end:\n" + "\n".join(self.history))

    def _step_everywhere(self) -> bool:
        """Take one row of every queue in which the dispatcher would find one."""
        with self.act("worker: looks for work"):
            due = [queue for queue, backlog in backlogs(timezone.now(), most=1).items() if backlog.due]
            self.history.pop()
            return any([self.step(queue) for queue in due])
        return True

    def abandon(self, queue: Queue) -> None:
        """Let a worker take a row and die before it does anything."""
        with self.act(f"worker: takes a row of {queue} and dies"):
            row = claim(queue, timezone.now())
            self.note(f"    {row!r}")

    # Time, and what goes on while a process waits.

    def pass_time(self, seconds: float) -> None:
        """Move the clock."""
        self.clock.shift(seconds)
        self.note(f"time: {seconds:g} s pass")

    def _sleep(self, seconds: float) -> None:
        """A web process waits: time passes in larger bites than its own, and the workers work unless they sleep."""
        self.clock.shift(max(seconds, 1.0))
        if not self.workers_asleep:
            self._step_everywhere()

    def plan(self, place: str, what: str, act: Callable[[], None]) -> None:
        """Let ``act`` happen at the next call to the outside, ``before`` it or ``after`` it was answered."""
        self.planned.append((place, act, what))
        self.note(f"planned: {what} {place} the next call")

    def _meanwhile(self, place: str, url: str) -> None:
        for one in list(self.planned):
            if one[0] == place:
                self.planned.remove(one)
                self.note(f"  {place} {urlsplit(url).path}: {one[2]}")
                one[1]()
                self.note(f"  {one[2]} is over")

    def die(self) -> None:
        """The process that comes here is killed."""
        raise Killed

    def lapse(self) -> None:
        """A process hangs for longer than its leases last, and others take over."""
        self.pass_time(61)
        self.work()
