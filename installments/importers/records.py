"""What every list is turned into, and how its values are read: whatever is odd is named with its place."""

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

# As in InterestFreeNotice; a list that says more is not the list that we know.
MONTHS = range(2, 61)


class ListError(ValueError):
    """The list is not as its gateway describes it. The message names the place and what was expected."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}" if place else problem)


@dataclass(frozen=True)
class Listed:
    """One number of months without interest. ``issuer``: the gateway's code; amounts in won, both ends included.

    ``ends_on`` is the last day in Korea; None: the list does not say. ``place``: where in the list it stands.
    """

    issuer: str
    issuer_name: str
    months: int
    min_amount: int
    max_amount: int | None
    ends_on: date | None
    place: str


def load(content: str) -> dict[str, Any]:
    """Return the JSON object that the text is. Raises ListError."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ListError("", _("JSON이 아닙니다. PG사 응답을 그대로 저장한 파일이어야 합니다.")) from error
    if not isinstance(found, dict):
        raise ListError("", _("JSON 객체({ … })가 아닙니다."))
    return found


def entries(holder: dict[str, Any], name: str, place: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Return the objects of a member that is a list, each with its place."""
    path = f"{place}.{name}" if place else name
    found = holder.get(name)
    if not isinstance(found, list):
        raise ListError(path, _("목록([ … ])이 없습니다."))
    for number, entry in enumerate(found):
        if not isinstance(entry, dict):
            raise ListError(f"{path}[{number}]", _("객체({ … })가 아닙니다."))
    return [(f"{path}[{number}]", entry) for number, entry in enumerate(found)]


def word(holder: dict[str, Any], name: str, place: str) -> str:
    """Return a code or a name of at most 50 characters."""
    found = holder.get(name)
    if not isinstance(found, str) or not 0 < len(found.strip()) <= 50:
        raise ListError(f"{place}.{name}", _("50자 이하의 문자가 아닙니다: %s") % _short(found))
    return found.strip()


def amount(holder: dict[str, Any], name: str, place: str) -> int | None:
    """Return won, from a number or its digits; None where there is none or 0."""
    found = holder.get(name)
    if found in (None, ""):
        return None
    if isinstance(found, bool) or not re.fullmatch(r"[0-9]{1,12}", str(found)):
        raise ListError(f"{place}.{name}", _("원 단위 정수가 아닙니다: %s") % _short(found))
    return int(found) or None


def day(holder: dict[str, Any], name: str, place: str) -> date:
    """Return a day written as 2026-12-31 or 20261231; a time behind it is of that day in Korea."""
    found = holder.get(name)
    match = re.fullmatch(r"(\d{4})-?(\d{2})-?(\d{2})(T.*(\+09:?00)?)?", str(found), re.ASCII)
    try:
        written = parse_date("-".join(match.groups()[:3])) if match else None
    except ValueError:
        written = None
    if written is None:
        raise ListError(f"{place}.{name}", _("날짜(2026-12-31 또는 20261231)가 아닙니다: %s") % _short(found))
    return written


def month_count(value: Any, place: str) -> int:
    """Return a number of months, 2 to 60, from a number or its digits."""
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,2}", str(value)) or int(value) not in MONTHS:
        raise ListError(place, _("할부개월(2~60)이 아닙니다: %s") % _short(value))
    return int(value)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
