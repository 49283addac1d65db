"""What the stand-ins send: plain HTTP posts, each on a connection of its own."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

TIMEOUT = 20.0
MAX_ANSWER = 65536


@dataclass(frozen=True)
class Answer:
    """`status` is None if there was no whole answer; `error` then says why."""

    status: int | None
    body: bytes = b""
    error: str = ""


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Posts and waits for the answer; never raises for what the network does."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    with contextlib.closing(kind(parts.netloc, timeout=TIMEOUT)) as connection:
        try:
            connection.request("POST", parts.path, body, dict(headers))
            response = connection.getresponse()
            return Answer(response.status, response.read(MAX_ANSWER))
        except (OSError, HTTPException) as error:
            return Answer(None, error=f"{type(error).__name__}: {error}")
