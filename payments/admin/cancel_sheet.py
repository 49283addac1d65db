"""The file of 취소내역: a cancel a line. Bank accounts are not in it."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from merchants.codes import GatewayCode, Mode
from payments import sums
from payments.admin import cancel_words, sheets, words
from payments.admin.exports import Sheet
from payments.models import Cancellation, CancelOrigin, CancelState

PERMISSION = "payments.export_cancellation"


def _titles() -> list[str]:
    return [
        _("취소번호"), _("결제번호"), "DBType", _("주문번호"), _("클레임번호"), _("PG사"), _("가맹점"), "MID",
        _("구분"), _("결제수단"), _("상태"), _("요청 주체"), _("요청자"), _("승인자"), _("사유"), _("통화"),
        _("취소 금액"), _("면세 금액"), _("PG 취소번호"), _("응답 코드"), _("요청"), _("종료"), _("환불 반환"),
    ]  # fmt: skip


_FIELDS = (
    "uuid", "session__reference", "session__order__db_type", "session__order__order_id", "session__order__claim_id",
    "session__gateway", "session__merchant__code", "session__merchant__mid", "session__merchant__mode",
    "session__method", "state", "origin", "requested_by", "approved_by", "reason", "session__currency", "amount",
    "tax_free", "gateway_cancel_id", "code", "requested_at", "ended_at", "reversed_at",
)  # fmt: skip
_LABELS = {
    "session__gateway": GatewayCode,
    "session__merchant__mode": Mode,
    "state": CancelState,
    "origin": CancelOrigin,
}


def _cells(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """Yield what ``rows`` say, in the order of the titles. Read by parts: the whole is never in memory."""
    for row in rows.values(*_FIELDS).iterator(chunk_size=2000):
        for name, choices in _LABELS.items():
            row[name] = str(choices(row[name]).label)
        for name in ("amount", "tax_free"):
            row[name] = sheets.in_unit(row[name], row["session__currency"])
        row["uuid"] = str(row["uuid"])
        row["reason"] = cancel_words.why(row["reason"])
        yield [row[name] for name in _FIELDS]


def _totals(rows: QuerySet[Any]) -> list[dict[str, Any]] | None:
    found = sums.of_cancels(rows)
    return None if found is None else [_shown(total) for total in found]


def _shown(total: sums.Cancels) -> dict[str, Any]:
    texts = {name: words.amount(getattr(total, name), total.currency) for name in ("asked", "done", "open", "returned")}
    return {"currency": total.currency, "count": total.count, **texts}


SHEET = Sheet(
    model=Cancellation,
    permission=PERMISSION,
    title=gettext_lazy("취소내역 내려받기"),
    all_rows=gettext_lazy("모든 취소"),
    url_name="payments_cancellation_export",
    file_name="cancellations",
    titles=_titles,
    cells=_cells,
    totals=_totals,
    totals_template="admin/payments/cancel_totals.html",
)
