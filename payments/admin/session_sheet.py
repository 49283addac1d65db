"""The file of 결제내역: a payment a line."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from merchants.codes import Device, GatewayCode, Mode
from payments import sums
from payments.admin import charts, sheets
from payments.admin.exports import Sheet
from payments.models import PaymentSession
from payments.states import Reason, Stage

PERMISSION = "payments.export_paymentsession"


def _titles() -> list[str]:
    return [
        _("결제번호"), "DBType", _("주문번호"), _("클레임번호"), "JoinerId", _("PG사"), _("가맹점"), "MID", _("구분"),
        _("결제수단"), _("기기"), _("국가"), _("단계"), _("사유"), _("확인 필요"), _("분쟁"), _("통화"), _("요청 금액"),
        _("결제 금액"), _("취소 금액"), _("순거래액"), _("PG 거래번호"), _("PG 결제번호"), _("생성"), _("결제 시각"),
    ]  # fmt: skip


_FIELDS = (
    "reference", "order__db_type", "order__order_id", "order__claim_id", "order__joiner_id", "gateway",
    "merchant__code", "merchant__mid", "merchant__mode", "method", "device", "nation", "stage", "reason", "attention",
    "disputed", "currency", "amount", "paid", "cancelled", "gateway_id", "gateway_payment_id", "created_at", "paid_at",
)  # fmt: skip
_LABELS = {"gateway": GatewayCode, "merchant__mode": Mode, "device": Device, "stage": Stage, "reason": Reason}


def _cells(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """Yield what ``rows`` say, in the order of the titles. Read by parts: the whole is never in memory."""
    for row in rows.values(*_FIELDS).iterator(chunk_size=2000):
        for name, choices in _LABELS.items():
            row[name] = str(choices(row[name]).label) if row[name] else ""
        for name in ("attention", "disputed"):
            row[name] = "Y" if row[name] else ""
        row["net"] = row["paid"] - row["cancelled"]
        for name in ("amount", "paid", "cancelled", "net"):
            row[name] = sheets.in_unit(row[name], row["currency"])
        # After the cancelled sum comes what remains.
        back = _FIELDS.index("cancelled") + 1
        yield [row[name] for name in (*_FIELDS[:back], "net", *_FIELDS[back:])]


def _totals(rows: QuerySet[Any]) -> list[dict[str, Any]] | None:
    found = sums.of_rows(rows)
    return None if found is None else [charts.shown(total) for total in found]


SHEET = Sheet(
    model=PaymentSession,
    permission=PERMISSION,
    title=gettext_lazy("결제내역 내려받기"),
    all_rows=gettext_lazy("모든 결제"),
    url_name="payments_export",
    file_name="payments",
    titles=_titles,
    cells=_cells,
    totals=_totals,
    totals_template="admin/payments/totals_table.html",
)
