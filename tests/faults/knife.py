"""SIGKILL at a chosen socket write, from outside: strace follows one process and counts what it sends.

The signal comes before the write: what is sent up to there has been sent, this write and all after it are not.
"""

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
from typing import Generic, TypeVar

from config.local import DATA
from config.processes import die_with_parent, stop

T = TypeVar("T")
PATIENCE = 60.0
# Every system call that can write to a socket. The first is the one that libpq and Python use for it.
SEND = "sendto"
SENDS = (SEND, "sendmsg", "sendmmsg", "write", "writev", "pwritev2", "sendfile", "splice", "io_uring_enter")
_WRITE = re.compile(r"^(\d+) +(\w+)\(\d+<socket:", re.MULTILINE)


@dataclass(frozen=True)
class Done(Generic[T]):
    """How an act ended: what became of what was sent to it, its socket writes, and whether it was killed."""

    answer: T
    writes: int
    killed: bool


class Knife:
    """Lets acts be done by processes of their own; ``environment`` is what these are told."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._environment = dict(environment)
        self._folder = folder

    @contextmanager
    def ready(self) -> Iterator["Knife"]:
        """PGB is loaded while the block runs."""
        with (self._folder / "acts.log").open("ab") as log:
            self._acts = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.act"], cwd=DATA.parent, env=self._environment, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, preexec_fn=die_with_parent(signal.SIGKILL),
            )  # fmt: skip
        with self._acts, ThreadPoolExecutor(1, thread_name_prefix="caller") as self._callers:
            try:
                yield self
            finally:
                stop(self._acts, [])

    def act(self, what: str, clock: float, call: Callable[[str], T], kill_at: int | None = None) -> Done[T]:
        """Let ``what`` be done, killed at the socket write number ``kill_at``, while ``call`` is given its address."""
        self._tell(f"{what} {clock}")
        pid, port = map(int, self._heard().split())
        with self._traced(pid, kill_at) as trace:
            calling = self._callers.submit(call, f"http://127.0.0.1:{port}")
            os.kill(pid, signal.SIGCONT)
            code = int(self._heard())
        answer = calling.result(PATIENCE)
        assert code in (0, -signal.SIGKILL), f"the act ended with {code}: see {self._folder}/acts.log"
        return Done(answer, writes_in(trace.read_text()), killed=code != 0)

    def _tell(self, line: str) -> None:
        assert self._acts.stdin is not None
        self._acts.stdin.write(f"{line}\n")
        self._acts.stdin.flush()

    def _heard(self) -> str:
        assert self._acts.stdout is not None
        return self._acts.stdout.readline()

    @contextmanager
    def _traced(self, pid: int, kill_at: int | None) -> Iterator[Path]:
        trace = self._folder / "trace"
        command = ["strace", "--follow-forks", "--decode-fds", f"--attach={pid}", f"--output={trace}"]
        command += ["--trace=" + ",".join(SENDS), "--string-limit=0"]
        if kill_at is not None:
            command.append(f"--inject={SEND}:signal=SIGKILL:when={kill_at}")
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
            assert strace.stderr is not None
            said = strace.stderr.readline()
            assert "attached" in said, said
            yield trace
            strace.stderr.read()


def writes_in(trace: str) -> int:
    """Count the writes to sockets. They must all be of the kind, and the thread, whose writes the knife counts."""
    writes = Counter(_WRITE.findall(trace))
    assert len(writes) <= 1 and {name for _, name in writes} <= {SEND}, writes
    return writes.total()
