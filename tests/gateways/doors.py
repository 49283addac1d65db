"""Ways to call through a door in tests."""

import time

import pytest

from bridge.gateways.errors import NotSent, Unknown
from bridge.gateways.http import Answer, Door

SOON = 0.5
LATER = 3.0  # far before what a broken deadline would take, far enough for a busy machine
HEAD = b"HTTP/1.1 200 OK\r\n"


def call(
    door: Door, url: str, *, seconds: float = 5.0, method: str = "POST", body: bytes = b"a=1", **headers: str
) -> Answer:
    """One exchange; the keywords beside the known ones are headers."""
    return door.exchange(method, url, headers=headers, body=body, seconds=seconds)


def told(door: Door, url: str, **options) -> tuple[type[Exception], str, float]:
    """Call in vain; return the class and the code of the error, and how long it took."""
    begun = time.monotonic()
    with pytest.raises((NotSent, Unknown)) as caught:
        call(door, url, **options)
    return type(caught.value), caught.value.code, time.monotonic() - begun
