"""Bodies as a real web server hands them on: in chunks, called for, too large, broken off."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPResponse

import pytest

from config.local import DATA
from tests.factories import API_KEY, ShopFactory
from tests.process.test_up import free_port

pytestmark = pytest.mark.process

ORDER = {
    "DBType": "KR1", "OrderId": 1, "JoinerId": 1001, "PayType": "CARD", "TotalPrice": "64900", "NationCode": "KR",
    "OrderDescription": "명함 200매", "RedirectUrl": "https://shop.example/thanks",
}  # fmt: skip
BODY = json.dumps(ORDER).encode()
HEAD = f"POST /PGB/PayStart HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {API_KEY}\r\n".encode()
CHUNKED = b"Transfer-Encoding: chunked\r\n"
READ_WELL = (200, "METHOD_NOT_CONNECTED")


@pytest.fixture
def web(child_environment: dict[str, str]) -> Iterator[int]:
    """The port of a web process that works on this test's database."""
    ShopFactory(joiner_id=1001)
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}",
            "--worker-class", "gthread", "--threads", "4", "--no-control-socket",
        ],
        cwd=DATA.parent, env=child_environment, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(port: int) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.1)


def exchange(port: int, headers: bytes, body: bytes) -> tuple[int, str]:
    """Send one call and return HTTP's status and the ErrorCode."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(HEAD + headers + b"\r\n")
        if b"100-continue" in headers:
            assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(body)
        answer = HTTPResponse(connection)
        answer.begin()
        return answer.status, json.loads(answer.read())["ErrorCode"]


def length(size: int) -> bytes:
    return b"Content-Length: %d\r\n" % size


def chunks(body: bytes) -> bytes:
    parts = [body[:100], body[100:], b""]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


def test_bodies_are_read_however_they_come(web: int) -> None:
    assert exchange(web, length(len(BODY)), BODY) == READ_WELL
    # .NET's JsonContent is sent so.
    assert exchange(web, CHUNKED, chunks(BODY)) == READ_WELL
    # .NET Framework holds the body back until it is called for.
    assert exchange(web, length(len(BODY)) + b"Expect: 100-continue\r\n", BODY) == READ_WELL

    assert exchange(web, CHUNKED, b"xyz\r\n") == (400, "INVALID_REQUEST")
    for headers, body in ((length(2**21), b"x" * 2**21), (CHUNKED, chunks(b"x" * 70_000))):
        assert exchange(web, headers, body) == (413, "INVALID_REQUEST")
