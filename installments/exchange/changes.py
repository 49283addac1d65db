"""What an import would change, in a table that a person can read: columns in which nothing happens are left out."""

from html import unescape
from typing import Any

from django.utils.html import strip_tags
from django.utils.translation import gettext as _
from import_export.results import Result

from installments.exchange import columns
from installments.exchange.resource import FIELDS

_ALWAYS = {columns.ISSUER, columns.MONTHS, columns.STARTS, columns.ENDS}


def changes(result: Result) -> dict[str, Any]:
    """Return the heads of the columns, and each row as its tone, its kind, and its cells under their heads."""
    kinds = {"new": ("success", _("새로")), "update": ("info", _("고침")), "skip": ("default", _("그대로"))}
    rows = result.valid_rows()
    usual = {column: str(widget.render(default)) if widget else "" for column, widget, default in FIELDS.values()}
    shown = [
        (place, head)
        for place, head in enumerate(result.diff_headers)
        if head in _ALWAYS or (head != columns.ID and any(_speaks(row.diff[place], usual[head]) for row in rows))
    ]
    return {
        "heads": [head for _place, head in shown],
        "rows": [(*kinds[row.import_type], [(head, row.diff[place]) for place, head in shown]) for row in rows],
    }


def _speaks(cell: str, usual: str) -> bool:
    return "<ins" in cell or "<del" in cell or unescape(strip_tags(cell)) != usual


def problems(result: Result) -> list[dict[str, Any]]:
    """Return what is wrong: each row with its place, its cells, and (column, problem) of every problem."""
    found = [
        {
            "place": row.number,
            "told": [
                ("" if name == "__all__" else name, text) for name, texts in row.error_dict.items() for text in texts
            ],
            "cells": [value for value in row.values if value not in ("", "---", None)],
        }
        for row in result.invalid_rows
    ]
    broken = [(number, errors[0]) for number, errors in result.row_errors()]
    return found + [{"place": number, "told": [("", str(error.error))], "cells": []} for number, error in broken]
