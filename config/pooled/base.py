"""Django's PostgreSQL, with a pool that is whole again at once after the server was restarted.

psycopg's own check tries one pooled connection after another, with a longer pause each time: after a restart
the dead ones of an idle process would cost every request its five seconds, one by one.

A connection plans its statements once. After a migration that changes the type of a column the server refuses
such a plan for as long as the connection lives: one that this happened to is not used again.
"""

from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.utils import DatabaseErrorWrapper
from django.utils.functional import cached_property
from psycopg.errors import FeatureNotSupported
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Gives out connections that work. When one does not, all that broke with it are thrown away."""

    has_old_plans = False

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection that has just answered."""
        connection = super().get_new_connection(conn_params)
        if self.pool is None or _works(connection):
            return connection
        self.pool.putconn(connection)
        self.pool.check()
        return super().get_new_connection(conn_params)

    @cached_property
    def wrap_database_errors(self) -> DatabaseErrorWrapper:
        """Django's own, which also sees to it that a connection with outdated plans is not given back."""
        return _Errors(self)

    def _close(self) -> None:
        if self.has_old_plans and self.connection is not None:
            self.connection.close()
            self.has_old_plans = False
        super()._close()  # type: ignore[misc]  # Django's has it


class _Errors(DatabaseErrorWrapper):
    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if isinstance(error, FeatureNotSupported):
            self.wrapper.has_old_plans = True  # type: ignore[attr-defined]  # Django's has it
        super().__exit__(kind, error, traceback)


def _works(connection: Any) -> bool:
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.OperationalError:
        return False
    return True
