"""For templates: the words of the menu. Where a page stands there, its breadcrumbs and its title say the same."""

from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from config.back_office import MENU

register = template.Library()


@register.filter
def as_in_menu(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the breadcrumbs ``[app, list, ...]`` as the menu has it: ``[group, page, ...]``.

    The pages of Django that list an app's models are no part of this back office: nothing leads there.
    """
    if len(parts) < 2:
        return parts
    group, title = _place(str(parts[1]["link"]))
    return [{"title": group or parts[0]["title"]}, {**parts[1], "title": title or parts[1]["title"]}, *parts[2:]]


@register.filter
def title_in_menu(opts: Any) -> str:
    """Return what the menu calls the list of a model; a list that is not there keeps its own name."""
    try:
        link = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    except NoReverseMatch:
        return str(opts.verbose_name_plural)
    return _place(link)[1] or str(opts.verbose_name_plural)


@register.simple_tag
def waiting(page: dict[str, Any]) -> int:
    """Return how much waits behind an entry of the menu; 0 where nothing is counted."""
    return int(import_string(page["count"])()) if "count" in page else 0


def _place(link: str) -> tuple[str, str]:
    for area in MENU:
        for group in area["items"]:
            for page in group["items"]:
                if str(page["link"]) == link:
                    return str(group["title"] or area["title"]), str(page["title"])
    return "", ""
