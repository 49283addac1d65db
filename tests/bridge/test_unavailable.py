"""PGB without its database: everybody is told to come again, and nothing is lost."""

from collections.abc import Callable

import pytest
from django.db import connection

from merchants.lookup import clear_cache
from payments.models import PaymentSession
from tests.door import FIVE_KEYS


def allow(connections: bool) -> None:
    """Let PostgreSQL accept connections to this test's database, or end them all."""
    name = connection.settings_dict["NAME"]
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {connections}')
        if not connections:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


@pytest.fixture
def no_database(world, monkeypatch) -> Callable[[], None]:
    """Nobody gets a connection until the value is called."""
    connection.close()
    with monkeypatch.context() as patch:
        patch.setattr(connection.pool, "timeout", 0.3)
        allow(False)
        yield lambda: (patch.undo(), allow(True))
    allow(True)


@pytest.mark.parametrize("cached", [True, False])
def test_a_shop_is_told_to_repeat_and_can(world, door_of_world, no_database, cached):
    if not cached:
        clear_cache()
    for path in ("/PGB/PayStart", "/PGB/PayStatus"):
        response = door_of_world.post(world.order(1), path=path)
        assert (response.status_code, response["Retry-After"]) == (503, "2")
        assert response.json()["ErrorCode"] == "UNAVAILABLE"
        assert list(response.json()) == FIVE_KEYS
    no_database()
    assert world.start(1)["IsSuccess"] is True
    assert PaymentSession.objects.count() == 1
