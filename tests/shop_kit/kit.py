"""A shop that runs on one of the kits, as a program of its own, and a stand-in for PGB that answers as told."""

import json
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.factories import API_KEY

KIT = Path(__file__).resolve().parents[2] / "docs" / "shop-kit"
HERE = Path(__file__).resolve().parent
SECONDS = 150  # longer than a call's patience and its last try together
REFERENCES = ("-r:System.Net.Http", "-r:System.Runtime.Serialization")


def compile_csharp(out: Path, *sources: Path, more: Sequence[str] = ()) -> None:
    """Compile as .NET Standard 2.0 projects do, and more strictly; 7.2 is the highest that mcs knows by number."""
    options = ["-langversion:7.2", "-warnaserror", "-warn:4", f"-out:{out}", *REFERENCES, *more]
    target = ["-target:library"] if out.suffix == ".dll" else []
    done = subprocess.run(["mcs", *options, *target, *map(str, sources)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


class Kit:
    """Asks the program, which uses the kit; JSON lines to and fro."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._options: dict[str, Any] = {}
        self._lock = threading.Lock()

    def at(self, url: str, **options: Any) -> None:
        """Say where PGB is, and how to call it."""
        self._options = {"url": url, **({} if "secret" in options else {"key": API_KEY}), **options}

    def ask(self, do: str, **keys: Any) -> dict[str, Any]:
        with self._lock:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.write(json.dumps({"do": do, **keys}) + "\n")
            self._process.stdin.flush()
            too_long = threading.Timer(SECONDS, self._process.kill)
            too_long.start()
            line = self._process.stdout.readline()
            too_long.cancel()
        assert line, f"the kit's program has ended, or had no answer in {SECONDS} seconds"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def call(self, name: str, **keys: Any) -> dict[str, Any]:
        """Make one of the five calls."""
        return self.ask(name, **self._options, **keys)

    def form(self, path: str, **keys: Any) -> Any:
        """Send a form as older code does; returns PGB's answer."""
        return json.loads(self.ask("form", **{**self._options, "url": self._options["url"] + path}, **keys)["raw"])

    def listen(self, *secrets: str) -> str:
        """Begin new books behind the completion URL, which is returned."""
        return str(self.ask("listen", secrets=" ".join(secrets))["url"])

    def next(self, *whats: str) -> None:
        """Say how the next messages go: refuse, final, fail, fail_commit, or "" for well."""
        for what in whats:
            self.ask("next", what=what)

    def books(self) -> list[dict[str, Any]]:
        """What the shop has taken and committed, in order."""
        return [json.loads(line) for line in self.ask("books")["books"].splitlines()]

    def log(self) -> str:
        return str(self.ask("log")["log"])

    def end(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


OTHER_SECRET = "whsec_b2xkIHNlY3JldCBvZiAzMiBieXRlcyBmb3IgdGVzdHM="
ORDER = {"DBType": "KR1", "OrderId": 7, "JoinerId": 1001}
START = {
    **ORDER,
    "PayType": "CARD",
    "TotalPrice": "64900",
    "OrderDescription": "명함 200매",
    "RedirectUrl": "https://shop.example/thanks",
    "NationCode": "KR",
}
CANCEL = {**ORDER, "NationCode": "KR", "RequestId": "refund-1", "CurrentTotalPrice": "64900"}


def start(shop: Kit, **changes: Any) -> dict[str, Any]:
    """PayStart of 64,900 won for order 7."""
    return shop.call("PayStart", **{**START, **changes})


CUT, LATE = "cut", "late"  # hang up without an answer; do not answer until the test ends


@dataclass
class Sent:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class StandIn:
    """Stands where PGB would be. ``answers``: CUT, LATE or (status, body, headers); the last one stays."""

    url: str = ""
    answers: list[Any] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def answer(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.sent.clear()

    def next_answer(self) -> Any:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def said(code: str = "", status: int = 200, headers: dict[str, str] | None = None, **keys: Any) -> Any:
    """An answer with the five keys."""
    five = {"ErrorCode": code, "ErrorMessage": code.lower(), "IsSuccess": not code, "RedirectUrl": "", "Type": ""}
    return status, json.dumps({**five, **keys}).encode(), headers or {}


@contextmanager
def stand_in():
    pgb = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            pgb.sent.append(Sent(self.path, headers, body, time.monotonic()))
            answer = pgb.next_answer()
            if answer == LATE:
                pgb.over.wait(60)
            if answer in (CUT, LATE):
                return
            status, content, headers = answer
            self.send_response(status)
            for name, value in {"X-Request-Id": "req-1", **headers, "Content-Length": len(content)}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    pgb.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield pgb
    finally:
        pgb.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
