"""The supervisor with small programs: lines, restarts, ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from config.local import DATA

pytestmark = pytest.mark.process
ROOT = DATA.parent
SAY_AND_SLEEP = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SAY_AND_SLEEP}"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {DEAF!r}]); {SAY_AND_SLEEP}"
LAST_WORD = """
import signal, sys, time
def end(number, frame):
    print("the end", flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("pid 0", flush=True)
time.sleep(60)
"""


class Start(Protocol):
    def __call__(self, **scripts: str) -> subprocess.Popen[str]: ...


@pytest.fixture
def supervise() -> Iterator[Start]:
    """Programs named after the scripts; the one called `last` ends last. Patience is 3 s."""
    with ExitStack() as stack:

        def start(**scripts: str) -> subprocess.Popen[str]:
            code = f"""
import os, sys
from pathlib import Path
from config.supervisor import Program, Supervisor
programs = [Program(name, [sys.executable, "-c", script], 3.0, name == "last")
            for name, script in {scripts!r}.items()]
Supervisor(programs, os.environ, Path("/")).run()
"""
            process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def line_with(process: subprocess.Popen[str], text: str) -> str:
    assert process.stderr is not None
    return next(line for line in process.stderr if text in line)


def pid_said(process: subprocess.Popen[str]) -> int:
    return int(line_with(process, "pid").split()[-1])


def dead(pid: int) -> bool:
    until = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.02)
    return not Path(f"/proc/{pid}").exists()


def test_lines_carry_the_programs_name(supervise: Start) -> None:
    process = supervise(web=SAY_AND_SLEEP, dispatch="print('한 줄', flush=True); import time; time.sleep(60)")
    assert line_with(process, "한 줄") == "dispatch | 한 줄\n"
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 0


def test_who_dies_starts_again_after_a_growing_pause(supervise: Start) -> None:
    process = supervise(web=SAY_AND_SLEEP)
    for pause in (1, 2):
        os.kill(pid_said(process), signal.SIGKILL)
        assert line_with(process, "ended") == f"web | ended with -9; starts again in {pause} s\n"
    ended = time.monotonic()
    os.kill(pid_said(process), 0)
    assert 1.5 < time.monotonic() - ended < 4
    process.terminate()
    process.communicate(timeout=10)


def test_who_does_not_end_in_time_is_killed(supervise: Start) -> None:
    process = supervise(web=DEAF)
    pid = pid_said(process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert err == "web | does not end in time; killed\n"
    assert dead(pid)


def test_asked_twice_it_does_not_wait(supervise: Start) -> None:
    process = supervise(web=DEAF, last=LAST_WORD)
    pid = pid_said(process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert time.monotonic() - asked < 2.5
    assert dead(pid)


def test_last_ends_after_the_others(supervise: Start) -> None:
    process = supervise(last=LAST_WORD, web=LAST_WORD)
    pid_said(process), pid_said(process)
    process.terminate()
    _, err = process.communicate(timeout=10)
    assert err.splitlines() == ["web  | the end", "last | the end"]


def test_what_a_program_started_goes_with_it(supervise: Start) -> None:
    process = supervise(web=PARENT)
    pids = [pid_said(process), pid_said(process)]
    process.terminate()
    process.communicate(timeout=10)
    assert all(dead(pid) for pid in pids)


def test_programs_do_not_outlive_a_killed_supervisor(supervise: Start) -> None:
    process = supervise(web=SAY_AND_SLEEP)
    pid = pid_said(process)
    process.kill()
    process.communicate(timeout=10)
    assert dead(pid)
