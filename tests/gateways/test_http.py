"""The door to others: every exchange ends in time, stays small, and does nothing of its own accord."""

import gzip
import socket
import threading
import time
import tracemalloc

import pytest

from bridge.gateways.errors import NotSent, Unknown
from bridge.gateways.http import LARGEST_ANSWER
from tests.gateways.doors import HEAD, LATER, SOON, call, told
from tests.gateways.raw_peer import OK, after_request, answer_all, self_made_certificate

MUCH = 200 * 1024 * 1024


def forever(connection, part):
    while True:
        connection.send(part)


# --- in time -----------------------------------------------------------------------------------

SLOW = {
    "no answer": lambda it: it.hang(),
    "drip in the status line": lambda it: it.drip(HEAD * 100, 0.02),
    "drip in the headers": lambda it: it.drip(HEAD + b"X: " + b"y" * 1000, 0.02),
    "drip in the body": lambda it: (it.send(HEAD + b"Content-Length: 1000\r\n\r\n"), it.drip(b"y" * 1000, 0.02)),
    "drip in the chunks": lambda it: (
        it.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
        it.drip(b"1\r\ny\r\n" * 1000, 0.02),
    ),
    "endless interim answers": lambda it: it.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, 0.001),
}


@pytest.mark.parametrize("name", SLOW)
@pytest.mark.parametrize("encrypted", [False, True])
def test_deadline_ends_the_whole_exchange(door, peers, tmp_path, name, encrypted):
    tls, certificate = self_made_certificate(tmp_path) if encrypted else (None, True)
    door._session.verify = str(certificate) if encrypted else True
    peer = peers(after_request(SLOW[name]), tls)
    kind, code, seconds = told(door, peer.url, seconds=SOON)
    assert (kind, code) == (Unknown, "deadline")
    assert SOON <= seconds < LATER


def test_deadline_counts_from_the_beginning_of_its_own_exchange(door, peers):
    peer = peers(lambda it: (it.request(), it.send(OK), it.request(), time.sleep(2 * SOON), it.send(OK)))
    call(door, peer.url, seconds=SOON)
    assert call(door, peer.url, seconds=5).body == b"ok"  # the first one's deadline passes in the midst of it
    assert peer.connections == 1


def test_exchanges_leave_no_threads_behind(door, peers):
    peer = peers(answer_all())
    call(door, peer.url)
    before = set(threading.enumerate())
    for _ in range(20):
        call(door, peer.url)
    assert set(threading.enumerate()) == before


def test_hanging_name_server_does_not_outlast_the_deadline(door, monkeypatch):
    hung = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: hung.wait(10))
    try:
        kind, code, seconds = told(door, "https://gateway.example/", seconds=SOON)
    finally:
        hung.set()
    assert (kind, code) == (NotSent, "deadline")
    assert seconds < LATER


# --- small -------------------------------------------------------------------------------------

LARGE = {
    "announced": HEAD + f"Content-Length: {MUCH}\r\n\r\n".encode(),
    "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
    "until it closes": HEAD + b"Connection: close\r\n\r\n",
}


@pytest.mark.parametrize("name", LARGE)
def test_too_large_an_answer_is_not_read_on(door, peers, name):
    part = b"10000\r\n" + b" " * 65536 + b"\r\n" if name == "chunked" else b" " * 65536
    peer = peers(after_request(lambda it: (it.send(LARGE[name]), forever(it, part))))
    assert told(door, peer.url)[:2] == (Unknown, "AnswerTooLarge")


def test_largest_answer_is_taken(door, peers):
    head = HEAD + f"Content-Length: {LARGEST_ANSWER}\r\n\r\n".encode()
    peer = peers(answer_all(head + b" " * LARGEST_ANSWER))
    assert len(call(door, peer.url).body) == LARGEST_ANSWER


def test_packed_answer_cannot_unpack_to_more(door, peers):
    bomb = gzip.compress(bytes(MUCH))
    head = HEAD + f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    peer = peers(answer_all(head + bomb))
    tracemalloc.start()
    try:
        assert told(door, peer.url)[:2] == (Unknown, "AnswerTooLarge")
        assert tracemalloc.get_traced_memory()[1] < 10 * LARGEST_ANSWER
    finally:
        tracemalloc.stop()


# --- nothing of its own accord -----------------------------------------------------------------


def test_request_arrives_as_it_was_given(door, peers):
    peer = peers(answer_all())
    call(door, f"{peer.url}/v1/x?a=b", body=b"name=%ED%95%9C", **{"Idempotency-Key": "key-1"})
    head, _, body = peer.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/x?a=b HTTP/1.1\r\n")
    assert b"\r\nIdempotency-Key: key-1" in head
    assert b"\r\nAccept-Encoding: identity" in head
    assert body == b"name=%ED%95%9C"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_an_answer_and_not_followed(door, peers, status):
    peer = peers(answer_all(f"HTTP/1.1 {status} X\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n".encode()))
    assert call(door, peer.url).status == status
    assert len(peer.requests) == 1


@pytest.mark.parametrize("status", [200, 400, 404, 409, 429, 500, 503])
def test_no_answer_is_asked_for_twice(door, peers, status):
    peer = peers(answer_all(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nRetry-After: 0\r\n\r\n".encode()))
    assert call(door, peer.url).status == status
    assert len(peer.requests) == 1


def test_environment_has_no_say(door, peers, monkeypatch, tmp_path):
    peer, proxy = peers(answer_all()), peers(answer_all())
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    call(door, peer.url)
    assert (len(peer.requests), proxy.connections) == (1, 0)
    assert b"authorization" not in peer.requests[0].lower()


def test_cookies_are_not_kept(door, peers):
    peer = peers(answer_all(HEAD + b"Set-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n"))
    call(door, peer.url)
    call(door, peer.url)
    assert b"cookie" not in peer.requests[1].lower()
