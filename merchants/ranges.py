"""PostgreSQL's ranges as expressions of columns, for constraints that refuse overlaps."""

from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateRangeField, DateTimeRangeField
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS
from django.db.models import CheckConstraint, Func, Model


class DateRange(Func):
    """daterange(first, last, bounds); a null end is endless."""

    function = "DATERANGE"
    output_field = DateRangeField()


class TsTzRange(Func):
    """tstzrange(from, to, bounds)"""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class Int8Range(Func):
    """int8range(from, to, bounds)"""

    function = "INT8RANGE"
    output_field = BigIntegerRangeField()


class NoOverlap(ExclusionConstraint):
    """Refuses rows that overlap. A row that a check refuses already is not compared: its ranges may be none."""

    def validate(self, model: type[Model], instance: Model, exclude: Any = None, using: str = DEFAULT_DB_ALIAS) -> None:
        """Raise ValidationError if the database would refuse the row."""
        for check in model._meta.constraints:
            if isinstance(check, CheckConstraint):
                try:
                    check.validate(model, instance, exclude, using)
                except ValidationError:
                    return
        super().validate(model, instance, exclude, using)
