"""Processes that die in the middle of a call, as far as one process can play that."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bridge.gateways.http import Door

WHEN = ("before the call", "after the call")


class Killed(BaseException):
    """What no code of ours survives."""


@contextmanager
def dies(when: str) -> Iterator[None]:
    """Whoever makes the next call to the outside dies ``before the call`` or ``after the call``."""
    exchange = Door.exchange

    def die(*args: Any, **request: Any) -> None:
        if when == "after the call":
            exchange(*args, **request)
        raise Killed

    with pytest.MonkeyPatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Door, "exchange", die)
        yield
