"""The processes that are measured: PGB as `manage.py up` starts it, the floors in the same gunicorn, the peer."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings

from bridge.management.commands.up import _programs
from config.processes import die_with_parent, stop

ENDING = ((signal.SIGTERM, 30.0),)
PATIENCE = 30.0


def free_port() -> int:
    """Return a port of loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Running:
    """A program with all that it started."""

    def __init__(self, name: str, root: psutil.Process) -> None:
        self.name, self._root = name, root

    def _family(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]

    def cpu(self) -> float:
        """Seconds of processor that the living processes have used."""
        used = 0.0
        for one in self._family():
            with suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                used += times.user + times.system
        return used

    def resident(self) -> float:
        """The largest of its processes, in megabytes (of 1,000,000 bytes) in memory."""
        return max(one.memory_info().rss for one in self._family()) / 1e6

    def kill(self) -> None:
        """End it as a power cut would."""
        self._root.kill()
        self._root.wait()


class Programs:
    """Starts programs with one environment; their words go to files."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._environment, self._folder = {**os.environ, **environment}, folder

    @contextmanager
    def run(self, name: str, command: list[str], **environment: str) -> Iterator[Running]:
        """Run a program for the length of the block."""
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=settings.BASE_DIR, env={**self._environment, **environment}, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True, preexec_fn=die_with_parent(signal.SIGTERM),
            )  # fmt: skip
        try:
            yield Running(name, psutil.Process(process.pid))
        finally:
            stop(process, ENDING)

    @contextmanager
    def pgb(self, name: str, port: int = 0) -> Iterator[Running]:
        """Run web, worker or dispatch, as `manage.py up` does."""
        with self.run(name, self._command(name, port)) as running:
            if port:
                wait_for_port(port)
            yield running

    @contextmanager
    def floor(self, name: str, application: str, port: int, **environment: str) -> Iterator[Running]:
        """Run another WSGI application in the same gunicorn, with the same processes and threads."""
        command = [application if part == "config.wsgi:application" else part for part in self._command("web", port)]
        with self.run(name, command, **environment) as running:
            wait_for_port(port)
            yield running

    def _command(self, name: str, port: int) -> list[str]:
        programs = _programs(f"127.0.0.1:{port}", None, self._folder)
        return list(next(program.command for program in programs if program.name == name))

    @contextmanager
    def peer(self, port: int) -> Iterator["Peer"]:
        """Run the gateway and the shop."""
        with self.run("peer", [sys.executable, "-m", "tests.bench.peer", str(port)]) as running:
            wait_for_port(port)
            yield Peer(f"http://127.0.0.1:{port}", running)


class Peer:
    """The controls of the gateway and the shop."""

    def __init__(self, url: str, running: Running) -> None:
        self.url, self.running = url, running

    def behave(self, **how: float) -> None:
        """Change how the gateway answers; see tests/bench/peer.py."""
        self._post("set", how)

    def reset(self) -> None:
        """Forget what happened."""
        self._post("reset", {})

    def told(self) -> set[int]:
        """Return the orders of which the shop was told."""
        return set(self._post("told", {}))

    def books(self) -> Any:
        """What happened: told (order -> EventIds), told_at, took (reference -> seconds), faulty."""
        return self._post("books", {})

    def _post(self, path: str, said: Any) -> Any:
        data = json.dumps(said).encode()
        with urllib.request.urlopen(f"{self.url}/{path}", data, timeout=30) as answer:
            return json.load(answer)


def postgresql() -> Running:
    """Return the server that `manage.py local` runs beside us."""
    beside = psutil.Process().parent().children()
    return Running("PostgreSQL", next(one for one in beside if one.name() == "postgres"))


def wait_for_port(port: int) -> None:
    """Wait until somebody answers there."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nobody answers at port {port}")
