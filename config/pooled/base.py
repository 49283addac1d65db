"""Django's PostgreSQL, with a pool that is whole again at once after the server was restarted.

psycopg's own check tries one pooled connection after another, with a longer pause each time: after a restart
the dead ones of an idle process would cost every request its five seconds, one by one.
"""

from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Gives out connections that work. When one does not, all that broke with it are thrown away."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection that has just answered."""
        connection = super().get_new_connection(conn_params)
        if self.pool is None or _works(connection):
            return connection
        self.pool.putconn(connection)
        self.pool.check()
        return super().get_new_connection(conn_params)


def _works(connection: Any) -> bool:
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.OperationalError:
        return False
    return True
