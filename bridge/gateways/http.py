"""The one door through which PGB calls others.

It adds to requests what money needs: a wall-clock deadline over the whole exchange (requests' own
time-outs are per read), a cap on the answer's size, no redirects, no proxies or netrc from the
environment, and an honest word on failure: only what failed before the first request byte is NotSent.
"""

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from bridge.gateways.base import NotSent, Unknown
from config.environment import is_loopback

CONNECT_SECONDS = 3.05
LARGEST_ANSWER = 2 * 1024 * 1024
POOL_SIZE = 32


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the headers, and at most LARGEST_ANSWER bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class AddressRefused(Exception):
    """The host's name leads to an address that PGB may not call."""


class _Exchange:
    """One request and its answer, as the connection below sees it."""

    def __init__(self, seconds: float, public_only: bool) -> None:
        self.ends = time.monotonic() + seconds
        self.public_only = public_only
        self.sent = False
        self.expired = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> "_Exchange":
        _current.exchange = self
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()
        _current.exchange = None

    def begin(self, sock: socket.socket, host: str) -> None:
        """Called with a connected socket, before the first byte goes out."""
        self._socket = sock
        if self.expired:
            raise TimeoutError
        if self.public_only and not is_loopback(host):
            address = ipaddress.ip_address(sock.getpeername()[0])
            if not address.is_global:
                raise AddressRefused(host)
        self.sent = True

    def _expire(self) -> None:
        self.expired = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


_current = threading.local()


class _Plain(HTTPConnection):
    def send(self, data: Any) -> None:
        _begin(self)
        super().send(data)


class _Encrypted(HTTPSConnection):
    def send(self, data: Any) -> None:
        _begin(self)
        super().send(data)


def _begin(connection: HTTPConnection) -> None:
    if connection.sock is None:
        connection.connect()
    exchange: _Exchange = _current.exchange
    if not exchange.sent:
        exchange.begin(connection.sock, connection.host)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _Encrypted


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _EncryptedPool}


class Door:
    """Calls others over HTTP. With ``public_only`` a name that leads to a private address is refused.

    One door keeps one pool of connections; it may be shared by threads.
    """

    def __init__(self, *, public_only: bool = False) -> None:
        self._public_only = public_only
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _Adapter(pool_connections=POOL_SIZE, pool_maxsize=POOL_SIZE)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def exchange(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | str | None, seconds: float
    ) -> Answer:
        """Send one request and return the answer, whatever its status, within ``seconds`` in all.

        Raises NotSent if it failed before the first request byte, Unknown if it failed after.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise NotSent("plain_http", "only https is spoken, except to this machine itself")
        with _Exchange(seconds, self._public_only) as exchange:
            try:
                return self._send(method, url, headers, body, seconds)
            except (requests.RequestException, HTTPError, OSError, ValueError, AddressRefused) as error:
                # The error's own text may hold the address with its tokens: its kind says enough.
                kind = "deadline" if exchange.expired else type(error).__name__
                raise (Unknown if exchange.sent else NotSent)(kind) from error

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | str | None, seconds: float
    ) -> Answer:
        with self._session.request(
            method,
            url,
            headers=dict(headers),
            data=body,
            timeout=(min(CONNECT_SECONDS, seconds), seconds),
            stream=True,
            allow_redirects=False,
        ) as response:
            content = response.raw.read(LARGEST_ANSWER + 1, decode_content=True)
            if len(content) > LARGEST_ANSWER:
                raise ValueError("the answer is too large")
            return Answer(response.status_code, response.headers, content)
