"""Seals again, with the first of PGB_FIELD_KEYS, what other keys have sealed."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import BinaryField, Count, Model, Q, QuerySet
from django.db.models.functions import Substr

from merchants.crypto import KEY_ID_LENGTH, CannotOpen, open_sealed, seal, writing_key_id
from merchants.fields import SealedField, sealed_fields

_BATCH = 100  # a body may have 1 MB


@dataclass(frozen=True)
class SealedColumn:
    """One encrypted column of one table."""

    model: type[Model]
    field: SealedField

    def __str__(self) -> str:
        return f"{self.model._meta.db_table}.{self.field.column}"

    def outdated(self) -> QuerySet[Any]:
        """Rows whose value another key than the first one has sealed."""
        key_id = Substr(self.field.column, 1, KEY_ID_LENGTH, output_field=BinaryField())
        rows = self.model._base_manager.filter(**{f"{self.field.column}__isnull": False})
        outdated: QuerySet[Any] = rows.annotate(key_id=key_id).filter(~Q(key_id=writing_key_id()))
        return outdated

    def outdated_by_key(self) -> dict[str, int]:
        """How many rows each other key has sealed, by the key's id."""
        rows = self.outdated().order_by().values_list("key_id").annotate(Count("pk"))
        return {bytes(key_id).decode("ascii", "replace"): count for key_id, count in rows}


@dataclass(frozen=True)
class Rotation:
    """What became of a column's outdated rows; ``changed``: another process wrote them in the meantime."""

    sealed_again: int
    changed: int
    unreadable: list[str]


def sealed_columns() -> list[SealedColumn]:
    """Return every encrypted column of every table."""
    models = [model for model in apps.get_models() if not model._meta.proxy]
    return [SealedColumn(model, field) for model in models for field in sealed_fields(model)]


def rotate(column: SealedColumn) -> Rotation:
    """Seal a column's outdated values again. It may run twice, and while others read and write the rows."""
    counts: Counter[str] = Counter()
    unreadable = []
    for pk, uuid, old in _outdated_rows(column):
        place = column.field.place(column.model, uuid)
        try:
            new = seal(open_sealed(old, place), place)
        except CannotOpen as error:
            unreadable.append(f"row {pk}: {error}")
            continue
        # Only over the bytes that were read: a value written in the meantime must not be lost.
        same = column.model._base_manager.filter(**{"pk": pk, column.field.column: old})
        counts["sealed again" if same.update(**{column.field.column: new}) else "changed"] += 1
    return Rotation(counts["sealed again"], counts["changed"], unreadable)


def _outdated_rows(column: SealedColumn) -> Iterator[tuple[object, object, bytes]]:
    rows = column.outdated().order_by("pk").values_list("pk", "uuid", column.field.column)
    batch = list(rows[:_BATCH])
    while batch:
        for pk, uuid, sealed in batch:
            yield pk, uuid, bytes(sealed)
        batch = list(rows.filter(pk__gt=batch[-1][0])[:_BATCH])
