"""Jobs at due times of the application's clock, run by a few background threads."""

import heapq
import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable

from django.utils import timezone

logger = logging.getLogger(__name__)

Job = Callable[[], object]
WORKERS = 16  # as many webhooks may be on their way at once
POLL_SECONDS = 0.1  # a test may move the application's clock: due times are looked at again this often


def now() -> float:
    """The application's clock, in seconds since the epoch."""
    return timezone.now().timestamp()


class Schedule:
    """A heap of jobs. A job's exception is logged and ends only that job."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, Job]] = []
        self._order = itertools.count()
        self._ready: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._busy = 0
        self._running = False
        self._clock: threading.Thread | None = None

    def start(self) -> None:
        self._running = True
        self._clock = threading.Thread(target=self._watch, name="sandbox-clock", daemon=True)
        self._clock.start()
        for number in range(WORKERS):
            threading.Thread(target=self._work, name=f"sandbox-job-{number}", daemon=True).start()

    def stop(self) -> None:
        """Forgets what is not due yet; jobs under way end by themselves."""
        with self._changed:
            self._running = False
            self._heap.clear()
            self._changed.notify_all()
        for _ in range(WORKERS):
            self._ready.put(None)
        if self._clock is not None:
            self._clock.join()

    def clear(self) -> None:
        with self._changed:
            self._heap.clear()

    def at(self, due: float, job: Job) -> None:
        """Runs the job once `due` (seconds since the epoch, application's clock) is reached."""
        with self._changed:
            if not self._running:
                return
            if due <= now():
                self._hand_over(job)
            else:
                heapq.heappush(self._heap, (due, next(self._order), job))
                self._changed.notify_all()

    def settle(self, timeout: float = 10.0) -> None:
        """Waits until no job is due or under way. Raises TimeoutError after `timeout` real seconds."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                self._hand_over_due()
                if not self._busy:
                    return
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"{self._busy} sandbox jobs still under way after {timeout} s")

    def _hand_over(self, job: Job) -> None:
        self._busy += 1
        self._ready.put(job)

    def _hand_over_due(self) -> None:
        while self._heap and self._heap[0][0] <= now():
            self._hand_over(heapq.heappop(self._heap)[2])

    def _watch(self) -> None:
        with self._changed:
            while self._running:
                self._hand_over_due()
                wait = min(POLL_SECONDS, max(self._heap[0][0] - now(), 0.001)) if self._heap else None
                self._changed.wait(wait)

    def _work(self) -> None:
        while (job := self._ready.get()) is not None:
            try:
                job()
            except Exception:
                logger.exception("sandbox job failed")
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()
