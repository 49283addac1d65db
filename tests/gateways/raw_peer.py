"""A server that speaks TCP by a script: for peers that behave as no HTTP library would let them."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Connection:
    """One connection as the script sees it."""

    def __init__(self, sock: socket.socket, peer: "RawPeer") -> None:
        self._sock = sock
        self._peer = peer

    def request(self) -> bytes:
        """Wait for a request with all of its body; empty once the caller has gone."""
        got = b""
        while b"\r\n\r\n" not in got:
            if not (part := self._sock.recv(65536)):
                return b""
            got += part
        head, _, body = got.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        while lengths and len(body) < int(lengths[0].split(b":")[1]):
            body += self._sock.recv(65536)
        self._peer.requests.append(head + b"\r\n\r\n" + body)
        return head + b"\r\n\r\n" + body

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def drip(self, data: bytes, seconds: float) -> None:
        """Send one byte every so often until the caller has gone or the test is over."""
        for position in range(len(data)):
            self.send(data[position : position + 1])
            if self._peer.over.wait(seconds):
                return

    def hang(self) -> None:
        """Say nothing more until the test is over."""
        self._peer.over.wait(30)

    def reset(self) -> None:
        """Break off by RST."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


Script = Callable[[Connection], None]


class RawPeer:
    """``requests`` are those read so far; ``connections`` counts who came."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.over = threading.Event()
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._run(self._accept)

    def stop(self) -> None:
        self.over.set()
        for sock in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _run(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self.over.is_set():
                sock, _ = self._listener.accept()
                self.connections += 1
                self._sockets.append(sock)
                self._run(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        # A caller that goes, or that does not like our certificate, is what many tests want.
        with sock, contextlib.suppress(OSError):
            sock.settimeout(10)
            if self._tls is None:
                self._script(Connection(sock, self))
                return
            with self._tls.wrap_socket(sock, server_side=True) as encrypted:
                self._script(Connection(encrypted, self))


@contextmanager
def raw_peer(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[RawPeer]:
    """Serve each connection by ``script`` until the block ends."""
    peer = RawPeer(script, tls)
    peer.start()
    try:
        yield peer
    finally:
        peer.stop()


def answer_all(answer: bytes = OK) -> Script:
    """Give every request of a connection the same answer, as a well-behaved server does."""

    def script(connection: Connection) -> None:
        while connection.request():
            connection.send(answer)

    return script


def after_request(act: Callable[[Connection], None]) -> Script:
    """Read one request, then do ``act``."""

    def script(connection: Connection) -> None:
        if connection.request():
            act(connection)

    return script


def self_made_certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return a server's side of TLS for this machine that nobody trusts, and its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    names = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "certificate.pem", folder / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    return context, chain
