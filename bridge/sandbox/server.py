"""The HTTP server: real sockets, keep-alive, one thread a connection, every way to break an answer off."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer
from typing import Any
from urllib.parse import urlsplit

from bridge.sandbox.guard import points_here
from bridge.sandbox.wire import Manner, Request, Response, json_response

HOST = "127.0.0.1"
BACKLOG = 128
MAX_BODY = 1024 * 1024
ENDLESS_CHUNK = b" " * 65536
ENDLESS_LIMIT = 1024 * 1024 * 1024  # an endless body ends here, should the peer really read on
RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Application = Callable[[Request], Response]


class Handler(BaseHTTPRequestHandler):
    """Reads one request after the other from a connection and sends the application's answers."""

    protocol_version = "HTTP/1.1"
    server_version = "PGBSandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet
    timeout = 300
    server: "Server"

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """The books are the log."""

    def _answer(self) -> None:
        body = self._read_body()
        if isinstance(body, Response):
            self.close_connection = True
            self._send(body)
            return
        target = urlsplit(self.path)
        request = Request(self.command, target.path, target.query, self.headers, body)
        response = self.server.application(request)
        with contextlib.suppress(OSError):  # the peer may have gone in the meantime
            if response.manner is None:
                self._send(response)
            else:
                self._send_badly(response, response.manner)

    def _read_body(self) -> bytes | Response:
        if not points_here(f"//{self.headers.get('Host', '')}"):
            return json_response({"error": "not a loopback host name"}, HTTPStatus.MISDIRECTED_REQUEST)
        if "Transfer-Encoding" in self.headers:
            return json_response({"error": "a Content-Length is needed"}, HTTPStatus.LENGTH_REQUIRED)
        length = self.headers.get("Content-Length") or "0"
        if not length.isascii() or not length.isdigit():
            return json_response({"error": "Content-Length is not a number"}, HTTPStatus.BAD_REQUEST)
        if int(length) > MAX_BODY:
            return json_response({"error": "body too large"}, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            return json_response({"error": "the body broke off"}, HTTPStatus.BAD_REQUEST)
        return body

    def _send_head(self, response: Response, length: int) -> None:
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(length))
        for name, value in response.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _send(self, response: Response) -> None:
        self._send_head(response, len(response.body))
        self.wfile.write(response.body)
        self.wfile.flush()

    def _send_badly(self, response: Response, manner: Manner) -> None:
        self.close_connection = True
        match manner.kind:
            case "outage":
                self.server.pause(manner.seconds)
            case "half":
                self._send_head(response, len(response.body))
                self.wfile.write(response.body[: len(response.body) // 2])
                self.wfile.flush()
            case "drip":
                self._send_head(response, len(response.body))
                self._drip(response.body, manner.seconds)
            case "endless":
                self._send_head(response, ENDLESS_LIMIT)
                for _ in range(ENDLESS_LIMIT // len(ENDLESS_CHUNK)):
                    self.wfile.write(ENDLESS_CHUNK)
        if manner.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)

    def _drip(self, body: bytes, seconds: float) -> None:
        self.wfile.flush()
        for position in range(len(body)):
            if self.server.stopping:
                return
            time.sleep(seconds)
            self.wfile.write(body[position : position + 1])
            self.wfile.flush()


class Server(BaseServer):
    """Serves on loopback until stop(). Port 0 takes a free one; it stays ours through an outage."""

    def __init__(self, port: int, application: Application) -> None:
        self.application = application
        self.stopping = False
        self._holder = _bound(port)  # bound but never listening: keeps the port while nothing listens
        self.port = int(self._holder.getsockname()[1])
        super().__init__((HOST, self.port), Handler)
        self._listening = threading.Event()
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, name="sandbox-accept", daemon=True)

    def start(self) -> None:
        self.resume()
        self._thread.start()

    def stop(self) -> None:
        """Stops listening and closes every connection."""
        self.stopping = True
        self._stop_listening()
        self._cut_off()
        self._listening.set()
        self._thread.join()
        self._holder.close()

    def pause(self, seconds: float) -> None:
        """Refuses connections for `seconds` of real time, and cuts those that exist."""
        if self.refuse():
            resume = threading.Timer(seconds, self.resume)
            resume.daemon = True
            resume.start()

    def refuse(self) -> bool:
        """Refuses connections until resume(), and cuts those that exist. False: it did so already."""
        if not self._listening.is_set():
            return False
        # In this order: whoever is cut off comes again at once, and must be refused.
        self._stop_listening()
        self._listening.clear()
        self._cut_off()
        return True

    def resume(self) -> None:
        """Takes connections again."""
        if not self.stopping and not self._listening.is_set():
            self._listener = _bound(self.port)
            self._listener.listen(BACKLOG)
            self._listening.set()

    def _stop_listening(self) -> None:
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _cut_off(self) -> None:
        for one in list(self._connections):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self.stopping:
            self._listening.wait()
            listener = self._listener
            if listener is None:
                continue
            with contextlib.suppress(OSError):  # closed by a pause or by stop()
                connection, address = listener.accept()
                self._connections.add(connection)
                threading.Thread(target=self._serve, args=(connection, address), daemon=True).start()
                if self.stopping or not self._listening.is_set():  # cut off before it was among them
                    connection.shutdown(socket.SHUT_RDWR)

    def _serve(self, connection: socket.socket, address: Any) -> None:
        try:
            with contextlib.suppress(OSError), connection:
                Handler(connection, address, self)
        finally:
            self._connections.discard(connection)


def _bound(port: int) -> socket.socket:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        one.bind((HOST, port))
    except OSError:
        one.close()
        raise
    return one
