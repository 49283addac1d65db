"""A town on the test's database, whose PGB can be cut at any socket write; needs strace."""

import os
import shutil
import subprocess

import pytest

from bridge import cancel, start
from bridge.sandbox.sandbox import Sandbox
from tests.faults.knife import Knife
from tests.faults.sweep import TABLE_HEAD
from tests.faults.town import Town
from tests.sql import url_of_test_database

CLOCK = 60  # a webhook that was not answered comes again after a second, then after two


@pytest.fixture(scope="session")
def strace():
    """Debian's strace, where processes may be traced; in CI it must be there."""
    if shutil.which("strace") and subprocess.run(["strace", "-o", os.devnull, "true"], check=False).returncode == 0:
        return
    missing = "strace is not installed, or may not trace: see .ci/run"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def running_sandbox():
    """The gateway and the shop; the gateway's patience is short."""
    with Sandbox(clock=CLOCK) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def knife(strace, django_db_setup, running_sandbox, live_server, tmp_path_factory):
    """Processes on the test's database that can be cut. See Knife."""
    told = {
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": url_of_test_database(),
        "PGB_PUBLIC_URL": live_server.url,
        "PGB_STRIPE_BASE_URL": running_sandbox.url,
    }
    with Knife({**os.environ, **told}, tmp_path_factory.mktemp("acts")).ready() as knife:
        yield knife


@pytest.fixture
def town(knife, clock, world, live_server, monkeypatch):
    """See Town. No second of its clock is worth waiting for: the web answers at once, and the shop asks again."""
    for module, name in ((start, "PAGE_SECONDS"), (start, "CLOSING_SECONDS"), (cancel, "SECONDS")):
        monkeypatch.setattr(module, name, 0.0)
    return Town(world, clock, knife, live_server.url)


def pytest_terminal_summary(terminalreporter):
    """Print what the sweep came to."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    rows = [value for report in reports for name, value in report.user_properties if name == "sweep"]
    if rows:
        terminalreporter.section("processes cut at socket writes")
        for line in (TABLE_HEAD, *rows):
            terminalreporter.line(line)
