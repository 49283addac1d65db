"""What the fuzz tests share: a count of what they tried, told at the end of `make fuzz`."""

import logging
from collections import Counter

import pytest

from tests.door import Door
from tests.factories import ShopFactory


@pytest.fixture
def door(db):
    """A caller at PGB's doors. See Door."""
    return Door(ShopFactory(joiner_id=1001))


@pytest.fixture
def quiet():
    """No log: writing thousands of lines that nobody reads takes longer than the work."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def tried(record_property):
    """Counts what a test tried, by whatever words; the counts stand in its report."""
    counts = Counter()
    yield counts
    record_property("tried", dict(counts))


def pytest_terminal_summary(terminalreporter):
    told = {
        report.nodeid.partition("::")[2]: dict(report.user_properties)["tried"]
        for report in terminalreporter.getreports("")  # where pytest keeps the ends of tests
        if report.when == "teardown" and report.user_properties
    }
    if told:
        terminalreporter.section("what was tried")
    for test, counts in told.items():
        words = ", ".join(f"{number} {' '.join(map(str, what))}" for what, number in sorted(counts.items(), key=str))
        terminalreporter.write_line(f"{test}: {words}")
