"""Pages of the back office that refuse what no page of theirs sends, as a bad request instead of an error of ours."""

from typing import Any

from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import BadRequest
from django.db import DataError
from django.http import HttpRequest


class WholeKeys(AutocompleteSelect):
    """A choice among rows with numbers as keys: any other key chooses none."""

    def optgroups(self, name: str, value: list[str], attr: Any = None) -> Any:
        return super().optgroups(name, [key for key in value if str(key).isdecimal()], attr)


class RefusesCrafted:
    """Beside ModelAdmin: a key that cannot be one names no row."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        # The database has no text with a NUL, and no number either.
        return None if "\0" in object_id else super().get_object(request, object_id, from_field)

    def changelist_view(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changelist_view(*args, **kwargs)
        except (ValueError, DataError) as error:
            raise BadRequest("the database has no such value") from error

    def response_action(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().response_action(*args, **kwargs)
        except (ValueError, DataError) as error:
            raise BadRequest("a key of a chosen row is none") from error
