"""예제 CSV: a file that can be imported, to begin with."""

from datetime import timedelta
from typing import Any

import tablib
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from installments.copying import Month
from installments.exchange import columns, formats

_NAMES = [columns.ISSUER, columns.MONTHS, columns.TURNS, columns.SMALLEST, columns.STARTS, columns.ENDS]
_ROWS = [("삼성", 2, 0, 50_000), ("삼성", 3, 0, 50_000), ("국민", 10, 4, 100_000)]


def sample(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Send three rows of next month."""
    if not model_admin.has_import_permission(request):
        raise PermissionDenied
    month = Month.of(Month.of(timezone.localdate()).last + timedelta(days=1))
    texts = ("개인 신용카드", "법인, 체크, 선불, 기프트카드")
    rows = [(*row, month.first, month.last, *texts) for row in _ROWS]
    table = tablib.Dataset(*rows, headers=[*_NAMES, columns.TARGET, columns.EXCEPTIONS])
    disposition = {"Content-Disposition": 'attachment; filename="interest-free-sample.csv"'}
    return HttpResponse(formats.CSV().export_data(table), content_type="text/csv", headers=disposition)
