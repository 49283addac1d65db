"""Starting and stopping child processes that never outlive us."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Iterable

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class StartError(Exception):
    """Something local cannot be started; the text says why and what to do."""


def die_with_parent(how: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn`: the kernel sends `how` to the child when we end, however we end.

    For children of the main thread only: the signal follows the end of the thread that forked. The child
    starts with no signal blocked, whatever the parent waits for.
    """
    parent = os.getpid()

    def before_exec() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(how), 0, 0, 0)
        if os.getppid() != parent:  # we ended before the call above
            os.kill(os.getpid(), signal.SIGKILL)

    return before_exec


def stop(process: subprocess.Popen[bytes], steps: Iterable[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn until the process has ended, waiting the seconds beside it; then SIGKILL."""
    for number, seconds in (*steps, (signal.SIGKILL, None)):
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
