"""The functions for shop servers and front ends: which pages may read them, and how errors are told."""

import logging
from typing import Any

import structlog
from django.http import HttpRequest
from rest_framework.exceptions import APIException, MethodNotAllowed, ParseError, ValidationError
from rest_framework.response import Response

from bridge.errors import ErrorCode, ShopError
from bridge.log_lines import is_logged
from bridge.redirects import is_allowed_url
from bridge.shop_call import CANNOT_STORE, RETRY_AFTER
from merchants import lookup
from merchants.functions import error

FUNCTIONS = "/api/v1/"

log = structlog.get_logger(__name__)


def answer_to(exc: Exception, context: dict[str, Any]) -> Response:
    """Turn whatever a function raised into an answer; DRF's EXCEPTION_HANDLER."""
    known = _as_shop_error(exc)
    level = logging.WARNING if known.status >= 400 else logging.INFO
    log.log(level, "function_refused", function=type(context["view"]).__name__, code=known.code)
    wait = known.facts.get("retry_after")
    headers = {"Retry-After": str(wait)} if wait else None
    return is_logged(Response(error(known.code, known.message), status=known.status, headers=headers))


def _as_shop_error(exc: Exception) -> ShopError:
    match exc:
        case ShopError():
            return exc
        case lookup.MethodNotConnected():
            message = "this payment method is not connected and in use for this shop and nation: offer another one"
            return ShopError(ErrorCode.METHOD_NOT_CONNECTED, message)
        case lookup.NoMerchant():
            message = "no merchant may charge this now: the payment is impossible, offer another payment method"
            return ShopError(ErrorCode.NO_MERCHANT, message)
        case ValidationError():
            return ShopError(ErrorCode.INVALID_REQUEST, _said(exc.detail))
        case ParseError():
            return ShopError(ErrorCode.INVALID_REQUEST, "the body is not a JSON object in UTF-8")
        case MethodNotAllowed():
            return ShopError(ErrorCode.INVALID_REQUEST, "this function is not asked by this HTTP method", status=405)
        case APIException():
            return ShopError(ErrorCode.INVALID_REQUEST, str(exc.detail), status=exc.status_code)
    if isinstance(exc, CANNOT_STORE):
        log.exception("database_unavailable", exc_info=exc)
        message = "PGB cannot answer now: try again in a few seconds"
        return ShopError(ErrorCode.UNAVAILABLE, message, retry_after=RETRY_AFTER)
    log.exception("function_failed", exc_info=exc)
    return ShopError(ErrorCode.INTERNAL, "an error of PGB")


def _said(detail: Any) -> str:
    """Return DRF's problems as one line: ``name: what is wrong``."""
    if isinstance(detail, dict):
        return "; ".join(f"{name}: {_said(problem)}" for name, problem in detail.items())[:500]
    return " ".join(map(_said, detail)) if isinstance(detail, list) else str(detail)


def may_be_read_by(sender: Any, request: HttpRequest, **_: Any) -> bool:
    """Whether the page that asks may read the answer: its host is on some active shop's list (CORS)."""
    origin = request.headers.get("Origin", "")
    if not origin or not request.path_info.startswith(FUNCTIONS):
        return False
    try:
        return any(is_allowed_url(origin, shop.redirect_hosts) for shop in lookup.active_shops())
    except CANNOT_STORE:
        return False  # the answer itself will say that the database is gone
