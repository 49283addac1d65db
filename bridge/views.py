"""The doors of PGB: the shop's calls, the gateways' notices, the buyers' returns."""

from typing import Any

import structlog
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST
from drf_spectacular.utils import extend_schema
from psycopg_pool import PoolTimeout
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bridge import intake, returns, status, webhooks
from bridge.errors import ErrorCode, ShopError
from bridge.redirects import is_allowed_url
from bridge.serializers import (
    AnswerSerializer,
    PayStartSerializer,
    PayStatusAnswerSerializer,
    PayStatusSerializer,
)
from bridge.start import PayStart, start
from merchants.models import Shop
from payments import money
from payments.states import Stage

LARGEST_WEBHOOK = 1024 * 1024
NO_DATABASE = (DatabaseError, PoolTimeout)

log = structlog.get_logger(__name__)


def answer(**keys: Any) -> dict[str, Any]:
    """Return an answer of the interface: the five keys that are always there, and ``keys``."""
    return {"ErrorCode": "", "ErrorMessage": "", "IsSuccess": True, "RedirectUrl": "", "Type": "", **keys}


def refusal(error: ShopError) -> Response:
    """Return the answer for an error, with its HTTP status."""
    facts = dict(error.facts)
    retry_after = facts.pop("retry_after", None)
    body = answer(ErrorCode=error.code, ErrorMessage=error.message, IsSuccess=False, **facts)
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return Response(body, status=error.status, headers=headers)


class ShopCall(APIView):
    """One call of the shop interface: read, authenticated, checked, done, answered."""

    serializer: type[serializers.Serializer[Any]]

    def post(self, request: Request) -> Response:
        """Answer the call; whatever happens, the five keys are there."""
        try:
            return Response(self._work(request._request))
        except ShopError as error:
            if error.status >= 400:
                log.warning("shop_call_refused", code=str(error.code))
            return refusal(error)
        except NO_DATABASE:
            log.exception("database_unavailable")
            message = "PGB cannot store anything now: repeat the same call in a few seconds"
            return refusal(ShopError(ErrorCode.UNAVAILABLE, message, retry_after=2))
        except Exception:
            log.exception("shop_call_failed")
            return refusal(ShopError(ErrorCode.INTERNAL, "an error of PGB: ask with PayStatus before repeating"))

    def _work(self, request: HttpRequest) -> dict[str, Any]:
        body = intake.read_body(request)
        callers = intake.callers(request, body)
        given = intake.parse(body, request.headers.get("Content-Type", ""))
        names = {name.lower(): name for name in self.serializer().fields}
        call = self.serializer(data=intake.spell(given, names))
        if not call.is_valid():
            raise ShopError(ErrorCode.INVALID_REQUEST, _first_errors(call.errors))
        wish = call.validated_data
        shop = intake.shop_of(callers, wish["DBType"], wish["JoinerId"])
        return self.work(shop, wish)

    def work(self, shop: Shop, wish: dict[str, Any]) -> dict[str, Any]:
        """Do what the call asks, with its checked values."""
        raise NotImplementedError


def _first_errors(errors: Any) -> str:
    return "; ".join(f"{name}: {' '.join(map(str, said))}" for name, said in errors.items())[:500]


class PayStartCall(ShopCall):
    """POST /PGB/PayStart"""

    serializer = PayStartSerializer

    @extend_schema(
        operation_id="PayStart",
        summary="결제 시작: opens an attempt to pay and tells where to send the buyer",
        request={
            "application/json": PayStartSerializer,
            "application/x-www-form-urlencoded": PayStartSerializer,
        },
        responses=AnswerSerializer,
    )
    def post(self, request: Request) -> Response:
        """Open an attempt to pay. Equal calls get the same page while at least five minutes are left."""
        return super().post(request)

    def work(self, shop: Shop, wish: dict[str, Any]) -> dict[str, Any]:
        """Open the payment; the answer says where to send the buyer."""
        session = start(_pay_start(shop, wish))
        balance = money.to_text(session.balance, session.currency)
        return answer(
            RedirectUrl=session.page_url,
            Type="Redirect",
            PaymentId=session.reference,
            Stage=str(Stage(session.stage)),
            Balance=balance,
        )


