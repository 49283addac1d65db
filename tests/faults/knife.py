"""Cuts a process at a chosen socket write, from outside: strace follows it and counts what it sends."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.utils import timezone

from config.local import DATA
from config.processes import die_with_parent, stop
from tests.threads import until

PATIENCE = 60.0
APPLICATION_NAME = "an act"  # by which the database knows its connections
# Every system call that can write to a socket. The first is the one that libpq and Python use for it.
SEND = "sendto"
SENDS = (SEND, "sendmsg", "sendmmsg", "write", "writev", "pwritev2", "sendfile", "splice", "io_uring_enter")
_WRITE = re.compile(r"^(\d+) +(\w+)\(\d+<socket:", re.MULTILINE)
_STOPPED, _ENDED = re.compile(r"--- stopped by SIGSTOP ---"), re.compile(r"\+\+\+ (exited|killed)")


@dataclass(frozen=True)
class Cut:
    """Where a process is cut: at the socket write number ``at`` it is killed, before it writes.

    With ``meanwhile`` it is not killed but stands still, right after that write, until this was done.
    """

    at: int
    meanwhile: Callable[[], None] | None = None

    @property
    def signal(self) -> str:
        return "SIGSTOP" if self.meanwhile else "SIGKILL"


@dataclass(frozen=True)
class Done:
    """How an act ended: its socket writes, and whether it was cut."""

    writes: int
    cut: bool


class Knife:
    """Lets acts be done by processes of their own; ``environment`` is what these are told."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._environment = {**environment, "PGAPPNAME": APPLICATION_NAME}
        self._folder = folder
        self._clock = folder / "clock"

    @contextmanager
    def ready(self) -> Iterator["Knife"]:
        """PGB is loaded while the block runs."""
        with (self._folder / "acts.log").open("ab") as log:
            self._acts = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.act", str(self._clock)], cwd=DATA.parent, env=self._environment,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )  # fmt: skip
        with self._acts, ThreadPoolExecutor(1, thread_name_prefix="caller") as self._callers:
            try:
                yield self
            finally:
                stop(self._acts, [])

    def act(self, what: str, call: Callable[[str], None], cut: Cut | None) -> Done:
        """Let ``what`` be done, and perhaps cut, while ``call`` is given its address."""
        self._tell(what)
        pid, port = map(int, self._heard().split())
        with self._traced(pid, cut) as trace:
            calling = self._callers.submit(call, f"http://127.0.0.1:{port}")
            self._let_go(pid)
            stood_still = cut is not None and cut.meanwhile is not None and _stands_still(trace)
            if stood_still:
                cut.meanwhile()
                self._let_go(pid)
            code = int(self._heard())
        calling.result(PATIENCE)
        assert code in (0, -signal.SIGKILL), f"the act ended with {code}: see {self._folder}/acts.log"
        return Done(writes_in(trace.read_text()), cut=stood_still or code != 0)

    def _let_go(self, pid: int) -> None:
        self._clock.write_text(str(timezone.now().timestamp()))
        os.kill(pid, signal.SIGCONT)

    def _tell(self, line: str) -> None:
        assert self._acts.stdin is not None
        self._acts.stdin.write(f"{line}\n")
        self._acts.stdin.flush()

    def _heard(self) -> str:
        assert self._acts.stdout is not None
        return self._acts.stdout.readline()

    @contextmanager
    def _traced(self, pid: int, cut: Cut | None) -> Iterator[Path]:
        trace = self._folder / "trace"
        command = ["strace", "--follow-forks", "--decode-fds", f"--attach={pid}", f"--output={trace}"]
        command += ["--trace=" + ",".join(SENDS), "--string-limit=0"]
        if cut is not None:
            command.append(f"--inject={SEND}:signal={cut.signal}:when={cut.at}")
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
            assert strace.stderr is not None
            said = strace.stderr.readline()
            assert "attached" in said, said
            yield trace
            strace.stderr.read()


def _stands_still(trace: Path) -> bool:
    """Wait until the process stands still for the second time (the first was before its act), or has ended."""
    until(lambda: _ENDED.search(said := trace.read_text()) or len(_STOPPED.findall(said)) > 1, PATIENCE)
    return len(_STOPPED.findall(trace.read_text())) > 1


def writes_in(trace: str) -> int:
    """Count the writes to sockets. They must all be of the kind, and the thread, whose writes the knife counts."""
    writes = Counter(_WRITE.findall(trace))
    assert len(writes) <= 1 and {name for _, name in writes} <= {SEND}, writes
    return writes.total()
