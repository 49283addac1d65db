"""What the columns of people's tables are called, and how a cell is read and written.

Names and words are Korean in every language of the back office: a file of one person is read by another.
"""

import re
from datetime import date, datetime
from typing import Any

from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import override
from import_export.widgets import Widget

from merchants.models import CardIssuer

ID, ISSUER, MONTHS, TURNS, BEARER = "번호", "카드사", "할부개월", "고객부담 회차", "이자 부담"
SMALLEST, LARGEST, GATEWAY, NATION = "최소 금액", "최대 금액", "PG사", "국가"
TITLE, TARGET, EXCEPTIONS = "제목", "적용 대상", "제외 대상"
STARTS, ENDS, ORDER, IN_USE, SOURCE = "시작일", "종료일", "표시 순서", "사용", "출처"
ALL = (ID, ISSUER, MONTHS, TURNS, BEARER, SMALLEST, LARGEST, GATEWAY, NATION, TITLE, TARGET, EXCEPTIONS, STARTS, ENDS)
ALL += (ORDER, IN_USE, SOURCE)
NEEDED = (ISSUER, MONTHS, STARTS, ENDS)  # unless the rows are named by ID
PLACE = "위치"  # where in the file a row stands; made by the formats, never shown as a column

_FORMULA = re.compile(r"[=+\-@\t\r]")


class Whole(Widget):
    """A whole number; "50,000", "50000원", "3개월" and Excel's 3.0 too."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> int | None:
        if value is None or str(value).strip() == "":
            return None
        text = re.sub(r"[,\s]|(?<=\d)(원|개월|회차|회|\.0)$", "", str(value))
        if not re.fullmatch(r"[0-9]{1,15}", text):
            raise ValueError(_("정수가 아닙니다: %s") % _short(value))
        return int(text)

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        return "" if value is None else value


class Day(Widget):
    """A day: 2026-12-01; 2026.12.1, 2026/12/01, 20261201 and Excel's dates too."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> date | None:
        if isinstance(value, datetime):
            return value.date()
        if value is None or isinstance(value, date):
            return value
        text = str(value).strip()
        if not text:
            return None
        match = re.fullmatch(r"(\d{4})(?:[-./]\s?)?(\d{1,2})(?:[-./]\s?)?(\d{1,2})\.?( 00:00:00)?", text, re.ASCII)
        try:
            found = parse_date("-".join(match.groups()[:3])) if match else None
        except ValueError:
            found = None
        if found is None:
            raise ValueError(_("날짜가 아닙니다: %s (예: 2026-12-01)") % _short(value))
        return found

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        return "" if value is None else value


class Choice(Widget):
    """One of a field's choices, by its Korean name or its code."""

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._choices = choices

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        text = str(value).strip()
        if not text:
            return ""
        names = self._names()
        for code, name in names.items():
            if text.casefold() in (code.casefold(), name.casefold()):
                return code
        known = ", ".join(names.values())
        raise ValueError(_("모르는 값입니다: %(value)s (%(known)s 중 하나)") % {"value": _short(text), "known": known})

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return self._names().get(value, value or "")

    def _names(self) -> dict[str, str]:
        with override("ko"):
            return {code: str(name) for code, name in self._choices if code}


class YesNo(Widget):
    """예 or 아니오; Y/N, O/X, 1/0 and TRUE/FALSE too."""

    YES, NO = {"예", "y", "yes", "o", "1", "true", "사용"}, {"아니오", "아니요", "n", "no", "x", "0", "false", "미사용"}

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool | None:
        text = str(value).strip().casefold()
        if not text:
            return None
        if text not in self.YES | self.NO:
            raise ValueError(_("예 또는 아니오로 적으세요: %s") % _short(value))
        return text in self.YES

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "예" if value else "아니오"


class Words(Widget):
    """Free text. What a table program would take for a formula is written behind an apostrophe."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        text = str(value).strip()
        return text[1:] if text[:1] == "'" and _FORMULA.match(text[1:]) else text

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return f"'{value}" if _FORMULA.match(value) else value


class Issuer(Widget):
    """A card issuer, by its code or one of its names; "카드" behind a name may be left out or written."""

    def __init__(self, issuers: "Issuers", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._issuers = issuers

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> CardIssuer | None:
        if value is None or str(value).strip() == "":
            return None
        found = self._issuers.named(str(value))
        if found is None:
            raise ValueError(_("모르는 카드사입니다: %s. 코드(SAMSUNG)나 이름(삼성)을 적으세요.") % _short(value))
        return found

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return value.name if value else ""


class Issuers:
    """All card issuers, read when the first is asked for."""

    def __init__(self) -> None:
        self._rows: list[CardIssuer] | None = None

    def all(self) -> list[CardIssuer]:
        """Return them in display order."""
        if self._rows is None:
            self._rows = list(CardIssuer.objects.all())
        return self._rows

    def named(self, text: str) -> CardIssuer | None:
        """Return the one of this code or name."""
        wanted = _plain(text)
        for row in self.all():
            if wanted and wanted in {_plain(one) for one in (row.code, row.name, row.name_ja, row.name_en)}:
                return row
        return None

    def coded(self, gateway: str, code: str) -> CardIssuer | None:
        """Return the one that a gateway calls by this code."""
        return next((row for row in self.all() if code in row.codes.get(gateway, [])), None)


def _plain(text: str) -> str:
    return re.sub(r"\s|카드$|card$", "", text.strip().casefold())


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
