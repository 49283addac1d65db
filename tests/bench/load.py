"""The load generator, a process of its own: sends prepared requests and times the answers.

    python -m tests.bench.load PORT FILE CONNECTIONS [RATE]

FILE holds a pickled list of requests. Without RATE every connection sends one after the other; with RATE
requests a second arrive on their own clock, whoever is still waiting, and an answer's time counts from the
moment at which its request was due. Prints what `Outcome` holds as JSON.
"""

import json
import pickle
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

KEPT_FOR = 25  # requests


class Answer(NamedTuple):
    """``latency``: seconds since the request was due. ``ended``: seconds since the load began. Status 0: none came."""

    status: int
    latency: float
    ended: float
    body: str


@dataclass
class Outcome:
    """``answers`` in the order of their ends. ``cpu``: the generator's own seconds."""

    seconds: float
    cpu: float
    answers: list[Answer]

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return sum(200 <= one.status < 300 for one in self.answers) / self.seconds

    @property
    def failed(self) -> int:
        """Answers that are none: 5xx, 429, and broken connections."""
        return sum(one.status == 0 or one.status == 429 or one.status >= 500 for one in self.answers)


@dataclass
class Load:
    """A generator that is running."""

    process: "subprocess.Popen[bytes]"

    def result(self) -> Outcome:
        """Wait for its end."""
        out, _ = self.process.communicate()
        if self.process.returncode:
            raise RuntimeError("the load generator failed")
        said = json.loads(out)
        return Outcome(said["seconds"], said["cpu"], [Answer(*one) for one in said["answers"]])


def begin(port: int, requests: Sequence[bytes], connections: int = 8, rate: float | None = None) -> Load:
    """Start a generator."""
    with tempfile.NamedTemporaryFile(prefix="pgb-bench-", delete=False) as file:
        pickle.dump(list(requests), file)
    command = [sys.executable, "-m", "tests.bench.load", str(port), file.name, str(connections)]
    command += [str(rate)] if rate else []
    return Load(subprocess.Popen(command, stdout=subprocess.PIPE))


def send(port: int, requests: Sequence[bytes], connections: int = 8, rate: float | None = None) -> Outcome:
    """Send all of them and return what came of it."""
    return begin(port, requests, connections, rate).result()


class _Connection:
    """Kept for a while only: gunicorn's processes do not share what they once accepted."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._left = KEPT_FOR
        self._socket: socket.socket | None = None

    def exchange(self, request: bytes) -> tuple[int, str]:
        """Return status and body; (0, reason) when the connection breaks."""
        for fresh in (self._socket is None, True):
            try:
                return self._try(request)
            except OSError as error:
                self._socket = None
                # An idle connection may have been closed under us; a new one may not.
                if fresh:
                    return 0, type(error).__name__
        raise AssertionError

    def _try(self, request: bytes) -> tuple[int, str]:
        if self._socket is None or self._left == 0:
            self._left = KEPT_FOR
            self._socket = socket.create_connection(("127.0.0.1", self._port), 60)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._left -= 1
        self._socket.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        lower = head.lower()
        length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self._more()
        if b"\r\nconnection: close" in lower:
            self._socket.close()
            self._socket = None
        return int(head[9:12]), body.decode()

    def _more(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionResetError
        return data


def _run(port: int, requests: list[bytes], connections: int, rate: float | None) -> Outcome:
    answers: list[Answer] = []
    numbers = iter(range(len(requests)))
    lock = threading.Lock()
    begun = time.monotonic()

    def work() -> None:
        connection = _Connection(port)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            due = begun + number / rate if rate else time.monotonic()
            time.sleep(max(0.0, due - time.monotonic()))
            status, body = connection.exchange(requests[number])
            ended = time.monotonic()
            answers.append(Answer(status, ended - due, ended - begun, body))

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Outcome(time.monotonic() - begun, used.ru_utime + used.ru_stime, answers)


if __name__ == "__main__":
    with open(sys.argv[2], "rb") as prepared:
        todo = pickle.load(prepared)
    print(
        json.dumps(asdict(_run(int(sys.argv[1]), todo, int(sys.argv[3]), float(sys.argv[4]) if sys.argv[4:] else None)))
    )
