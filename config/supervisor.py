"""Keeps a group of programs running: prefixes their lines, restarts what dies, ends all of them together."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from config.processes import die_with_parent

_END = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
_WAITED = _END | {signal.SIGCHLD}
_LONGEST_PAUSE = 10.0
_LAST_WORDS = 2.0  # seconds: what a program said just before its end is still written
_SETTLED = 30.0  # seconds: who ran that long begins again with the shortest pause


@dataclass(frozen=True)
class Program:
    """What to run. SIGTERM must end it within `patience` seconds; `last` ends after all others."""

    name: str
    command: Sequence[str]
    patience: float
    last: bool = False


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    lines: threading.Thread | None = None  # copies what the process says
    started: float = 0.0
    due: float = 0.0  # when it is started again
    pause: float = field(default=1.0)

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    def __init__(self, programs: Sequence[Program], environment: Mapping[str, str], folder: Path) -> None:
        self._folder = folder
        self._children = [_Child(program) for program in programs]
        self._environment = {**environment, "PYTHONUNBUFFERED": "1"}
        self._width = max(len(program.name) for program in programs)
        self._write = threading.Lock()

    def run(self) -> None:
        """Returns after SIGINT, SIGTERM or SIGHUP, when every program has ended. For the main thread."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED)
        try:
            received = None
            while received is None or received.si_signo not in _END:
                pause = self._keep_running()
                received = signal.sigtimedwait(_WAITED, pause)
        finally:
            self._end([child for child in self._children if not child.program.last])
            self._end([child for child in self._children if child.program.last])

    def _keep_running(self) -> float:
        """Start what is due; returns the seconds until there may be more to do."""
        for child in self._children:
            if child.alive():
                continue
            if child.process is not None:
                self._note_death(child, child.process)
            if child.process is None and time.monotonic() >= child.due:
                self._start(child)
        waiting = [child.due for child in self._children if child.process is None]
        return max(0.0, min(waiting) - time.monotonic()) if waiting else _LONGEST_PAUSE

    def _note_death(self, child: _Child, process: subprocess.Popen[bytes]) -> None:
        now = time.monotonic()
        if now - child.started > _SETTLED:
            child.pause = 1.0
        child.process, child.due = None, now + child.pause
        self._say(child.program.name, f"ended with {process.returncode}; starts again in {child.pause:.0f} s")
        _kill_group(process)
        child.pause = min(child.pause * 2, _LONGEST_PAUSE)

    def _start(self, child: _Child) -> None:
        process = subprocess.Popen(
            child.program.command, cwd=self._folder, env=self._environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=die_with_parent(signal.SIGTERM),
        )  # fmt: skip
        assert process.stdout is not None
        child.process, child.started = process, time.monotonic()
        child.lines = threading.Thread(target=self._copy_lines, args=(child.program.name, process.stdout), daemon=True)
        child.lines.start()

    def _end(self, children: Sequence[_Child]) -> None:
        living = [child for child in children if child.alive() and child.process is not None]
        for child in living:
            assert child.process is not None
            child.process.terminate()
        until = time.monotonic() + max((child.program.patience for child in living), default=0)
        while any(child.alive() for child in living) and time.monotonic() < until:
            received = signal.sigtimedwait(_WAITED, max(0.0, until - time.monotonic()))
            if received is not None and received.si_signo in _END:  # asked twice: now
                break
        for child in living:
            assert child.process is not None
            if child.alive():
                self._say(child.program.name, "does not end in time; killed")
            _kill_group(child.process)
            child.process.wait()
            if child.lines is not None:
                child.lines.join(_LAST_WORDS)

    def _copy_lines(self, name: str, lines: BinaryIO) -> None:
        with lines:
            for line in lines:
                self._say(name, line.decode(errors="replace").rstrip("\n"))

    def _say(self, name: str, line: str) -> None:
        with self._write, suppress(OSError):  # nobody reads any more: the programs go on
            print(f"{name:<{self._width}} | {line}", file=sys.stderr, flush=True)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Each program leads a session of its own: what it started and left behind goes with it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
