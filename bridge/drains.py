"""Work a queue until nothing of it is due: one row at a time, each under its own lease.

In every process each queue has its own slots, so that none can starve another, and no gateway account
holds more than half of those that call gateways.
"""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.db import connection
from django.utils import timezone

from bridge import forward, recover, webhooks
from payments import ladders
from payments.queues import Queue, claim

WORK: dict[Queue, Callable[[Any], None]] = {
    Queue.NOTIFICATIONS: webhooks.work,
    Queue.CALLS: recover.work,
    Queue.DELIVERIES: forward.deliver,
    Queue.LOOKS: recover.look,
}
# Parts of the process's threads, in sixteenths.
_SHARES = {Queue.NOTIFICATIONS: 5, Queue.CALLS: 3, Queue.DELIVERIES: 6, Queue.LOOKS: 2}

log = structlog.get_logger(__name__)


class Slots:
    """How many rows this process may work on at once, by queue and by gateway account."""

    def __init__(self, threads: int) -> None:
        self.of_queue = {queue: max(1, threads * share // 16) for queue, share in _SHARES.items()}
        asking = sum(n for queue, n in self.of_queue.items() if queue is not Queue.DELIVERIES)
        self.of_account = max(1, asking // 2)
        self._free = {queue: threading.BoundedSemaphore(n) for queue, n in self.of_queue.items()}
        self._held: Counter[int] = Counter()
        self._lock = threading.Lock()

    def take(self, queue: Queue) -> bool:
        """Take a slot of the queue if one is free."""
        return self._free[queue].acquire(blocking=False)

    def give_back(self, queue: Queue) -> None:
        """Free a slot of the queue."""
        self._free[queue].release()

    def busy_accounts(self) -> list[int]:
        """Return the accounts (merchants' keys) that hold as many slots as one may."""
        with self._lock:
            return [account for account, held in self._held.items() if held >= self.of_account]

    def hold(self, account: int | None, change: int) -> None:
        """Count a row of the account as begun (1) or ended (-1)."""
        if account is not None:
            with self._lock:
                self._held[account] += change


SLOTS = Slots(settings.PGB_WORKER_THREADS)


def drain(queue: Queue) -> int:
    """Work on due rows of ``queue`` until none is left, and return how many; at once 0 without a free slot."""
    if not SLOTS.take(queue):
        return 0
    try:
        done = 0
        while _work_one(queue):
            done += 1
        return done
    finally:
        SLOTS.give_back(queue)
        connection.close()


def _put_off(row: Any) -> None:
    again = ladders.after(ladders.UNKNOWN_CALL, row.attempts + 1, timezone.now())
    type(row).objects.filter(pk=row.pk).finish(row.lease_token, again)


def _work_one(queue: Queue) -> bool:
    calls_gateways = queue is not Queue.DELIVERIES
    row: Any = claim(queue, timezone.now(), SLOTS.busy_accounts() if calls_gateways else ())
    if row is None:
        return False
    account = row.merchant_id if calls_gateways else None
    SLOTS.hold(account, 1)
    try:
        WORK[queue](row)
    except Exception:
        # One bad row must not stop the others, nor come back at once for ever.
        log.exception("work_failed", queue=str(queue), row=row.pk, attempts=row.attempts)
        connection.close()
        _put_off(row)
    finally:
        SLOTS.hold(account, -1)
    return True
