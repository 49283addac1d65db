"""Where the processes of one machine count together: a folder, named by PROMETHEUS_MULTIPROC_DIR.

prometheus_client keeps each process's counts in mapped files that outlive it. Two things are added. The files
are reserved on the disk before they are mapped: a write to a mapped page for which a full disk has no room ends
the process by SIGBUS, whatever it was doing. And they are named by a number that no living process holds instead
of the pid: who starts after a death goes on with the dead one's counts, so that no count falls back and the
folder does not grow with every restart.
"""

import fcntl
import os
from itertools import count
from pathlib import Path
from typing import TextIO

import structlog
from django.conf import settings
from prometheus_client import values

RESERVED_BYTES = 1024 * 1024  # many times what all labels together need
_KINDS = ("counter", "histogram")

log = structlog.get_logger(__name__)
_held: list[TextIO] = []


def folder() -> Path | None:
    """Return the folder in which the processes of this machine count together, if they do."""
    name = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(name) if name and settings.PGB_METRICS_ALLOW else None


def share() -> None:
    """Let this process count in the shared folder; where that cannot be, it counts for itself."""
    place = folder()
    values.ValueClass = values.MutexValue
    if place is None:
        return
    try:
        number = _take_number(place)
        for kind in _KINDS:
            _reserve(place / f"{kind}_{number}.db")
    except OSError as error:
        log.error("metrics_not_shared", folder=str(place), why=error.strerror)
        return
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]


def _take_number(place: Path) -> int:
    """Return the lowest number whose lock nobody holds; the lock is ours until this process ends."""
    return next(number for number in count() if _is_taken(place / f"{number}.lock"))


def _is_taken(path: Path) -> bool:
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return False
    _held.append(lock)
    return True


def _reserve(path: Path) -> None:
    with path.open("ab") as file:
        os.posix_fallocate(file.fileno(), 0, RESERVED_BYTES)
