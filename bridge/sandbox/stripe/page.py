"""The hosted pay page: what the buyer sees, with a button for each thing that a buyer may do."""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.template.loader import render_to_string

from bridge.sandbox.books import Session
from bridge.sandbox.faults import Faults
from bridge.sandbox.stripe import WEBHOOK_WAIT, Stripe
from bridge.sandbox.stripe.checkout import NotPossible, buyer_url
from bridge.sandbox.stripe.events import Delivery, wait_for
from bridge.sandbox.stripe.requests import THREE_DECIMAL, ZERO_DECIMAL, methods_for
from bridge.sandbox.wire import Request, Response, html_response, see_other
from bridge.sandbox.words import locale_of, words

PREFIX = "/c/pay/"


class PayPage:
    """GET shows the page, POST is a pressed button."""

    def __init__(self, stripe: Stripe, faults: Faults) -> None:
        self._stripe = stripe
        self._faults = faults

    def handle(self, request: Request) -> Response:
        session = self._stripe.books.sessions.get(request.path.removeprefix(PREFIX))
        if session is None:
            return self._show(request, None, HTTPStatus.NOT_FOUND)
        account = self._stripe.account_of(session)
        self._stripe.checkout.expire_if_due(account, session)
        if request.method != "POST":
            return self._show(request, session)
        try:
            return self._press(request, session, request.form().get("do", ""))
        except NotPossible:
            return self._show(request, session, HTTPStatus.CONFLICT)

    def _press(self, request: Request, session: Session, button: str) -> Response:
        match button:
            case "pay" | "later" | "decline":
                return self._act(request, session, button)
            case "arrived" | "failed":
                self._stripe.deposit(session.id, arrived=button == "arrived")
            case "cancel" if url := buyer_url(session, "cancel"):
                return see_other(url)
        return self._show(request, session, notice="closed" if button == "close" else "")

    def _act(self, request: Request, session: Session, how: str) -> Response:
        taken = self._faults.take("return", {"session": session.id, "reference": session.reference})
        after = taken["before_webhook"]["seconds"] if "before_webhook" in taken else 0.0
        account = self._stripe.account_of(session)
        deliveries: list[Delivery] = self._stripe.checkout.act(account, session, how, after=after)
        wait_for(deliveries, WEBHOOK_WAIT)
        url = buyer_url(session, how)
        if url and "drop" not in taken:
            return see_other(url)
        return self._show(request, session, notice="declined" if how == "decline" else "")

    def _show(
        self, request: Request, session: Session | None, status: int = HTTPStatus.OK, *, notice: str = ""
    ) -> Response:
        language = locale_of(session.params.get("locale") if session else None, request.headers)
        context: dict[str, Any] = {"words": words(language), "language": language, "notice": notice}
        if session:
            line = session.params["line_items"][0]
            methods = methods_for(session.params)
            context |= {
                "session": session,
                "amount": readable(session.amount, session.currency),
                "product": line["price_data"]["product_data"]["name"],
                "later": "konbini" in methods,
                "at_once": methods != ["konbini"],
                "awaits_deposit": session.status == "complete" and session.payment_status == "unpaid",
                "back": session.params.get("cancel_url"),
                "merchant": urlsplit(session.params["success_url"]).netloc,
            }
        return html_response(render_to_string("sandbox/pay.html", context), status)


def readable(amount: int, currency: str) -> str:
    """An amount in minor units as people write it: 64,900 KRW."""
    digits = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    return f"{amount / 10**digits:,.{digits}f} {currency.upper()}"
