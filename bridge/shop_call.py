"""One call of the shop interface, from the raw request to an answer that always has the five keys."""

import logging
from functools import cache
from typing import Any

import structlog
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpResponse, JsonResponse
from django.utils import translation
from rest_framework import serializers
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.views import APIView

from bridge import callers, intake
from bridge.errors import ErrorCode, ShopError
from bridge.log_lines import is_logged, may_be_logged
from merchants.models import Shop

# The database is gone, full or read-only. Whatever else it refuses is a mistake of ours.
CANNOT_STORE = (OperationalError, InterfaceError, InternalError)
RETRY_AFTER = 2

log = structlog.get_logger(__name__)


def answer(**keys: Any) -> dict[str, Any]:
    """Return an answer of the interface: the five keys that are always there, and ``keys``."""
    return {"ErrorCode": "", "ErrorMessage": "", "IsSuccess": True, "RedirectUrl": "", "Type": "", **keys}


def refusal(error: ShopError) -> JsonResponse:
    """Return the answer for an error, with its HTTP status."""
    facts = dict(error.facts)
    retry_after = facts.pop("retry_after", None)
    body = answer(ErrorCode=error.code, ErrorMessage=error.message, IsSuccess=False, **facts)
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return JsonResponse(body, status=error.status, headers=headers)


class ShopCall(APIView):
    """One call: read, authenticated, checked, done, answered."""

    http_method_names = ["post"]
    authentication_classes = ()  # it looks at the caller by itself, and answers in PascalCase
    serializer: type[serializers.Serializer[Any]]

    def post(self, request: Request) -> HttpResponse:
        """Answer the call; what is raised becomes an answer in ``handle_exception``."""
        body = intake.read_body(request._request)
        speaks_for = callers.authenticate(request.headers, body)
        wish = self._checked(intake.parse(body, request.headers.get("Content-Type", "")))
        structlog.contextvars.bind_contextvars(
            db_type=wish["DBType"],
            joiner_id=wish["JoinerId"],
            order_id=wish["OrderId"],
            claim_id=wish["ClaimId"],
            shop_request_id=_shown_id(wish.get("RequestId") or request.headers.get("webhook-id", "")),
        )
        shop = callers.shop_of(speaks_for, wish["DBType"], wish["JoinerId"])
        wish["RequestId"] = wish.get("RequestId") or callers.signed_id(request.headers)
        done = self.work(shop, wish)
        log.info("shop_call", call=self._name, payment_id=done.get("PaymentId"))
        return JsonResponse(done)

    @property
    def _name(self) -> str:
        return type(self).__name__.removesuffix("Call")

    def _checked(self, given: list[tuple[str, Any]]) -> dict[str, Any]:
        call = self.serializer(data=intake.spell(given, _spellings(self.serializer)))
        with translation.override("en"):  # like every other message of the interface
            if not call.is_valid():
                raise ShopError(ErrorCode.INVALID_REQUEST, _said(call.errors))
        return dict(call.validated_data)

    def work(self, shop: Shop, wish: dict[str, Any]) -> dict[str, Any]:
        """Do what the call asks, with its checked values."""
        raise NotImplementedError

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Turn whatever was raised into an answer with the five keys."""
        error = _as_shop_error(exc)
        level = logging.WARNING if error.status >= 400 else logging.INFO
        log.log(level, "shop_call_refused", call=self._name, code=error.code, payment_id=error.facts.get("PaymentId"))
        return is_logged(refusal(error))

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Answer in JSON, whatever Accept says."""
        return super().perform_content_negotiation(request, force=True)


def _shown_id(given: str) -> str:
    return given if not given or may_be_logged(given) else "?"


@cache
def _spellings(serializer: type[serializers.Serializer[Any]]) -> dict[str, str]:
    """Return our spelling of each key by its lower-case one."""
    return {**{name.lower(): name for name in serializer().get_fields()}, **getattr(serializer, "spellings", {})}


def _said(errors: Any) -> str:
    return "; ".join(f"{name}: {' '.join(map(str, said))}" for name, said in errors.items())[:500]


def _as_shop_error(exc: Exception) -> ShopError:
    if isinstance(exc, ShopError):
        return exc
    if isinstance(exc, MethodNotAllowed):
        return ShopError(ErrorCode.INVALID_REQUEST, "send this call as a POST", status=405)
    if isinstance(exc, CANNOT_STORE):
        log.exception("database_unavailable", exc_info=exc)
        message = "PGB cannot store anything now: repeat the same call in a few seconds"
        return ShopError(ErrorCode.UNAVAILABLE, message, retry_after=RETRY_AFTER)
    log.exception("shop_call_failed", exc_info=exc)
    return ShopError(ErrorCode.INTERNAL, "an error of PGB: ask with PayStatus before you repeat the call")
