"""The dispatcher: sees what is due in the tables and wakes the workers, or works itself when they do not come.

Any number may run. Redis gone, hung or flushed loses nothing: what is not taken within LATE is drained here.
"""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone
from psycopg_pool import PoolTimeout

from bridge import drains, tasks
from payments.queues import Backlog, Queue, backlogs

TICK_SECONDS = 0.1
PAUSE_WITHOUT_DATABASE = 1.0
PAUSE_WITHOUT_BROKER = timedelta(seconds=5)
TASK_EXPIRES_SECONDS = 2
ROWS_PER_TASK = 10
# What was due when the workers were woken is in their hands; waking them at every tick would only bury them.
WAKE_AGAIN_AFTER = timedelta(seconds=0.5)
LATE = timedelta(seconds=2)
# What one queue's work makes due in the next must not wait anew until it is late.
HELP_AFTER_LATE = timedelta(seconds=5)

log = structlog.get_logger(__name__)


class Dispatcher:
    """One loop over the queues, and threads of its own for the times when nobody else works."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(settings.PGB_WORKER_THREADS, thread_name_prefix="drain")
        self._working: Counter[Queue] = Counter()
        self._lock = threading.Lock()
        self._woken_at: dict[Queue, datetime] = {}
        self._no_broker_until: datetime | None = None
        self._late_at: datetime | None = None

    def run(self, stop: threading.Event) -> None:
        """Look ten times a second until ``stop`` is set, then let the work in hand end."""
        while not stop.wait(TICK_SECONDS):
            try:
                self.tick(timezone.now())
            except (DatabaseError, PoolTimeout):
                log.exception("database_unavailable")
                connection.close()
                stop.wait(PAUSE_WITHOUT_DATABASE)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def tick(self, now: datetime) -> None:
        """Ask what is due, and see to it that somebody works on it."""
        for queue, backlog in backlogs(now).items():
            if backlog.due == 0:
                continue
            heard = self._wake_workers(queue, backlog, now)
            if self._is_left_lying(backlog, now) or not heard:
                self._work_here(queue)

    def _is_left_lying(self, backlog: Backlog, now: datetime) -> bool:
        """Whether the workers do not come: something waits too long, or did a moment ago, in whichever queue."""
        if backlog.oldest is not None and now - backlog.oldest > LATE:
            self._late_at = now
        return self._late_at is not None and now - self._late_at < HELP_AFTER_LATE

    def _wake_workers(self, queue: Queue, backlog: Backlog, now: datetime) -> bool:
        """Send Celery a few drains; False if the broker does not take them."""
        if self._no_broker_until is not None and now < self._no_broker_until:
            return False
        if self._is_in_hand(queue, backlog, now):
            return True
        drains_wanted = min(drains.SLOTS.of_queue[queue], 1 + backlog.due // ROWS_PER_TASK)
        try:
            for _ in range(drains_wanted):
                tasks.drain.apply_async((str(queue),), expires=TASK_EXPIRES_SECONDS, retry=False)
        except Exception as error:
            # kombu and redis raise many kinds; all mean that nobody was woken.
            log.warning("broker_unavailable", error=type(error).__name__)
            self._no_broker_until = now + PAUSE_WITHOUT_BROKER
            return False
        self._no_broker_until = None
        self._woken_at[queue] = now
        return True

    def _is_in_hand(self, queue: Queue, backlog: Backlog, now: datetime) -> bool:
        """Whether the workers were told a moment ago of all that is due."""
        woken_at = self._woken_at.get(queue)
        # A clock may be set back: then the last time seems to lie ahead.
        if woken_at is None or backlog.oldest is None or abs(now - woken_at) >= WAKE_AGAIN_AFTER:
            return False
        return backlog.oldest <= woken_at

    def _work_here(self, queue: Queue) -> None:
        with self._lock:
            if self._working[queue] >= drains.SLOTS.of_queue[queue]:
                return
            self._working[queue] += 1
        self._pool.submit(self._drain, queue)

    def _drain(self, queue: Queue) -> None:
        try:
            drains.drain(queue)
        except Exception:
            log.exception("drain_failed", queue=str(queue))
        finally:
            with self._lock:
                self._working[queue] -= 1
