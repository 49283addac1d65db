"""How long the fuzz tests run: the same short way in every test run, or long and fresh with PGB_FUZZ_FACTOR."""

import os
from typing import Any

from hypothesis import HealthCheck, settings

FACTOR = int(os.environ.get("PGB_FUZZ_FACTOR", "1"))
# What a fixture made lasts for all examples of a test, and many examples are large on purpose.
_EXPECTED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


def effort(examples: int) -> Any:
    """Return settings for ``examples`` times the factor; without a factor they are the same examples each time."""
    return settings(
        max_examples=examples * FACTOR,
        derandomize=FACTOR == 1,
        database=None,
        deadline=None,
        suppress_health_check=_EXPECTED,
    )
