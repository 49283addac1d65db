"""How the tests of models ask: what the database refuses, and what cleaning says."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction


def refused(constraint, factory, **values):
    """The database itself refuses the row, by this constraint."""
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        factory(**values)


def codes(row):
    """The codes under which cleaning a row refuses it."""
    with pytest.raises(ValidationError) as error:
        row.full_clean()
    return {f"{name}: {one.code}" for name, errors in error.value.error_dict.items() for one in errors}
