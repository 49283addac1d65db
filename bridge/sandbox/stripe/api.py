"""The operations of Stripe's API that the sandbox plays."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from bridge.sandbox.books import Event, Json, Payment, Refund, Session, StripeBooks
from bridge.sandbox.faults import Taken
from bridge.sandbox.stripe.accounts import Account
from bridge.sandbox.stripe.charges import list_charges
from bridge.sandbox.stripe.checkout import Checkout
from bridge.sandbox.stripe.lists import listing, own, page
from bridge.sandbox.stripe.money_back import MoneyBack
from bridge.sandbox.stripe.objects import Renderer, read_expand
from bridge.sandbox.stripe.params import Refused
from bridge.sandbox.stripe.requests import (
    LIST_EVENTS,
    LIST_REFUNDS,
    LIST_SESSIONS,
    REFUND,
    RETRIEVE,
    read_create,
    read_list,
)


@dataclass(frozen=True)
class Asked:
    """One request as an endpoint sees it: whose, its parameters, the id in its path, its idempotency key.

    `taken` are the faults that have hit it.
    """

    account: Account
    tree: Json
    object_id: str
    key: str | None
    taken: Taken


Endpoint = Callable[[Asked], Json]


class Api:
    """Finds the endpoint of a request; the endpoints answer with Stripe's objects or raise Refused."""

    def __init__(
        self,
        books: StripeBooks,
        lock: threading.RLock,
        render: Renderer,
        checkout: Checkout,
        money_back: MoneyBack,
    ) -> None:
        self._books = books
        self._lock = lock
        self._render = render
        self._checkout = checkout
        self._money_back = money_back
        self._routes: list[tuple[str, re.Pattern[str], str, Endpoint]] = [
            ("POST", re.compile(r"/v1/checkout/sessions()"), "start", self._create),
            ("GET", re.compile(r"/v1/checkout/sessions/([^/]+)"), "fetch", self._session),
            ("GET", re.compile(r"/v1/checkout/sessions()"), "list", self._list_sessions),
            ("POST", re.compile(r"/v1/checkout/sessions/([^/]+)/expire"), "expire", self._expire),
            ("GET", re.compile(r"/v1/payment_intents/([^/]+)"), "fetch", self._payment_intent),
            ("GET", re.compile(r"/v1/charges/([^/]+)"), "fetch", self._charge),
            ("GET", re.compile(r"/v1/charges()"), "report", self._list_charges),
            ("POST", re.compile(r"/v1/refunds()"), "cancel", self._refund),
            ("GET", re.compile(r"/v1/refunds/([^/]+)"), "refunds", self._get_refund),
            ("GET", re.compile(r"/v1/refunds()"), "refunds", self._list_refunds),
            ("GET", re.compile(r"/v1/disputes/([^/]+)"), "fetch", self._dispute),
            ("GET", re.compile(r"/v1/events/([^/]+)"), "events", self._event),
            ("GET", re.compile(r"/v1/events()"), "events", self._list_events),
            ("GET", re.compile(r"/v1/balance()"), "balance", self._balance),
            ("GET", re.compile(r"/v1/account()"), "check", self._account),
        ]

    def route(self, method: str, path: str) -> tuple[str, Endpoint, str]:
        """(operation, endpoint, id in the path)."""
        for its_method, pattern, operation, endpoint in self._routes:
            if its_method == method and (match := pattern.fullmatch(path)):
                return operation, endpoint, match[1]
        raise Refused(
            f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help"
            " at https://support.stripe.com/.",
            status=HTTPStatus.NOT_FOUND,
        )

    def _create(self, asked: Asked) -> Json:
        params = read_create(asked.tree)
        expand = read_expand(params, "checkout.session")
        return self._render.session(self._checkout.create(asked.account, params, asked.key), expand)

    def _expire(self, asked: Asked) -> Json:
        expand = read_expand(RETRIEVE.read(asked.tree), "checkout.session")
        with self._lock:
            session = own(asked.account, self._books.sessions, asked.object_id, "checkout.session", "session")
            self._checkout.expire(asked.account, session)
            return self._render.session(session, expand)

    def _session(self, asked: Asked) -> Json:
        expand = read_expand(RETRIEVE.read(asked.tree), "checkout.session")
        with self._lock:
            session = own(asked.account, self._books.sessions, asked.object_id, "checkout.session", "session")
            self._checkout.expire_if_due(asked.account, session)
            return self._render.session(session, expand)

    def _payment_intent(self, asked: Asked) -> Json:
        expand = read_expand(RETRIEVE.read(asked.tree), "payment_intent")
        with self._lock:
            payment = own(asked.account, self._books.payments, asked.object_id, "payment_intent", "intent")
            return self._render.payment_intent(payment, expand)

    def _charge(self, asked: Asked) -> Json:
        expand = read_expand(RETRIEVE.read(asked.tree), "charge")
        with self._lock:
            return self._render.charge(self._by_charge(asked.account, asked.object_id), expand)

    def _list_charges(self, asked: Asked) -> Json:
        with self._lock:
            return list_charges(self._books, self._render, asked.account, asked.tree)

    def _by_charge(self, account: Account, charge_id: str) -> Payment:
        by_charge: dict[str, Payment] = {one.charge: one for one in self._books.payments.values() if one.charge}
        return own(account, by_charge, charge_id, "charge", "charge")

    def _refund(self, asked: Asked) -> Json:
        params = REFUND.read(asked.tree)
        expand = read_expand(params, "refund")
        if "refund_status" in asked.taken:
            params |= asked.taken["refund_status"].params
        with self._lock:
            payment = self._to_refund(asked.account, params)
            refund, _ = self._money_back.refund(asked.account, payment, params, asked.key)
            return self._render.refund(refund, expand)

    def _to_refund(self, account: Account, params: Json) -> Payment:
        if "payment_intent" in params:
            return own(account, self._books.payments, params["payment_intent"], "payment_intent", "payment_intent")
        if "charge" in params:
            return self._by_charge(account, params["charge"])
        raise Refused("One of the following params should be provided for this request: payment_intent or charge.")

    def _get_refund(self, asked: Asked) -> Json:
        expand = read_expand(RETRIEVE.read(asked.tree), "refund")
        with self._lock:
            refund = own(asked.account, self._books.refunds, asked.object_id, "refund", "id")
            return self._render.refund(refund, expand)

    def _list_refunds(self, asked: Asked) -> Json:
        params = read_list(LIST_REFUNDS, asked.tree)
        expand = read_expand(params, "refund", "data.")

        def wanted(one: Refund) -> bool:
            charge = self._books.payments[one.payment].charge
            return params.get("payment_intent", one.payment) == one.payment and params.get("charge", charge) == charge

        with self._lock:
            if "payment_intent" in params or "charge" in params:
                self._to_refund(asked.account, params)
            found, more = page(asked.account, self._books.refunds, params, "refund", wanted)
            data = [self._render.refund(one, expand) for one in found]
        return listing("/v1/refunds", data, more)

    def _dispute(self, asked: Asked) -> Json:
        expand = read_expand(RETRIEVE.read(asked.tree), "dispute")
        with self._lock:
            dispute = own(asked.account, self._books.disputes, asked.object_id, "dispute", "dispute")
            return self._render.dispute(dispute, expand)

    def _event(self, asked: Asked) -> Json:
        read_expand(RETRIEVE.read(asked.tree), "event")
        return own(asked.account, self._books.events, asked.object_id, "event", "id").body

    def _balance(self, asked: Asked) -> Json:
        RETRIEVE.read(asked.tree)
        return {"object": "balance", "available": [], "livemode": asked.account.livemode, "pending": []}

    def _account(self, asked: Asked) -> Json:
        RETRIEVE.read(asked.tree)
        if not asked.account.reads_account:
            raise Refused(
                "The provided key does not have the required permissions for this endpoint.",
                status=HTTPStatus.FORBIDDEN,
            )
        return {"id": asked.account.mid, "object": "asked.account", "charges_enabled": True, "details_submitted": True}

    def _list_sessions(self, asked: Asked) -> Json:
        params = read_list(LIST_SESSIONS, asked.tree)
        expand = read_expand(params, "checkout.session", "data.")

        def wanted(one: Session) -> bool:
            self._checkout.expire_if_due(asked.account, one)
            return (
                params.get("status", one.status) == one.status
                and params.get("payment_intent", one.payment) == one.payment
            )

        with self._lock:
            found, more = page(asked.account, self._books.sessions, params, "checkout.session", wanted)
            data = [self._render.session(one, expand) for one in found]
        return listing("/v1/checkout/sessions", data, more)

    def _list_events(self, asked: Asked) -> Json:
        params = read_list(LIST_EVENTS, asked.tree)
        read_expand(params, "event", "data.")
        types = params.get("types") or ([params["type"]] if "type" in params else None)

        def wanted(one: Event) -> bool:
            return types is None or one.type in types

        with self._lock:
            found, more = page(asked.account, self._books.events, params, "event", wanted)
        return listing("/v1/events", [one.body for one in found], more)
