"""What a shop sends, read strictly: who it is from, and its keys in whatever spelling .NET gave them."""

import json
import re
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import structlog
from django.conf import settings
from django.http import HttpRequest
from standardwebhooks.webhooks import Webhook

from bridge.errors import ErrorCode, ShopError
from bridge.shop import secrets_of
from merchants import lookup
from merchants.models import Shop

LARGEST_BODY = 64 * 1024
MOST_FIELDS = 100
_FORM = "application/x-www-form-urlencoded"
_BOM = "\ufeff"

log = structlog.get_logger(__name__)


class JsonFloat(str):
    """A JSON number with a fraction or exponent, as it was written: never a float, and no price."""


def read_body(request: HttpRequest) -> bytes:
    """Return the raw body. Raises ShopError 413 for one over LARGEST_BODY."""
    length = request.headers.get("Content-Length") or "0"
    if not length.isascii() or not length.isdigit() or int(length) > LARGEST_BODY:
        raise ShopError(ErrorCode.INVALID_REQUEST, f"the body is larger than {LARGEST_BODY} bytes", status=413)
    return request.body


def callers(request: HttpRequest, body: bytes) -> list[Shop]:
    """Return the shops that this request may speak for: by its Bearer key, or by its Standard Webhooks signature.

    Raises ShopError UNAUTHORIZED. The signature is checked on the raw bytes, within 300 s of our clock.
    """
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        found = lookup.shops_by_api_key(key.strip())
    elif "webhook-signature" in request.headers:
        found = [shop for shop in lookup.active_shops() if _is_signed(request.headers, body, shop)]
    else:
        raise ShopError(
            ErrorCode.UNAUTHORIZED, "send Authorization: Bearer <key>, or Standard Webhooks signature headers"
        )
    if not found:
        raise ShopError(ErrorCode.UNAUTHORIZED, "the key or the signature is not valid, or its time is over")
    return found


def _is_signed(headers: Mapping[str, str], body: bytes, shop: Shop) -> bool:
    for secret in secrets_of(shop):
        try:
            Webhook(secret).verify(body, dict(headers), json_parse=False)
            return True
        except Exception:
            continue
    return False


def parse(body: bytes, content_type: str) -> list[tuple[str, Any]]:
    """Return the members of a JSON object or a form in their order, a UTF-8 BOM allowed. Raises ShopError."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        text = body.decode("utf-8").removeprefix(_BOM)
        return _form_pairs(text) if kind == _FORM else _json_pairs(text)
    except UnicodeDecodeError:
        raise _bad("the body is not UTF-8") from None
    except (ValueError, RecursionError):
        raise _bad("the body is neither a JSON object nor a form") from None


def _form_pairs(text: str) -> "_Pairs":
    return _Pairs(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))


def _json_pairs(text: str) -> "_Pairs":
    read = json.loads(text, object_pairs_hook=_Pairs, parse_float=JsonFloat, parse_constant=JsonFloat, parse_int=_whole)
    if not isinstance(read, _Pairs):
        raise _bad("the body must be a JSON object")
    return read


class _Pairs(list[tuple[str, Any]]):
    """The members of an object in their order; two of one name are still two."""


def _whole(digits: str) -> Any:
    return int(digits) if len(digits) <= 20 else JsonFloat(digits)


def spell(given: Iterable[tuple[str, Any]], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the values under our spelling of their keys; ``names``: lower-case spelling to ours.

    Two keys that are one to us are an error: no guess which of them was meant. Unknown ones are ignored.
    """
    values: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    unknown: list[str] = []
    for key, value in given:
        lower = key.lower()
        if lower in spelled:
            raise _bad(f"{spelled[lower]!r} and {key!r} are the same key twice"[:200])
        spelled[lower] = key
        if lower not in names:
            unknown.append(re.sub(r"\W", "?", key, flags=re.ASCII)[:40])
        else:
            values[names[lower]] = value
    if unknown:
        log.info("unknown_keys", keys=unknown[:20])
    return values


def shop_of(callers_: list[Shop], db_type: str, joiner_id: int) -> Shop:
    """Return the shop that the request names, if the caller may speak for it. Raises ShopError."""
    shop = lookup.find_shop(db_type, joiner_id)
    if shop is None:
        raise ShopError(ErrorCode.UNKNOWN_SHOP, f"no shop is registered for DBType {db_type}, JoinerId {joiner_id}")
    if all(caller.pk != shop.pk for caller in callers_):
        raise ShopError(ErrorCode.FORBIDDEN, "this key does not belong to that DBType and JoinerId")
    _throttle(shop.pk)
    return shop


_windows: dict[int, tuple[int, int]] = {}
_windows_lock = threading.Lock()


def _throttle(shop_pk: int) -> None:
    """Count this minute's calls of the shop in this process. Raises ShopError THROTTLED over the limit."""
    minute = int(time.time() // 60)
    with _windows_lock:
        begun, calls = _windows.get(shop_pk, (minute, 0))
        calls = calls + 1 if begun == minute else 1
        _windows[shop_pk] = (minute, calls)
    if calls > settings.PGB_SHOP_CALLS_PER_MINUTE:
        wait = 60 - int(time.time() % 60)
        raise ShopError(ErrorCode.THROTTLED, f"too many calls: try again in {wait} seconds", retry_after=wait)


def _bad(message: str) -> ShopError:
    return ShopError(ErrorCode.INVALID_REQUEST, message)
