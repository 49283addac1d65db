"""How a web process waits: for others' work on a row, never with a database connection in its hand.

Opening calls and waits together hold at most half of the process's threads, so that webhooks and quick
answers always find one.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TypeVar

from django.conf import settings
from django.db import connection

T = TypeVar("T")

_seats = threading.BoundedSemaphore(max(1, settings.PGB_WEB_THREADS // 2))
_FIRST_PAUSE, _LONGEST_PAUSE = 0.03, 0.25


class NoSeat(Exception):
    """Too many requests wait already: answer at once."""


@contextmanager
def seat() -> Iterator[None]:
    """Hold one of the places for slow work. Raises NoSeat if none is free."""
    if not _seats.acquire(blocking=False):
        raise NoSeat
    try:
        yield
    finally:
        _seats.release()


def hands_off() -> None:
    """Give the database connection back before waiting or calling out; forbidden inside a transaction."""
    if connection.in_atomic_block:
        raise RuntimeError("a call or a wait inside a transaction")
    connection.close()


def wait_for(answer: Callable[[], T | None], seconds: float) -> T | None:
    """Ask ``answer`` until it is not None, for at most ``seconds``; the connection is given back in between."""
    ends = time.monotonic() + seconds
    pause = _FIRST_PAUSE
    while True:
        found = answer()
        if found is not None:
            return found
        hands_off()
        left = ends - time.monotonic()
        if left <= 0:
            return None
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE)


class NoAnswer(Exception):
    """The question was not answered in time, or too many before it were not."""


_asking = threading.BoundedSemaphore(4)


def answer_within(seconds: float, question: Callable[[], T]) -> T:
    """Return the answer to a question to the database. Raises NoAnswer, or what the question raises.

    Nothing can interrupt a wait for a server that hangs: the thread that asks is left behind, a few at most.
    Who comes while a few ask waits for his turn: many probes at once are no sign of a server that hangs.
    """
    ends = time.monotonic() + seconds
    if not _asking.acquire(timeout=seconds):
        raise NoAnswer
    answer: Future[T] = Future()
    threading.Thread(target=_ask, args=(question, answer), name="asking", daemon=True).start()
    try:
        return answer.result(max(ends - time.monotonic(), 0))
    except TimeoutError:
        raise NoAnswer from None


def _ask(question: Callable[[], T], answer: "Future[T]") -> None:
    try:
        answer.set_result(question())
    except Exception as error:
        answer.set_exception(error)
    finally:
        connection.close()
        _asking.release()
