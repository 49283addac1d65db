"""Tables as files for a spreadsheet: CSV with a mark by which Excel knows UTF-8, or XLSX.

Text that a spreadsheet would take for a formula is made plain text: somebody else may have written it.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import TextChoices
from django.http import FileResponse, StreamingHttpResponse
from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from payments import money

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Row = Sequence[Any]


class FileKind(TextChoices):
    """What a table is written as."""

    CSV = "csv", "CSV"
    XLSX = "xlsx", "Excel (XLSX)"


def answer(kind: FileKind, name: str, titles: Row, rows: Iterable[Row]) -> StreamingHttpResponse:
    """Return the table as a download called ``name``; a row is read when it is written.

    Cells are text, whole numbers, Decimals, or times, which are written in the back office's time zone.
    """
    disposition = {"Content-Disposition": f'attachment; filename="{name}.{kind}"', "Cache-Control": "no-store"}
    if kind is FileKind.CSV:
        return StreamingHttpResponse(_csv(titles, rows), content_type="text/csv; charset=utf-8", headers=disposition)
    return FileResponse(_xlsx(titles, rows), content_type=_XLSX, headers=disposition)


def in_unit(amount: int, currency: str) -> int | Decimal:
    """Return minor units as a number of the currency's own unit; of a currency nobody knows as they are."""
    try:
        digits = money.digits_of(currency)
    except money.BadAmount:
        return amount
    return Decimal(amount).scaleb(-digits) if digits else amount


def _csv(titles: Row, rows: Iterable[Row]) -> Iterator[str]:
    line = io.StringIO()
    writer = csv.writer(line)
    line.write("\ufeff")
    writer.writerow(titles)
    for row in rows:
        writer.writerow([_plain(cell) for cell in row])
        if line.tell() > 64 * 1024:
            yield _taken(line)
    yield _taken(line)


def _taken(line: io.StringIO) -> str:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text


def _plain(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return f"{timezone.localtime(cell):%Y-%m-%d %H:%M:%S}"
    return _no_formula(cell) if isinstance(cell, str) else cell


def _no_formula(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _xlsx(titles: Row, rows: Iterable[Row]) -> io.BytesIO:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"
    sheet.append([_bold(sheet, title) for title in titles])
    for row in rows:
        sheet.append([_cell(cell) for cell in row])
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    return file


def _bold(sheet: Any, title: Any) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, str(title))
    cell.font = Font(bold=True)
    return cell


def _cell(cell: Any) -> Any:
    """Excel has no time zones: a time is written as it is in ours."""
    if isinstance(cell, datetime):
        return timezone.localtime(cell).replace(tzinfo=None, microsecond=0)
    return ILLEGAL_CHARACTERS_RE.sub("", _no_formula(cell)) if isinstance(cell, str) else cell
