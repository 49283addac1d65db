"""The one door through which PGB calls others.

It adds to requests what money needs: a wall-clock deadline over the whole exchange (requests' own
time-outs are per read), a cap on the answer's size, no redirects, no cookies, no proxies or netrc from
the environment, and an honest word on failure: only what failed before the first request byte is NotSent.
"""

import io
import ipaddress
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from bridge.gateways.errors import NotSent, Unknown
from config.environment import is_loopback

CONNECT_SECONDS = 3.05
# Routers forget idle connections without a word; what is then sent into them is in doubt for nothing.
KEPT_SECONDS = 30.0
LARGEST_ANSWER = 2 * 1024 * 1024
POOL_SIZE = 32

# A name server that hangs cannot be interrupted, only left behind: names are looked up in these threads.
_resolvers = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="resolve")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the headers, and at most LARGEST_ANSWER bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class AddressRefused(Exception):
    """The host's name leads to an address that PGB may not call."""


class AnswerTooLarge(Exception):
    """The answer has more than LARGEST_ANSWER bytes."""


class _Exchange:
    """One request and its answer, as the connection below sees it."""

    def __init__(self, seconds: float, public_only: bool) -> None:
        self._ends = time.monotonic() + seconds
        self._public_only = public_only
        self.sent = False

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._ends

    def left(self) -> float:
        """Return the seconds until the deadline. Raises TimeoutError once there are none."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def connect(self, host: str, port: int) -> socket.socket:
        """Return a socket to the first address of ``host`` that answers. Raises OSError or AddressRefused."""
        asked = _resolvers.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        failure = OSError("the name has no address")
        for *_, address in asked.result(self.left()):
            found = str(address[0])
            self._check(host, found)
            try:
                sock = socket.create_connection((found, port), min(CONNECT_SECONDS, self.left()))
            except OSError as error:
                failure = error
            else:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return sock
        raise failure

    def _check(self, host: str, address: str) -> None:
        if not self._public_only or is_loopback(host):
            return
        called = ipaddress.ip_address(address)
        if not called.is_global or called.is_multicast:
            raise AddressRefused


# Which exchange the connections of this thread work for.
_current = threading.local()


class _TimedReader(io.RawIOBase):
    """What comes over a socket, each read only as long as the exchange may still last."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, exchange: _Exchange) -> None:
        super().__init__()
        self._raw, self._sock, self._exchange = raw, sock, exchange

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._exchange.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock, _current.exchange))


class _Timed(HTTPConnection):
    """A connection that lives under the deadline of the exchange that uses it."""

    response_class = _TimedResponse
    _used_at = 0.0

    @property
    def is_connected(self) -> bool:
        """Whether the pool may use it again."""
        return time.monotonic() - self._used_at < KEPT_SECONDS and super().is_connected

    def _new_conn(self) -> socket.socket:
        exchange: _Exchange = _current.exchange
        return exchange.connect(self.host, self.port)

    def send(self, data: Any) -> None:
        exchange: _Exchange = _current.exchange
        if self.sock is None:
            self.connect()
        self.sock.settimeout(exchange.left())
        self._used_at = time.monotonic()
        exchange.sent = True
        super().send(data)


class _TimedTls(_Timed, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Timed


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TimedTls


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


class Door:
    """Calls others over HTTP. With ``public_only`` a name that leads to a private address is refused.

    One door keeps one pool of connections; it may be shared by threads.
    """

    def __init__(self, *, public_only: bool = False) -> None:
        self._public_only = public_only
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Accept-Encoding"] = "identity"
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
        exchange = _current.exchange = _Exchange(seconds, self._public_only)
        try:
            return self._send(method, url, headers, body)
        except (requests.RequestException, HTTPError, OSError, ValueError, AddressRefused, AnswerTooLarge) as error:
            # The error's own text may hold the address with its tokens: its kind says enough.
            kind = "deadline" if exchange.is_over else _root(error)
            raise (Unknown if exchange.sent else NotSent)(kind) from None

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | str | None) -> Answer:
        with self._session.request(
            method, url, headers=dict(headers), data=body, stream=True, allow_redirects=False
        ) as response:
            content = response.raw.read(LARGEST_ANSWER + 1, decode_content=True)
            if len(content) > LARGEST_ANSWER:
                raise AnswerTooLarge
            return Answer(response.status_code, response.headers, content)


def _root(error: BaseException) -> str:
    """Return the kind of the error beneath what the libraries wrapped around it: ConnectionRefusedError, gaierror."""
    while beneath := error.__cause__ or error.__context__:
        error = beneath
    return type(error).__name__
