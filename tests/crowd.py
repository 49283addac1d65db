"""Thousands of rows, copied from one inside the database."""

from typing import Any

from django.db import connection, models


def crowd(row: models.Model, first: int, last: int, **changes: str) -> None:
    """Write copies of a stored row, numbered ``first`` to ``last``. What must be unique gets the copy's number.

    ``changes``: SQL for further columns, in which ``row`` is the row and ``n`` the number.
    """
    table = row._meta.db_table
    fields = [field for field in row._meta.concrete_fields if not isinstance(field, models.AutoField)]
    columns = [field.column for field in fields]
    values = [changes.get(field.column) or _copied(field) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} "
            f"FROM {table} AS row, generate_series(%s::int, %s::int) AS n WHERE row.{row._meta.pk.column} = %s",
            [first, last, row.pk],
        )


def _copied(field: Any) -> str:
    if isinstance(field, models.UUIDField):
        return "gen_random_uuid()"
    if not field.unique:
        return f"row.{field.column}"
    if isinstance(field, models.CharField):
        return f"right(row.{field.column} || '-' || n, {field.max_length})"
    return f"row.{field.column} + n"
