"""What a permission is called. Django keeps the names of its own in the database, in English."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Permission
from django.forms import ModelMultipleChoiceField
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

# Whose tables have pages here. The rest is of libraries, and nobody is given it by hand.
APPS = ("merchants", "installments", "payments", "auth", "people")
_VERBS = {
    "view": pgettext_lazy("permission", "보기"),
    "add": pgettext_lazy("permission", "등록"),
    "change": pgettext_lazy("permission", "변경"),
    "delete": pgettext_lazy("permission", "삭제"),
    "export": pgettext_lazy("permission", "내보내기"),
}


class PermissionsField(ModelMultipleChoiceField):  # type: ignore[type-arg]  # not generic when it runs
    """Permissions under the names that people read."""

    def label_from_instance(self, obj: Any) -> str:
        """Return the table, and what may be done with it."""
        return f"{_subject(obj)}: {_verb(obj)}"


def by_table(permissions: Iterable[Permission]) -> list[str]:
    """Return a line for each table: what may be done with it."""
    verbs: dict[str, list[str]] = {}
    for permission in permissions:
        verbs.setdefault(_subject(permission), []).append(_verb(permission))
    return [f"{subject}: {', '.join(sorted(words))}" for subject, words in sorted(verbs.items())]


def _subject(permission: Permission) -> str:
    model = permission.content_type.model_class()
    return str(model._meta.verbose_name) if model else permission.content_type.model


def _verb(permission: Permission) -> str:
    verb, _line, model = permission.codename.partition("_")
    return str(_VERBS[verb]) if verb in _VERBS and model == permission.content_type.model else _(permission.name)
