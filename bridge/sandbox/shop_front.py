"""The shop's small front: a page that starts an order by hand, and the page that the buyer comes back to."""

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.template.loader import render_to_string

from bridge.sandbox.outbound import post
from bridge.sandbox.schedule import now
from bridge.sandbox.shop import Shop, ShopAccount
from bridge.sandbox.wire import Request, Response, html_response, json_response, see_other
from bridge.sandbox.words import locale_of, words

SIGNED = ("PaymentId", "OrderId", "ClaimId", "Stage", "Timestamp")
METHODS = {"KRW": ("CARD", "KAKAOPAY", "NAVERPAY"), "JPY": ("CARD", "KONBINI")}
ORDER_SHEET_AMOUNTS = (30_000, 64_900, 250_000)
RECENT = 20
# Invented, by nation: no telephone rings at these numbers, and .example has no mailbox.
BUYERS = {
    "KR": {"BuyerName": "홍길동", "BuyerTel": "010-0000-0000", "BuyerEmail": "hong@buyer.example"},
    "JP": {"BuyerName": "山田花子", "BuyerTel": "090-0000-0000", "BuyerEmail": "yamada@buyer.example"},
}


@dataclass(frozen=True)
class Refusal:
    """Why PGB did not start the payment."""

    code: str
    message: str


class ShopFront:
    """GET /shop/ (the form), POST /shop/order (starts a payment), GET /shop/thanks (the buyer is back).

    GET /shop/order-sheet is a page of the shop with PGB's popup of interest-free notices in it.
    """

    def __init__(self, shop: Shop, url: str) -> None:
        self._shop = shop
        self._url = url
        self._order_ids = itertools.count(int(now()))  # an int of 32 bits, new after every start

    def handle(self, request: Request) -> Response:
        match request.method, request.path:
            case "GET", "/shop/":
                return self._page(request, "front", self._front())
            case "POST", "/shop/order":
                return self._order(request)
            case "GET", "/shop/order-sheet":
                return self._page(request, "order_sheet", self._order_sheet(request.form()))
            case "GET", "/shop/thanks":
                return self._page(request, "thanks", self._thanks(request.form()))
        return json_response({"error": "unknown"}, HTTPStatus.NOT_FOUND)

    def _page(self, request: Request, name: str, context: Mapping[str, Any], status: int = HTTPStatus.OK) -> Response:
        language = locale_of(None, request.headers)
        context = {"words": words(language), "language": language, **context}
        return html_response(render_to_string(f"sandbox/{name}.html", context), status)

    def _front(self) -> dict[str, Any]:
        with self._shop.lock:
            recent = list(self._shop.books.orders.items())[: -RECENT - 1 : -1]
        shops = [(one, METHODS.get(one.currency, ("CARD",))) for one in self._shop.accounts]
        return {"shops": shops, "orders": recent}

    def _order_sheet(self, values: Mapping[str, str]) -> dict[str, Any]:
        wanted = values.get("db_type", "KR1")
        shop = next((one for one in self._shop.accounts if one.db_type == wanted), None)
        return {"shop": shop, "pgb": settings.PGB_PUBLIC_URL, "amounts": ORDER_SHEET_AMOUNTS}

    def _order(self, request: Request) -> Response:
        form = request.form()
        joiner = form.get("joiner_id", "")
        account = self._shop.account(form.get("db_type", ""), int(joiner) if joiner.isdigit() else None)
        if account is None:
            return json_response({"error": "unknown shop"}, HTTPStatus.NOT_FOUND)
        started = self._start(account, form)
        if isinstance(started, str):
            return see_other(started)
        return self._page(request, "front", self._front() | {"refusal": started}, HTTPStatus.BAD_GATEWAY)

    def _start(self, account: ShopAccount, form: Mapping[str, str]) -> str | Refusal:
        """Calls PayStart: the page to send the buyer to, or why there is none."""
        order = {
            "DBType": account.db_type,
            "OrderId": next(self._order_ids),
            "JoinerId": account.joiner_id,
            "NationCode": account.nation,
            "PayType": form.get("method", "CARD"),
            "TotalPrice": form.get("amount", ""),
            "OrderDescription": form.get("description", ""),
            **BUYERS.get(account.nation, {}),
            "RedirectUrl": f"{self._url}/shop/thanks?{urlencode({'DBType': account.db_type})}",
        }
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {account.api_key}"}
        answer = post(f"{settings.PGB_PUBLIC_URL}/PGB/PayStart", json.dumps(order).encode(), headers)
        try:
            data = json.loads(answer.body)
        except ValueError:
            data = None
        if not isinstance(data, dict):
            return Refusal(str(answer.status or "-"), answer.error or "not a JSON object")
        if data.get("IsSuccess") and data.get("RedirectUrl"):
            return str(data["RedirectUrl"])
        return Refusal(str(data.get("ErrorCode")), str(data.get("ErrorMessage")))

    def _thanks(self, values: Mapping[str, str]) -> dict[str, Any]:
        db_type, order_id, claim_id = (values.get(name, "") for name in ("DBType", "OrderId", "ClaimId"))
        key = (
            db_type,
            int(order_id) if order_id.isdigit() else 0,
            int(claim_id) if claim_id.isdigit() else 0,
        )
        order = self._shop.books.orders.get(key)
        accounts = [one for one in self._shop.accounts if one.db_type == db_type]
        return {
            "returned": [(name, values.get(name, "")) for name in SIGNED],
            "signed": any(is_signed(values, one.signing_secret) for one in accounts),
            "order": order,
            "wait": order is None or order.stage == "WAITING_DEPOSIT",
        }


def is_signed(values: Mapping[str, str], secret: str) -> bool:
    """Whether the return's parameters carry PGB's signature: anybody may type an address."""
    text = ".".join(values.get(name, "") for name in SIGNED)
    digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), text.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(digest.encode(), values.get("Signature", "").encode())
