"""For templates of other apps: where the history of a row is."""

from typing import Any

from auditlog.registry import auditlog
from django import template
from django.urls import reverse
from django.utils.http import urlencode

register = template.Library()


@register.simple_tag(takes_context=True)
def history_of(context: dict[str, Any], row: Any) -> str:
    """Return the address of the row's history, if one is kept and this person may see it."""
    request = context.get("request")
    kept = row is not None and auditlog.contains(type(row))
    if not kept or request is None or not request.user.has_perm("people.view_historyentry"):
        return ""
    query = urlencode({"row": f"{row._meta.label_lower}:{row.pk}"})
    return f"{reverse('admin:people_historyentry_changelist')}?{query}"
