"""Work a queue until nothing of it is due: one row at a time, each under its own lease.

In every process each queue has its own slots, so that none can starve another, and no gateway account and
no shop holds more than half of a queue's slots, so that one that hangs cannot starve the others.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from bridge import check, forward, recover, webhooks
from bridge.log_lines import about
from payments import ladders
from payments.models import PaymentSession
from payments.queues import TABLES, Queue, claim

WORK: dict[Queue, Callable[[Any], None]] = {
    Queue.NOTIFICATIONS: webhooks.work,
    Queue.CALLS: recover.work,
    Queue.DELIVERIES: forward.deliver,
    Queue.LOOKS: recover.look,
    Queue.CHECKS: check.work,
}
# Parts of the process's threads, in sixteenths.
_SHARES = {Queue.NOTIFICATIONS: 6, Queue.CALLS: 2, Queue.DELIVERIES: 5, Queue.LOOKS: 2, Queue.CHECKS: 1}

log = structlog.get_logger(__name__)


class Slots:
    """How many rows this process may work on at once: by queue, and in a queue by account or shop."""

    def __init__(self, threads: int) -> None:
        self.of_queue = {queue: max(1, threads * share // 16) for queue, share in _SHARES.items()}
        # Held from the look at who is full until the new row is counted.
        self.choosing = {queue: threading.Lock() for queue in Queue}
        self._free = {queue: threading.BoundedSemaphore(n) for queue, n in self.of_queue.items()}
        self._held: dict[Queue, Counter[int]] = {queue: Counter() for queue in Queue}
        self._lock = threading.Lock()

    def take(self, queue: Queue) -> bool:
        """Take a slot of the queue if one is free."""
        return self._free[queue].acquire(blocking=False)

    def give_back(self, queue: Queue) -> None:
        """Free a slot of the queue."""
        self._free[queue].release()

    def full(self, queue: Queue) -> list[int]:
        """Return the accounts or shops (their keys) that hold half of the queue's slots."""
        half = max(1, self.of_queue[queue] // 2)
        with self._lock:
            return [lane for lane, held in self._held[queue].items() if held >= half]

    def hold(self, queue: Queue, lane: int | None, change: int) -> None:
        """Count a row of the account or shop as begun (1) or ended (-1)."""
        if lane is not None:
            with self._lock:
                self._held[queue][lane] += change


SLOTS = Slots(settings.PGB_WORKER_THREADS)
# Set when this process ends: what is in hand is finished, what is due is left to others.
ENDING = threading.Event()


def drain(queue: Queue) -> int:
    """Work on due rows of ``queue`` until none is left, and return how many; at once 0 without a free slot."""
    if not SLOTS.take(queue):
        return 0
    try:
        done = 0
        while not ENDING.is_set() and _work_one(queue):
            done += 1
        return done
    finally:
        SLOTS.give_back(queue)
        connection.close()


def _put_off(row: Any) -> None:
    again = ladders.after(ladders.UNKNOWN_CALL, row.attempts + 1, timezone.now())
    type(row).objects.filter(pk=row.pk).finish(row.lease_token, again)


def _work_one(queue: Queue) -> bool:
    with SLOTS.choosing[queue]:
        row: Any = claim(queue, timezone.now(), SLOTS.full(queue))
        if row is None:
            return False
        lane = getattr(row, TABLES[queue].lane)
        SLOTS.hold(queue, lane, 1)
    _name(queue, row)
    begun = time.monotonic()
    try:
        WORK[queue](row)
        log.info("worked", milliseconds=int((time.monotonic() - begun) * 1000))
    except Exception as error:
        log.exception("work_failed")
        connection.close()
        # One bad row must not stop the others, nor come back at once for ever. A lost database is not the row's
        # fault: as after a process that died, its lease ends soon.
        if not isinstance(error, OperationalError | InterfaceError):
            _put_off(row)
    finally:
        SLOTS.hold(queue, lane, -1)
        structlog.contextvars.clear_contextvars()
    return True


def _name(queue: Queue, row: Any) -> None:
    """Let every line of this piece of work say what it is about."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(queue=str(queue), row=row.pk, attempt=row.attempts + 1)
    session = row if isinstance(row, PaymentSession) else getattr(row, "session", None)
    if session is not None:
        about(session)
