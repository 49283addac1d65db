"""PostgreSQL's ranges as expressions of columns, for constraints that refuse overlaps."""

from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateRangeField, DateTimeRangeField
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS
from django.db.models import CheckConstraint, F, Func, Model, QuerySet
from django.db.models.lookups import PostgresOperatorLookup
from django.utils.translation import gettext_lazy as _


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
    """Refuses rows that overlap, and names the rows in the way.

    A row that a check refuses already is not compared: its ranges may be none.
    """

    def validate(self, model: type[Model], instance: Model, exclude: Any = None, using: str = DEFAULT_DB_ALIAS) -> None:
        """Raise ValidationError if the database would refuse the row; its ``params["others"]`` are in the way."""
        for check in model._meta.constraints:
            if isinstance(check, CheckConstraint):
                try:
                    check.validate(model, instance, exclude, using)
                except ValidationError:
                    return
        try:
            super().validate(model, instance, exclude, using)
        except ValidationError:
            raise self.refusal(instance) from None

    def others(self, instance: Model) -> QuerySet[Any]:
        """Return the stored rows with which ``instance`` cannot stand."""
        model = type(instance)
        values = {F(name): value for name, value in instance._get_field_expression_map(meta=model._meta).items()}
        rows = model._default_manager.exclude(pk=instance.pk)
        for part, operator in self.expressions:
            column = F(part) if isinstance(part, str) else part
            lookup = PostgresOperatorLookup(lhs=column, rhs=column.replace_expressions(values))
            lookup.postgres_operator = operator
            rows = rows.filter(lookup)
        return rows.filter(self.condition) if self.condition else rows

    def refusal(self, instance: Model) -> ValidationError:
        """Return what to tell whoever wants to save ``instance``."""
        others = list(self.others(instance))
        return ValidationError(
            _("%(problem)s 겹치는 것: %(others_named)s"),
            code=self.violation_error_code,
            params={
                "problem": self.get_violation_error_message(),
                "others_named": ", ".join(map(str, others)),
                "others": others,
            },
        )
