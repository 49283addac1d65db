"""The doors of PGB: the shop's calls, the gateways' notices, the buyers' returns."""

from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST
from rest_framework.request import Request

from bridge import api_docs, bodies, returns, status, webhooks
from bridge.cancel import cancel
from bridge.errors import ErrorCode, ShopError
from bridge.log_lines import is_logged
from bridge.serializers import (
    FullCancelSerializer,
    PartialCancelSerializer,
    PayStartSerializer,
    PayStatusSerializer,
)
from bridge.shop_call import CANNOT_STORE, ShopCall, answer, refusal
from bridge.start import start
from bridge.wishes import cancel_of, pay_start_of
from merchants.models import Shop
from payments import money
from payments.states import Stage

LARGEST_WEBHOOK = 1024 * 1024

log = structlog.get_logger(__name__)


class PayStartCall(ShopCall):
    """POST /PGB/PayStart"""

    serializer = PayStartSerializer

    @api_docs.pay_start
    def post(self, request: Request) -> HttpResponse:
        """Open an attempt to pay."""
        return super().post(request)

    def work(self, shop: Shop, wish: dict[str, Any]) -> dict[str, Any]:
        """Open the payment; the answer says where to send the buyer."""
        session = start(pay_start_of(shop, wish))
        balance = money.to_text(session.balance, session.currency)
        return answer(
            RedirectUrl=session.page_url,
            Type="Redirect",
            PaymentId=session.reference,
            Stage=str(Stage(session.stage)),
            Balance=balance,
        )


class PartialCancelCall(ShopCall):
    """POST /PGB/PartialCancel"""

    serializer = PartialCancelSerializer

    @api_docs.partial_cancel
    def post(self, request: Request) -> HttpResponse:
        """Give a part of the money back."""
        return super().post(request)

    def work(self, shop: Shop, wish: dict[str, Any]) -> dict[str, Any]:
        """Reserve the part and wait for what comes of it."""
        return answer(**cancel(cancel_of(shop, wish)))


class FullCancelCall(ShopCall):
    """POST /PGB/FullCancel"""

    serializer = FullCancelSerializer

    @api_docs.full_cancel
    def post(self, request: Request) -> HttpResponse:
        """Give back all that remains, or end an unpaid payment."""
        return super().post(request)

    def work(self, shop: Shop, wish: dict[str, Any]) -> dict[str, Any]:
        """Reserve the rest and wait for what comes of it."""
        return answer(**cancel(cancel_of(shop, wish)))


class PayStatusCall(ShopCall):
    """POST /PGB/PayStatus"""

    serializer = PayStatusSerializer

    @api_docs.pay_status
    def post(self, request: Request) -> HttpResponse:
        """Tell what is known of an order."""
        return super().post(request)

    def work(self, shop: Shop, wish: dict[str, Any]) -> dict[str, Any]:
        """Look the order up in our own books."""
        found = status.of_order(shop, wish["JoinerId"], wish["OrderId"], wish["ClaimId"])
        return answer(Type="Done", **found)


@csrf_exempt
def no_such_call(request: HttpRequest) -> HttpResponse:
    """Answer a mistyped path below /PGB/ in the form that its caller can read."""
    message = "there is no such call: POST to /PGB/PayStart, /PGB/PartialCancel, /PGB/FullCancel or /PGB/PayStatus"
    return refusal(ShopError(ErrorCode.INVALID_REQUEST, message, status=404))


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, gateway: str = webhooks.DEFAULT_GATEWAY, token: str | None = None) -> HttpResponse:
    """Take a gateway's notice: 2xx only once it is stored."""
    try:
        body = bodies.read(request, LARGEST_WEBHOOK)
        status_code, content_type, said = webhooks.receive(gateway.lower(), token, request.headers, body)
    except bodies.TooLarge:
        return HttpResponse("too large", status=413, content_type="text/plain")
    except bodies.BrokenOff:
        return HttpResponse("the body broke off", status=400, content_type="text/plain")
    except webhooks.UnknownEndpoint:
        return HttpResponse("no such endpoint", status=404, content_type="text/plain")
    except CANNOT_STORE:
        log.exception("database_unavailable")
        return is_logged(HttpResponse("not stored: try again", status=503, content_type="text/plain"))
    return is_logged(HttpResponse(said, status=status_code, content_type=content_type))


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def come_back(request: HttpRequest, token: str) -> HttpResponse:
    """Send a buyer who comes from the gateway on to the shop."""
    return _on_to(request, returns.come_back, token)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def step_back(request: HttpRequest, token: str) -> HttpResponse:
    """Send a buyer who turned back at the gateway on to the shop."""
    return _on_to(request, returns.step_back, token)


def _on_to(request: HttpRequest, find: Callable[[str], str | None], token: str) -> HttpResponse:
    try:
        url = find(token)
    except CANNOT_STORE:
        log.exception("database_unavailable")
        return is_logged(render(request, "pay/later.html", status=503))
    if url is None:
        return render(request, "pay/unknown.html", status=404)
    log.info("buyer_sent_on", after=find.__name__)
    response = HttpResponseRedirect(url)
    response.status_code = 303
    response["Referrer-Policy"] = "no-referrer"
    return response
