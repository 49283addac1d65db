"""What the database sees: locks, waits, statements."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

_FRAME = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect what this thread sends, without what only frames a transaction; filled when the block ends."""
    sent: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield sent
    sent += [query["sql"] for query in captured if not query["sql"].startswith(_FRAME)]


@contextmanager
def another_connection() -> Iterator[Any]:
    """A cursor of somebody else."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            yield cursor
    finally:
        other.close()


def is_locked(row: Any) -> bool:
    """Whether the row, which must be committed, is locked by anybody."""
    with another_connection() as cursor:
        try:
            cursor.execute(f"SELECT 1 FROM {row._meta.db_table} WHERE id = %s FOR UPDATE NOWAIT", [row.pk])
        except OperationalError:
            return True
        assert cursor.fetchone(), "the row is not there"
        return False


def lock_waits() -> int:
    """How many connections to this database wait for a lock."""
    with another_connection() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


def url_of_test_database() -> str:
    """The DATABASE_URL for real processes that work on this test's database, where they see what is committed."""
    before, _, query = os.environ["DATABASE_URL"].partition("?")
    server = before.rpartition("/")[0]
    return f"{server}/{connection.settings_dict['NAME']}?{query}"