def _pay_start(shop: Shop, wish: dict[str, Any]) -> PayStart:
    """Check what depends on the shop: its nations, its currency, its list of hosts."""
    if wish["NationCode"] not in shop.nations:
        served = ", ".join(shop.nations)
        raise ShopError(ErrorCode.INVALID_REQUEST, f"NationCode: this shop serves {served}")
    amount = _price("TotalPrice", wish["TotalPrice"], shop.currency)
    tax_free = _price("TaxFreePrice", wish["TaxFreePrice"], shop.currency)
    if amount == 0:
        raise ShopError(ErrorCode.INVALID_REQUEST, "TotalPrice: must be more than 0")
    if tax_free > amount:
        raise ShopError(ErrorCode.INVALID_REQUEST, "TaxFreePrice: is more than TotalPrice")
    for name in ("RedirectUrl", "CancelUrl"):
        if wish[name] and not is_allowed_url(wish[name], shop.redirect_hosts):
            message = f"{name}: must be an absolute https address whose host is on the shop's list"
            raise ShopError(ErrorCode.REDIRECT_NOT_ALLOWED, message)
    buyer = {"name": wish["BuyerName"], "email": wish["BuyerEmail"], "tel": wish["BuyerTel"]}
    return PayStart(
        shop=shop,
        joiner_id=wish["JoinerId"],
        order_id=wish["OrderId"],
        claim_id=wish["ClaimId"],
        nation=wish["NationCode"],
        method=wish["PayType"],
        gateway=wish.get("PGType") or None,
        device=wish["Device"],
        amount=amount,
        tax_free=tax_free,
        description=wish["OrderDescription"],
        redirect_url=wish["RedirectUrl"],
        cancel_url=wish["CancelUrl"] or wish["RedirectUrl"],
        buyer={name: value for name, value in buyer.items() if value},
    )


def _price(name: str, price: str | int, currency: str) -> int:
    try:
        return money.parse(price, currency)
    except money.BadAmount as error:
        raise ShopError(ErrorCode.INVALID_REQUEST, f"{name}: {error}") from error


class PayStatusCall(ShopCall):
    """POST /PGB/PayStatus"""

    serializer = PayStatusSerializer

    @extend_schema(
        operation_id="PayStatus",
        summary="결제 조회: tells what PGB knows of an order",
        request={
            "application/json": PayStatusSerializer,
            "application/x-www-form-urlencoded": PayStatusSerializer,
        },
        responses=PayStatusAnswerSerializer,
    )
    def post(self, request: Request) -> Response:
        """Tell the stage and the sums of an order. The shop can always ask."""
        return super().post(request)

    def work(self, shop: Shop, wish: dict[str, Any]) -> dict[str, Any]:
        """Look the order up in our own books."""
        found = status.of_order(shop, wish["JoinerId"], wish["OrderId"], wish["ClaimId"])
        return answer(Type="Done", **found)


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, gateway: str = webhooks.DEFAULT_GATEWAY, token: str | None = None) -> HttpResponse:
    """Take a gateway's notice: 2xx only once it is stored."""
    length = request.headers.get("Content-Length") or "0"
    if not length.isascii() or not length.isdigit() or int(length) > LARGEST_WEBHOOK:
        return HttpResponse("too large", status=413, content_type="text/plain")
    try:
        status_code, content_type, body = webhooks.receive(gateway.lower(), token, request.headers, request.body)
    except webhooks.UnknownEndpoint:
        return HttpResponse("no such endpoint", status=404, content_type="text/plain")
    except NO_DATABASE:
        log.exception("database_unavailable")
        return HttpResponse("not stored: try again", status=503, content_type="text/plain")
    return HttpResponse(body, status=status_code, content_type=content_type)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def come_back(request: HttpRequest, token: str) -> HttpResponse:
    """Send a buyer who comes from the gateway on to the shop."""
    return _on_to(request, returns.come_back(token))


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def step_back(request: HttpRequest, token: str) -> HttpResponse:
    """Send a buyer who turned back at the gateway on to the shop."""
    return _on_to(request, returns.step_back(token))


def _on_to(request: HttpRequest, url: str | None) -> HttpResponse:
    if url is None:
        return render(request, "pay/unknown.html", status=404)
    response = HttpResponseRedirect(url)
    response.status_code = 303
    response["Referrer-Policy"] = "no-referrer"
    return response
