"""When the still clock of the tests begins: see the fixture ``clock``."""

from datetime import UTC, datetime

T0 = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
