"""The process under the knife: PGB is loaded once, and each act is done by a fork of it, in one thread.

    python -m tests.faults.act CLOCK

Reads lines: ``web`` (take one request) or the name of a queue (work off what is due). For each writes "PID PORT"
when the fork is there, stopped, its port open for ``web``; then its exit code: 0, or the signal that killed it as a
negative number. Whenever the fork is let go its clock is set to what the file CLOCK says, and stands still there.
"""

import ctypes
import os
import signal
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import time_machine
from django.db import connection

from config.processes import die_with_parent
from config.wsgi import application

# These need the apps, which the application loads.
from bridge import drains  # isort: skip
from payments.queues import Queue  # isort: skip

_PR_SET_PTRACER, _ANYBODY = 0x59616D61, -1


class Quiet(WSGIRequestHandler):
    """Without a log of its own."""

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


def main() -> None:
    # A pool opens connections in threads of its own; here every write is to be the one thread's.
    connection.settings_dict["OPTIONS"].pop("pool")
    for line in sys.stdin:
        server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
        pid = fork(line.strip(), server)
        server.server_close()
        os.waitpid(pid, os.WUNTRACED)
        print(pid, server.server_port, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def fork(what: str, server: WSGIServer) -> int:
    """Return the pid of a process that stops itself, and then does the act and ends."""
    follow = die_with_parent(signal.SIGKILL)
    pid = os.fork()
    if pid:
        return pid
    try:
        follow()
        # Where only parents may trace their children.
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)
        signal.signal(signal.SIGCONT, set_clock)
        os.kill(os.getpid(), signal.SIGSTOP)
        do(what, server)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def set_clock(*_args: object) -> None:
    """Let time stand still where the file says."""
    now = datetime.fromtimestamp(float(Path(sys.argv[1]).read_text()), UTC)
    time_machine.travel(now, tick=False).start()


def do(what: str, server: WSGIServer) -> None:
    """Do the act; what it opened is closed with the process."""
    if what == "web":
        server.handle_request()
    else:
        drains.drain(Queue(what))


if __name__ == "__main__":
    main()
