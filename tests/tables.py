"""The tables as the migrations left them, brought back after each test that commits.

Django's own flush truncates every table and makes content types, permissions and roles anew: ten times as slow.
"""

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

_KEPT = "as_migrated"  # a schema that no search path names
_WITH_A_GUARD = (
    "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal AND tgtype & 8 > 0"  # on DELETE
)


class Tables:
    """Every table, and copies of those that hold rows now."""

    def __init__(self) -> None:
        self._all = sorted(connection.introspection.django_table_names(only_existing=True, include_views=False))
        with transaction.atomic(), connection.cursor() as cursor:
            self._migrated = self._filled(cursor, self._all)
            cursor.execute(f"CREATE SCHEMA {_KEPT}")
            for name in self._migrated:
                cursor.execute(f"CREATE TABLE {_KEPT}.{name} AS TABLE {name}")
            cursor.execute(_WITH_A_GUARD)
            self._append_only = {name for (name,) in cursor.fetchall()}

    def bring_back(self) -> None:
        """Take out what was written since, and bring back what was taken out."""
        with transaction.atomic(), connection.cursor() as cursor:
            # Whoever is still writing is waited for, as TRUNCATE would.
            cursor.execute(f"LOCK TABLE {', '.join(self._all)} IN ACCESS EXCLUSIVE MODE")
            written = self._filled(cursor, [name for name in self._all if name not in self._migrated])
            changed = [name for name in self._migrated if self._has_changed(cursor, name)]
            for name in sorted([*written, *changed], key=self._can_be_deleted_from):  # TRUNCATE goes first
                cursor.execute(f"{'DELETE FROM' if self._can_be_deleted_from(name) else 'TRUNCATE'} {name}")
            for name in changed:
                cursor.execute(f"INSERT INTO {name} TABLE {_KEPT}.{name}")

    def _can_be_deleted_from(self, name: str) -> bool:
        return name not in self._append_only

    @staticmethod
    def _filled(cursor: CursorWrapper, names: Iterable[str]) -> list[str]:
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (TABLE {name})" for name in names))
        return [name for (name,) in cursor.fetchall()]

    @staticmethod
    def _has_changed(cursor: CursorWrapper, name: str) -> bool:
        kept = f"{_KEPT}.{name}"
        cursor.execute(f"SELECT EXISTS (TABLE {name} EXCEPT TABLE {kept}) OR EXISTS (TABLE {kept} EXCEPT TABLE {name})")
        return bool(cursor.fetchone()[0])
