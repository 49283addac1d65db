"""The server on raw sockets."""

import http.client
import logging
import socket
import threading
from contextlib import suppress

import pytest

from bridge.sandbox.sandbox import Sandbox
from bridge.sandbox.server import MAX_BODY


def raw(sandbox: Sandbox, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port(sandbox)), timeout=5) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


def port(sandbox: Sandbox) -> int:
    return int(sandbox.url.rpartition(":")[2])


def test_connections_are_kept(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port(sandbox), timeout=5)
    for _ in range(3):
        connection.request("GET", "/shop/")
        response = connection.getresponse()
        assert (response.status, response.version) == (200, 11)
        response.read()
        used = connection.sock
    assert used is connection.sock
    connection.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Host: evil.example\r\n", 421),
        (b"", 421),
        (b"Host: localhost\r\nTransfer-Encoding: chunked\r\n", 411),
        (b"Host: localhost\r\nContent-Length: -1\r\n", 400),
        (b"Host: localhost\r\nContent-Length: %d\r\n" % (MAX_BODY + 1), 413),
    ],
)
def test_bad_requests_end_the_connection(sandbox: Sandbox, head: bytes, status: int) -> None:
    assert raw(sandbox, b"POST /control/reset HTTP/1.1\r\n" + head + b"\r\n").startswith(b"HTTP/1.1 %d" % status)


def test_half_a_body_is_no_request(sandbox: Sandbox) -> None:
    head = b"POST /shop/complete HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port(sandbox)), timeout=5) as connection:
        connection.sendall(head + b"{}")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400")
    assert sandbox.shop.books.rejected == []


def test_unknown_methods(sandbox: Sandbox) -> None:
    assert raw(sandbox, b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 501")


def test_a_taken_port_is_an_error(sandbox: Sandbox) -> None:
    with pytest.raises(OSError, match="in use"):
        Sandbox(port(sandbox))


def test_the_port_is_free_after_stop() -> None:
    with Sandbox() as first:
        number = port(first)
    with Sandbox(number) as second:
        assert raw(second, b"GET /shop/ HTTP/1.0\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_stop_leaves_no_thread_and_no_connection() -> None:
    before = set(threading.enumerate())
    with Sandbox() as sandbox:
        idle = socket.create_connection(("127.0.0.1", port(sandbox)), timeout=5)
    with idle, suppress(ConnectionResetError):  # where nobody had accepted it yet
        assert idle.recv(1) == b""
    ours = [thread for thread in threading.enumerate() if thread not in before]
    for thread in ours:
        thread.join(5)
    assert not any(thread.is_alive() for thread in ours)


def test_its_own_failure_is_a_500(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    sandbox.shop.accounts = None  # type: ignore[assignment]
    with caplog.at_level(logging.CRITICAL, "bridge.sandbox.sandbox"):
        assert raw(sandbox, b"GET /shop/ HTTP/1.0\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 500")
