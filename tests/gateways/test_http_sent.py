"""The door to others: an honest word on whether a request was sent, kept connections, and who may be called."""

import socket
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex

import pytest

from bridge.gateways import http
from bridge.gateways.errors import NotSent, Unknown
from bridge.gateways.http import Door
from tests.gateways.doors import HEAD, LATER, SOON, call, told
from tests.gateways.raw_peer import OK, after_request, answer_all, self_made_certificate

# --- sent or not sent --------------------------------------------------------------------------


def test_refused_connection_is_not_sent(door):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        assert told(door, url)[:2] == (NotSent, "ConnectionRefusedError")


def test_unknown_name_is_not_sent(door, monkeypatch):
    def no_such_name(*args, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    assert told(door, "https://gateway.example/")[:2] == (NotSent, "gaierror")


def test_untrusted_certificate_is_not_sent(door, peers, tmp_path):
    peer = peers(answer_all(), self_made_certificate(tmp_path)[0])
    assert told(door, peer.url)[:2] == (NotSent, "SSLCertVerificationError")
    assert peer.requests == []


def test_peer_that_speaks_no_tls_is_not_sent(door, peers):
    peer = peers(lambda it: it.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    assert told(door, peer.url.replace("http:", "https:"))[0] is NotSent


def test_peer_that_hangs_in_the_handshake_is_not_sent(door, peers):
    peer = peers(lambda it: it.hang())
    kind, code, seconds = told(door, peer.url.replace("http:", "https:"), seconds=SOON)
    assert (kind, code) == (NotSent, "deadline")
    assert seconds < LATER


def test_connection_that_does_not_come_about_is_not_sent(door, monkeypatch):
    monkeypatch.setattr(http, "CONNECT_SECONDS", 0.2)
    with socket.socket() as full, socket.socket() as first:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first.connect(full.getsockname())  # fills the queue: what comes next is left waiting
        kind, code, seconds = told(door, f"http://127.0.0.1:{full.getsockname()[1]}/")
    assert (kind, code) == (NotSent, "TimeoutError")
    assert seconds < LATER


def test_next_address_of_a_name_is_tried(door, peers, monkeypatch):
    peer = peers(answer_all())
    numeric = socket.getaddrinfo

    def two_addresses(host, port, *args, **options):
        names = ["127.0.0.2", "127.0.0.1"] if host == "localhost" else [host]
        return [found for name in names for found in numeric(name, port, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", two_addresses)
    assert call(door, f"http://localhost:{peer.port}/").body == b"ok"


BROKEN = {
    "closed without an answer": lambda it: None,
    "reset": lambda it: it.reset(),
    "half of the body": lambda it: it.send(HEAD + b"Content-Length: 10\r\n\r\nhalf"),
    "half of the chunks": lambda it: it.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nha"),
    "no HTTP": lambda it: it.send(b"220 mail.example ESMTP\r\n"),
    "wrong packing": lambda it: it.send(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok"),
    "too many headers": lambda it: it.send(HEAD + b"X: y\r\n" * 1000 + b"\r\n"),
    "too long a header": lambda it: it.send(HEAD + b"X: " + b"y" * 100_000 + b"\r\n\r\n"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_after_the_first_byte_is_unknown(door, peers, name):
    peer = peers(after_request(BROKEN[name]))
    assert told(door, peer.url)[0] is Unknown
    assert len(peer.requests) == 1


def test_request_that_was_begun_is_unknown(door, peers):
    """The peer takes in what fits into the sockets' buffers, and no more."""
    peer = peers(lambda it: (it.request(), it.send(OK), it.hang()))
    call(door, peer.url)
    kind, code, seconds = told(door, peer.url, seconds=2 * SOON, Long="y" * 8 * 1024 * 1024)
    assert (kind, code) == (Unknown, "deadline")
    assert seconds < LATER


def test_exchange_does_not_take_what_another_thread_sent_for_its_own(door, peers, monkeypatch, tmp_path):
    """One is looking up a name while the other comes and goes."""
    looking, go_on = threading.Event(), threading.Event()
    numeric = socket.getaddrinfo

    def slow(host, *args, **options):
        if host != "localhost":
            return numeric(host, *args, **options)
        looking.set()
        go_on.wait(5)
        return numeric("127.0.0.1", *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    tls, certificate = self_made_certificate(tmp_path)
    door._session.verify = str(certificate)
    breaking, good = peers(after_request(BROKEN["reset"]), tls), peers(answer_all())
    with ThreadPoolExecutor(1) as thread:
        slow_one = thread.submit(told, door, f"https://localhost:{breaking.port}/")
        looking.wait(5)
        call(door, good.url)
        go_on.set()
        assert slow_one.result()[0] is Unknown


@pytest.mark.parametrize("encrypted", [False, True])
def test_error_holds_neither_address_nor_headers(door, peers, tmp_path, encrypted):
    tls = self_made_certificate(tmp_path)[0] if encrypted else None
    peer = peers(after_request(BROKEN["reset"]), tls)
    secret = token_hex()
    with pytest.raises((NotSent, Unknown)) as caught:
        call(door, f"{peer.url}/?token={secret}", Authorization=f"Bearer {secret}", body=secret.encode())
    assert secret not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)


@pytest.mark.parametrize("header", ["two\r\nlines", "line\n"])
def test_header_that_would_be_two_is_not_sent(door, peers, header):
    peer = peers(answer_all())
    assert told(door, peer.url, Name=header)[0] is NotSent
    assert peer.requests == []


# --- kept connections --------------------------------------------------------------------------


def test_connection_is_kept_for_the_next_exchange(door, peers):
    peer = peers(answer_all())
    for _ in range(3):
        call(door, peer.url)
    assert (peer.connections, len(peer.requests)) == (1, 3)


def test_connection_that_was_closed_meanwhile_is_replaced(door, peers):
    peer = peers(after_request(lambda it: it.send(OK)))
    call(door, peer.url)
    time.sleep(0.05)
    assert call(door, peer.url).body == b"ok"
    assert peer.connections == 2


def test_connection_that_breaks_under_the_next_request_is_unknown(door, peers):
    peer = peers(lambda it: (it.request(), it.send(OK), it.request()))
    call(door, peer.url)
    assert told(door, peer.url)[0] is Unknown
    assert (peer.connections, len(peer.requests)) == (1, 2)


def test_connection_is_not_trusted_after_a_long_pause(door, peers, monkeypatch):
    peer = peers(answer_all())
    call(door, peer.url)
    monkeypatch.setattr(http, "KEPT_SECONDS", 0.0)
    call(door, peer.url)
    assert peer.connections == 2


def test_connection_of_a_broken_exchange_is_not_used_again(door, peers):
    peer = peers(lambda it: (it.request(), it.send(HEAD + b"Content-Length: 4\r\n\r\nha"), it.hang()))
    for _ in range(2):
        assert told(door, peer.url, seconds=SOON)[:2] == (Unknown, "deadline")
    assert peer.connections == 2


def test_threads_that_share_a_door_get_their_own_answers(door, peers):
    def echo(connection):
        while request := connection.request():
            body = request.partition(b"\r\n\r\n")[2]
            connection.send(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    peer = peers(echo)
    bodies = [f"exchange-{number}".encode() for number in range(200)]
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda body: call(door, peer.url, body=body).body, bodies))
    assert answers == bodies


# --- who may be called -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["http://gateway.example/", "http://127.0.0.1.example/", "http://[fd00::1]/", "ftp://127.0.0.1/", "x"]
)
def test_plain_http_is_for_this_machine_only(door, url, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: pytest.fail("looked up"))
    assert told(door, url)[0] is NotSent


PRIVATE = [
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "fd00::1",
    "fe80::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "127.0.0.1",
    "::1",
]


@pytest.fixture
def public_door(monkeypatch):
    """A door whose connections are only written down."""
    door = Door(public_only=True)
    door.tried = []

    def connect(address, *args):
        door.tried.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    yield door
    door._session.close()


def lead_to(address, monkeypatch):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [(family, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)


@pytest.mark.parametrize("address", PRIVATE)
def test_public_door_does_not_open_for_a_name_of_a_private_address(public_door, monkeypatch, address):
    lead_to(address, monkeypatch)
    assert told(public_door, "https://shop.example/")[:2] == (NotSent, "AddressRefused")
    assert public_door.tried == []


@pytest.mark.parametrize("address", [one for one in PRIVATE if one not in ("127.0.0.1", "::1")])
def test_public_door_does_not_open_for_a_private_address(public_door, address):
    host = f"[{address}]" if ":" in address else address
    assert told(public_door, f"https://{host}/")[0] is NotSent
    assert public_door.tried == []


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07::1"])
def test_public_door_opens_for_a_public_address(public_door, monkeypatch, address):
    lead_to(address, monkeypatch)
    assert told(public_door, "https://shop.example/")[:2] == (NotSent, "ConnectionRefusedError")
    assert public_door.tried == [address]


def test_public_door_opens_for_this_machine_by_its_own_name(peers):
    door = Door(public_only=True)
    assert call(door, peers(answer_all()).url).body == b"ok"
    door._session.close()
