"""A pytest plugin, loaded before pytest-django reads the settings: PostgreSQL, Redis, secrets for the tests.

The controller of pytest-xdist starts the servers and its workers inherit them, each with a Redis database
of its own.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from config.local import local_addresses, running_servers
from config.secrets import random_secrets

_PREFIX = "pgb-test-"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    wanted = random_secrets() | local_addresses(os.environ) | {"PGB_TWO_FACTOR": "false"}
    os.environ |= {name: value for name, value in wanted.items() if not os.environ.get(name)}
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        servers = _servers()
        os.environ |= servers.__enter__()
        early_config.add_cleanup(lambda: servers.__exit__(None, None, None))
    else:
        address = urlsplit(os.environ["REDIS_URL"])
        own = int(worker.removeprefix("gw")) + 1
        part = {"query": f"db={own}"} if address.scheme == "unix" else {"path": f"/{own}"}
        os.environ["REDIS_URL"] = urlunsplit(address._replace(**part))
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a browser is installed: a browser test that was skipped proves nothing and fails."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and item.get_closest_marker("browser"):
        report.outcome = "failed"
        report.longrepr = f"a browser test was skipped in CI: {report.longrepr}"
    return report


@contextmanager
def _servers() -> Iterator[dict[str, str]]:
    _remove_what_kills_left()
    data = Path(tempfile.mkdtemp(prefix=_PREFIX))
    data.chmod(0o711)
    with (data / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            with running_servers(data, os.environ, durable=False) as found:
                yield found
        finally:
            shutil.rmtree(data, ignore_errors=True)


def _remove_what_kills_left() -> None:
    """A run that was killed could not remove its folder; nobody holds that folder's lock any more."""
    for data in Path(tempfile.gettempdir()).glob(_PREFIX + "*"):
        lock = data / "lock"
        if data.stat().st_uid != os.geteuid() or not lock.exists():
            continue
        if time.time() - lock.stat().st_mtime < 60:
            continue
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            sockets = data / "sockets"
            if sockets.is_symlink():
                shutil.rmtree(sockets.readlink(), ignore_errors=True)
            shutil.rmtree(data, ignore_errors=True)
