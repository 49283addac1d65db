import os

import pytest

from tests.process.judging import TABLE_HEAD
from tests.sql import url_of_test_database


@pytest.fixture
def child_environment(transactional_db: None) -> dict[str, str]:
    """The environment of real processes that work on this test's database, which holds what is committed."""
    return {**os.environ, "DATABASE_URL": url_of_test_database()}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the kills came to (the module test_kills records it)."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    kills = [value for report in reports for name, value in report.user_properties if name == "kill"]
    if kills:
        terminalreporter.section("kills")
        for line in (TABLE_HEAD, *kills):
            terminalreporter.line(line)
