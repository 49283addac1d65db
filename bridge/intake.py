"""What a shop sends, read strictly: JSON or a form, its keys in whatever spelling .NET gave them."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import structlog
from django.http import HttpRequest

from bridge import bodies
from bridge.errors import ErrorCode, ShopError

LARGEST_BODY = 64 * 1024
MOST_FIELDS = 100
_FORM = "application/x-www-form-urlencoded"
_BOM = "\ufeff"
_NAME = re.compile(r"[A-Za-z_]{1,40}[0-9]{0,2}")  # with more digits it may be a number or a key

log = structlog.get_logger(__name__)


class _Pairs(list[tuple[str, Any]]):
    """The members of an object in their order; two of one name are still two."""


def read_body(request: HttpRequest) -> bytes:
    """Return the raw body. Raises ShopError: 413 for one over LARGEST_BODY."""
    try:
        return bodies.read(request, LARGEST_BODY)
    except bodies.TooLarge:
        raise ShopError(
            ErrorCode.INVALID_REQUEST, f"the body is larger than {LARGEST_BODY} bytes: send less", status=413
        ) from None
    except bodies.BrokenOff:
        raise _bad("the body broke off or its chunks cannot be read: send it again") from None


def parse(body: bytes, content_type: str) -> list[tuple[str, Any]]:
    """Return the members of a JSON object or a form in their order, a UTF-8 BOM allowed. Raises ShopError.

    What begins like JSON is read as JSON, whatever its Content-Type says.
    """
    try:
        text = body.decode("utf-8").removeprefix(_BOM)
        if text.lstrip()[:1] in ("{", "["):
            return _json_pairs(text)
        if content_type.partition(";")[0].strip().lower() == _FORM:
            return _form_pairs(text)
    except UnicodeDecodeError:
        raise _bad("the body is not UTF-8: send it in UTF-8") from None
    raise _bad(f"the body is neither a JSON object nor a form: send JSON, or a form as {_FORM}")


def _form_pairs(text: str) -> _Pairs:
    if text.count("&") >= MOST_FIELDS:
        raise _bad(f"the form has more than {MOST_FIELDS} keys: send those of this call only")
    return _Pairs(parse_qsl(text, keep_blank_values=True, errors="strict"))


def _json_pairs(text: str) -> _Pairs:
    try:
        read = json.loads(text, object_pairs_hook=_Pairs)
    except RecursionError:
        raise _bad("the JSON is nested too deep: send one flat object") from None
    except ValueError as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise _bad(f"the body is not valid JSON{where}") from None
    if not isinstance(read, _Pairs):
        raise _bad("the body is a JSON array: send one JSON object")
    return read


def spell(given: Iterable[tuple[str, Any]], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the values under our spelling of their keys; ``names``: each lower-case spelling to ours.

    The same key twice is an error, and so are two spellings of one key with different values: no guess
    which of them was meant. Unknown keys are ignored; their names are logged, never their values.
    """
    values: dict[str, Any] = {}
    seen: dict[str, str] = {}
    unknown: list[str] = []
    for key, value in given:
        lower = key.lower()
        if lower in seen:
            raise _bad(f"the key {_safe(key)} stands there twice: send it once, in one spelling")
        seen[lower] = key
        name = names.get(lower)
        if name is None:
            unknown.append(_safe(key))
        elif name in values and values[name] != value:
            raise _bad(f"{_safe(key)} and another spelling of it have different values: send one of them")
        else:
            values[name] = value
    if unknown:
        log.info("unknown_keys", keys=unknown[:20])
    return values


def _safe(key: str) -> str:
    """Return a key's name as it may be logged: one that is no name could be a value in the wrong place."""
    return key if _NAME.fullmatch(key) else "?"


def _bad(message: str) -> ShopError:
    return ShopError(ErrorCode.INVALID_REQUEST, message)
