"""The pool of connections, after PostgreSQL was away."""

import time
from contextlib import nullcontext
from typing import Any

import pytest
from django.db import NotSupportedError, OperationalError, connection, transaction

from tests.threads import at_once, until

MANY = 12


def ask(seconds: float = 0.0) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])
    connection.close()
    return 1


def statement(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def elsewhere(statement: str, *values: object) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(statement, values or None)


@pytest.fixture
def name(transactional_db: None) -> str:
    """The database's name. Many connections to it wait in the pool."""
    at_once(*[lambda: ask(0.3)] * MANY)
    connection.close()
    return str(connection.settings_dict["NAME"])


def break_all(name: str) -> None:
    elsewhere("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", name)


def test_all_connections_that_broke_together_are_replaced_at_once(name: str) -> None:
    break_all(name)
    begun = time.monotonic()
    assert ask() == 1
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("during", [nullcontext, transaction.atomic])
def test_a_migration_under_way_breaks_no_connection_for_good(name: str, during: Any) -> None:
    def read() -> None:
        with during(), connection.cursor() as cursor:
            cursor.execute("SELECT word FROM changing WHERE word <> %s", ["x"])

    statement("CREATE TABLE changing (word varchar(5))")
    try:
        for _ in range(5):  # from then on it is planned
            read()
        at_once(lambda: statement("ALTER TABLE changing ALTER word TYPE varchar(9)"))  # on another connection
        planned = connection.connection
        with pytest.raises(NotSupportedError, match="cached plan"):
            read()
        connection.close()
        assert planned.closed
        read()
    finally:
        statement("DROP TABLE changing")


def test_a_database_that_comes_back_is_used_again_within_seconds(name: str) -> None:
    elsewhere(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    try:
        break_all(name)
        for _ in range(2):
            with pytest.raises(OperationalError):
                ask()
    finally:
        elsewhere(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    begun = time.monotonic()
    until(ask)
    assert time.monotonic() - begun < 3
