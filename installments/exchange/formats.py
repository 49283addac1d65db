"""How a file becomes rows, and rows a file. Every row carries its place, so that errors can name it."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterable
from typing import Any

import openpyxl
import tablib
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.formats import base_formats

from installments.exchange import columns
from installments.exchange.columns import Issuers
from installments.importers import Listed, kicc, nice, toss
from installments.models import Source

MOST_ROWS = 1000
LARGEST_UNPACKED = 16 * 1024 * 1024  # bytes; a thousand rows are a few hundred thousand


class UnreadableFile(ValueError):
    """The file is not what its format says. The message says what to do."""


class _Table:
    """People's tables: a line of column names, then one row a line. Both ways in bytes."""

    def is_binary(self) -> bool:
        return True

    def get_read_mode(self) -> str:
        return "rb"

    def create_dataset(self, in_stream: bytes, **kwargs: Any) -> tablib.Dataset:
        """Read the rows; blank ones are passed over. Raises UnreadableFile."""
        lines = list(self.lines(in_stream))
        names = [str(name or "").strip() for name in lines[0]] if lines else []
        while names and not names[-1]:
            names.pop()
        _check_names(names)
        found = tablib.Dataset(headers=[*names, columns.PLACE])
        for number, line in enumerate(lines[1:], start=2):
            cells = ["" if cell is None else cell for cell in line]
            if any(str(cell).strip() for cell in cells):
                found.append([*_fitted(cells, len(names), number), _("%s행") % number])
        return _limited(found)

    def lines(self, content: bytes) -> Iterable[list[Any]]:
        """Return the cells of every line. Raises UnreadableFile."""
        raise NotImplementedError


class CSV(_Table, base_formats.CSV):
    """CSV as Excel writes and reads it: UTF-8 with its mark; the older Korean code page is read too."""

    label = "CSV"

    def lines(self, content: bytes) -> Iterable[list[Any]]:
        """Return the cells of every line. Raises UnreadableFile."""
        try:
            return list(csv.reader(io.StringIO(_decoded(content), newline=""), strict=True))
        except csv.Error as error:
            raise UnreadableFile(_("CSV 파일이 아닙니다. 따옴표가 짝이 맞는지 확인하세요.")) from error

    def export_data(self, dataset: tablib.Dataset, **kwargs: Any) -> bytes:
        return str(dataset.export("csv")).encode("utf-8-sig")


class XLSX(_Table, base_formats.XLSX):
    """The first sheet of an Excel file."""

    label = "XLSX"

    def lines(self, content: bytes) -> Iterable[list[Any]]:
        """Return the cells of every line. Raises UnreadableFile."""
        try:
            _check_unpacked_size(content)
            sheet = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True).worksheets[0]
            rows = sheet.iter_rows(max_row=MOST_ROWS + 2, max_col=len(columns.ALL) + 20, values_only=True)
            return [list(row) for row in rows]
        except UnreadableFile:
            raise
        except Exception as error:
            # A broken package, XML or compressed part: its readers raise more kinds than their documentation names.
            raise UnreadableFile(_("XLSX 파일이 아닙니다. Excel에서 다른 이름으로 저장한 뒤 다시 올리세요.")) from error


def _check_unpacked_size(content: bytes) -> None:
    """Refuse what is small only as long as nobody reads it."""
    if sum(part.file_size for part in zipfile.ZipFile(io.BytesIO(content)).infolist()) > LARGEST_UNPACKED:
        raise UnreadableFile(_("XLSX 파일이 너무 큽니다. 필요한 열과 행만 새 파일에 옮겨 올리세요."))


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableFile(_("글자를 읽을 수 없습니다. Excel에서 'CSV UTF-8'로 저장하세요."))


def _check_names(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    unknown = [name for name in names if name not in columns.ALL]
    needed = [name for name in columns.NEEDED if name not in names] if columns.ID not in names else []
    if twice:
        raise UnreadableFile(_("같은 열이 두 번 있습니다: %s") % ", ".join(twice))
    if needed:
        raise UnreadableFile(_("첫 줄에 열이 빠졌습니다: %s") % ", ".join(needed))
    if unknown:
        known = ", ".join(columns.ALL)
        words = {"unknown": ", ".join(unknown)[:100], "known": known}
        raise UnreadableFile(_("모르는 열입니다: %(unknown)s. 쓸 수 있는 열: %(known)s") % words)


def _fitted(cells: list[Any], width: int, number: int) -> list[Any]:
    if any(str(cell).strip() for cell in cells[width:]):
        raise UnreadableFile(_("%s행의 칸이 첫 줄보다 많습니다. 쉼표가 든 글은 따옴표로 묶으세요.") % number)
    return [*cells, *[""] * width][:width]


def _limited(found: tablib.Dataset) -> tablib.Dataset:
    if len(found) > MOST_ROWS:
        raise UnreadableFile(_("한 번에 %s행까지 올릴 수 있습니다. 파일을 나누세요.") % MOST_ROWS)
    return found


class _List(base_formats.Format):
    """A gateway's list, as the gateway answered it."""

    label: Any
    source: Source
    gateway: str  # as the issuers' codes name it
    notices_gateway = ""  # the list speaks of this gateway alone
    parse: Callable[[str], list[Listed]]

    def __init__(self, encoding: str | None = None) -> None:
        """Take what the pages give to every format; a list tells its encoding by itself."""

    def get_title(self) -> str:
        return str(self.label)

    def get_extension(self) -> str:
        return "json"

    def can_import(self) -> bool:
        return True

    def create_dataset(self, in_stream: bytes, **kwargs: Any) -> tablib.Dataset:
        """Read the list. Raises UnreadableFile or ListError."""
        names = [columns.ISSUER, columns.MONTHS, columns.SMALLEST, columns.LARGEST, columns.GATEWAY, columns.ENDS]
        found = tablib.Dataset(headers=[*names, columns.SOURCE, columns.PLACE])
        issuers = Issuers()
        for one in type(self).parse(_decoded(in_stream)):
            largest, ends_on = one.max_amount or "", one.ends_on or ""
            issuer = self._issuer(issuers, one)
            found.append(
                [issuer, one.months, one.min_amount, largest, self.notices_gateway, ends_on, self.source, one.place]
            )
        return _limited(found)

    def _issuer(self, issuers: Issuers, one: Listed) -> str:
        issuer = issuers.coded(self.gateway, one.issuer) or issuers.named(one.issuer_name)
        return issuer.code if issuer else f"{one.issuer} {one.issuer_name}".strip()


class TossList(_List):
    label = gettext_lazy("토스페이먼츠 목록 (JSON: GET /v1/promotions/card)")
    source, gateway, notices_gateway = Source.TOSS, "tosspayments", "tosspayments"
    parse = staticmethod(toss.parse)


class NiceList(_List):
    label = gettext_lazy("나이스페이 목록 (JSON: GET /v1/card/interest-free)")
    source, gateway = Source.NICE, "nice"
    parse = staticmethod(nice.parse)


class KiccList(_List):
    label = gettext_lazy("이지페이(KICC) 목록 (JSON: CardInfo)")
    source, gateway = Source.KICC, "kicc"
    parse = staticmethod(kicc.parse)
