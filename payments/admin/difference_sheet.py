"""The file of 대사 차이: a difference a line, both sides beside each other."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments.admin import difference_words, sheets
from payments.admin.exports import Sheet
from payments.models import Difference, DifferenceKind

PERMISSION = "payments.export_difference"


def _titles() -> list[str]:
    ours = [_("PGB %s") % name for name in _names()]
    theirs = [_("PG사 %s") % name for name in _names()]
    return [
        _("대사일"), _("PG사"), _("가맹점"), "MID", _("구분"), _("종류"), _("거래번호"),
        *[title for pair in zip(ours, theirs, strict=True) for title in pair],
        _("발견"), _("해소"), _("담당"), _("메모"),
    ]  # fmt: skip


def _names() -> list[str]:
    return [_("결제번호"), _("거래번호"), _("금액"), _("통화"), _("상태"), "MID", _("구분"), _("시각")]


def _cells(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """Yield what ``rows`` say, in the order of the titles. Read by parts: the whole is never in memory."""
    for row in rows.select_related(None).select_related("merchant").only(*_READ).iterator(chunk_size=2000):
        merchant = row.merchant
        sides = [[one, other] for _name, one, other, _differs in difference_words.sides(row)]
        sides[_names().index(_("금액"))] = [_number(row.ours), _number(row.theirs)]
        both = [value for side in sides for value in side]
        yield [
            str(row.day), str(merchant.get_gateway_display()), merchant.code, merchant.mid,
            str(merchant.get_mode_display()), str(row.get_kind_display()), row.subject, *both,
            row.found_at, row.closed_at, row.handled_by, row.note,
        ]  # fmt: skip


def _number(side: dict[str, Any]) -> Any:
    return sheets.in_unit(side["amount"], side["currency"]) if side else ""


_READ = (
    "day", "kind", "subject", "ours", "theirs", "cancellation", "found_at", "closed_at", "handled_by", "note",
    "merchant__code", "merchant__mid", "merchant__mode", "merchant__gateway",
)  # fmt: skip


def _totals(rows: QuerySet[Any]) -> list[dict[str, Any]]:
    counts = dict(rows.order_by().values_list("kind").annotate(Count("pk")))
    return [{"kind": kind.label, "count": counts[kind]} for kind in DifferenceKind if kind in counts]


SHEET = Sheet(
    model=Difference,
    permission=PERMISSION,
    title=gettext_lazy("대사 차이 내려받기"),
    all_rows=gettext_lazy("처리할 차이"),
    url_name="payments_difference_export",
    file_name="differences",
    titles=_titles,
    cells=_cells,
    totals=_totals,
    totals_template="admin/payments/difference_totals.html",
)
