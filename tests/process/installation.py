"""A whole PGB of the test's own, every part of which can be killed: PostgreSQL, Redis and `manage.py up`.

The sandbox stands beside it and lives on: it is the world outside, the gateway and the shop.
"""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

from config.local import DATA, local_addresses
from config.postgres import postgres
from config.processes import die_with_parent, stop
from config.redis import redis
from config.secrets import random_secrets
from tests.threads import until

ROOT = DATA.parent
PATIENCE = 60.0  # seconds that anything may take to start on a busy machine
# The programs of `up`, by the argument that names each in its command line.
PROGRAMS = {"web": "gunicorn", "dispatcher": "dispatch", "worker": "worker", "beat": "beat"}
SET_UP = """
import os, sys, django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("provision", "deploy/demo.yaml")
"""


class Server:
    """PostgreSQL or Redis: may be killed, and started again on the same data."""

    def __init__(self, running: Callable[[], AbstractContextManager[str]]) -> None:
        self._running = running
        self._held = ExitStack()
        self.url = ""
        self.pid = 0

    def start(self) -> None:
        """Returns when it answers."""
        before = set(children(os.getpid()))
        self.url = self._held.enter_context(self._running())
        (self.pid,) = set(children(os.getpid())) - before

    def stop(self) -> None:
        """As an administrator stops it."""
        self._held.close()

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        self.send(signal.SIGKILL)
        self.stop()


class Installation:
    """`up` on a database and a Redis of its own, and a sandbox with empty books."""

    def __init__(self, folder: Path) -> None:
        sockets = Path(tempfile.mkdtemp(prefix="s-", dir=folder))
        self._folder = folder
        self._log = folder / "up.log"
        self._log_begins = 0
        self.postgres = Server(lambda: postgres(folder, sockets, durable=True))
        self.redis = Server(lambda: redis(folder, sockets))
        self._port, sandbox_port = _quiet_port(), _quiet_port()
        self.web = f"http://127.0.0.1:{self._port}"
        self.sandbox = f"http://127.0.0.1:{sandbox_port}"
        self._sandbox_port = sandbox_port
        self.environment: dict[str, str] = {}
        self.up: subprocess.Popen[bytes]

    @contextmanager
    def running(self) -> Iterator["Installation"]:
        """Everything runs while the block runs, and nothing of it afterwards."""
        with ExitStack() as stack:
            for server in (self.postgres, self.redis):
                server.start()
                stack.callback(server.stop)
            self.environment = self._environment()
            subprocess.run([sys.executable, "-c", SET_UP], cwd=ROOT, env=self.environment, check=True)
            sandbox = self._start("sandbox", "--port", str(self._sandbox_port), "--clock", "60")
            stack.callback(stop, sandbox, [(signal.SIGTERM, 10.0)])
            self.start_up()
            stack.callback(lambda: stop(self.up, [(signal.SIGTERM, 45.0)]))
            until(lambda: _answers(f"{self.sandbox}/shop/"), PATIENCE)
            yield self

    def _environment(self) -> dict[str, str]:
        given = {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "PGB_PUBLIC_URL": self.web,
            "PGB_SANDBOX_URL": self.sandbox,
            "PGB_STRIPE_BASE_URL": self.sandbox,
            "PGB_SHOP_CALLS_PER_MINUTE": "1000000",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "TMPDIR": str(self._folder),
        }
        return {**os.environ, **random_secrets(), **local_addresses(given), **given}

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{command[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", *command], cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True, preexec_fn=die_with_parent(signal.SIGTERM),
            )  # fmt: skip

    def start_up(self) -> None:
        """Start `manage.py up`; does not wait until it works."""
        self._log_begins = self._log.stat().st_size if self._log.exists() else 0
        self.up = self._start("up", "--web-port", str(self._port), "--no-sandbox")

    def wait_until_whole(self) -> None:
        """Returns when every program runs: the web answers, and the worker waits for tasks."""

        def is_whole() -> bool:
            return all(self.program(name) for name in PROGRAMS) and self._worker_is_ready() and _answers(self.web)

        until(is_whole, PATIENCE)

    def _worker_is_ready(self) -> bool:
        said = self._log.read_text(errors="replace")[self._log_begins :]
        since_its_death = re.split(r"^worker +\| ended with", said, flags=re.MULTILINE)[-1]
        return re.search(r"^worker .*\bready\b", since_its_death, flags=re.MULTILINE) is not None

    def program(self, name: str) -> int | None:
        """The pid of a program of `up`, while it runs."""
        found = [pid for pid in children(self.up.pid) if PROGRAMS[name] in command_of(pid)]
        return found[0] if found else None

    def kill(self, name: str) -> None:
        """SIGKILL a program of `up` with all that it started, at once."""
        pid = self.program(name)
        assert pid is not None
        kill_all(tree(pid))

    def kill_everything(self) -> None:
        """SIGKILL `up` with its programs, PostgreSQL and Redis; returns when they are gone."""
        pids = tree(self.up.pid)
        kill_all([*pids, self.postgres.pid, self.redis.pid])
        self.up.wait()
        self.postgres.stop()
        self.redis.stop()
        until(lambda: not any(command_of(pid) for pid in pids), PATIENCE)

    def control(self, path: str, **data: Any) -> Any:
        """Ask (without data) or tell the sandbox something; returns its answer."""
        url = f"{self.sandbox}/control/{path}"
        answer = requests.post(url, json=data, timeout=30) if data else requests.get(url, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()


def _quiet_port() -> int:
    """A free port that no outgoing connection is given while the server that it is for is dead."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=10).status_code < 500
    except requests.RequestException:
        return False


def children(pid: int) -> list[int]:
    """Living processes whose parent it is."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(process.name))
    return found


def tree(pid: int) -> list[int]:
    """The process and all that descend from it."""
    return [pid, *(each for child in children(pid) for each in tree(child))]


def command_of(pid: int) -> list[str]:
    """Its command line; empty if it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    return []


def kill_all(pids: list[int]) -> None:
    """SIGKILL each; who has ended by itself since is let go."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def left_of(folder: Path) -> list[list[str]]:
    """Command lines of the living processes that were told of the folder."""
    deadline = time.monotonic() + 10
    while (found := _that_know(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _that_know(folder: Path) -> list[list[str]]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            known = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            if str(folder).encode() in known:
                found.append(command_of(int(process.name)))
    return found
