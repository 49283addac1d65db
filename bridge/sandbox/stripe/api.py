"""The operations of Stripe's API that the sandbox plays."""

import re
import threading
from collections.abc import Callable
from http import HTTPStatus

from bridge.sandbox.books import Event, Json, Payment, Session, StripeBooks
from bridge.sandbox.stripe.accounts import Account
from bridge.sandbox.stripe.checkout import Checkout
from bridge.sandbox.stripe.lists import listing, own, page
from bridge.sandbox.stripe.objects import Renderer, read_expand
from bridge.sandbox.stripe.params import Refused
from bridge.sandbox.stripe.requests import LIST_EVENTS, LIST_SESSIONS, RETRIEVE, read_create, read_list

# an endpoint gets the account, the parameters, the id in the path and the idempotency key
Endpoint = Callable[[Account, Json, str, str | None], Json]


class Api:
    """Finds the endpoint of a request; the endpoints answer with Stripe's objects or raise Refused."""

    def __init__(self, books: StripeBooks, lock: threading.RLock, render: Renderer, checkout: Checkout) -> None:
        self._books = books
        self._lock = lock
        self._render = render
        self._checkout = checkout
        self._routes: list[tuple[str, re.Pattern[str], str, Endpoint]] = [
            ("POST", re.compile(r"/v1/checkout/sessions()"), "start", self._create),
            ("GET", re.compile(r"/v1/checkout/sessions/([^/]+)"), "fetch", self._session),
            ("GET", re.compile(r"/v1/checkout/sessions()"), "list", self._list_sessions),
            ("POST", re.compile(r"/v1/checkout/sessions/([^/]+)/expire"), "expire", self._expire),
            ("GET", re.compile(r"/v1/payment_intents/([^/]+)"), "fetch", self._payment_intent),
            ("GET", re.compile(r"/v1/charges/([^/]+)"), "fetch", self._charge),
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

    def _create(self, account: Account, tree: Json, _: str, key: str | None) -> Json:
        params = read_create(tree)
        expand = read_expand(params, "checkout.session")
        return self._render.session(self._checkout.create(account, params, key), expand)

    def _expire(self, account: Account, tree: Json, session_id: str, _: str | None) -> Json:
        expand = read_expand(RETRIEVE.read(tree), "checkout.session")
        with self._lock:
            session = own(account, self._books.sessions, session_id, "checkout.session", "session")
            self._checkout.expire(account, session)
            return self._render.session(session, expand)

    def _session(self, account: Account, tree: Json, session_id: str, _: str | None) -> Json:
        expand = read_expand(RETRIEVE.read(tree), "checkout.session")
        with self._lock:
            session = own(account, self._books.sessions, session_id, "checkout.session", "session")
            self._checkout.expire_if_due(account, session)
            return self._render.session(session, expand)

    def _payment_intent(self, account: Account, tree: Json, intent_id: str, _: str | None) -> Json:
        expand = read_expand(RETRIEVE.read(tree), "payment_intent")
        with self._lock:
            payment = own(account, self._books.payments, intent_id, "payment_intent", "intent")
            return self._render.payment_intent(payment, expand)

    def _charge(self, account: Account, tree: Json, charge_id: str, _: str | None) -> Json:
        expand = read_expand(RETRIEVE.read(tree), "charge")
        with self._lock:
            by_charge: dict[str, Payment] = {one.charge: one for one in self._books.payments.values() if one.charge}
            return self._render.charge(own(account, by_charge, charge_id, "charge", "charge"), expand)

    def _event(self, account: Account, tree: Json, event_id: str, _: str | None) -> Json:
        read_expand(RETRIEVE.read(tree), "event")
        return own(account, self._books.events, event_id, "event", "id").body

    def _balance(self, account: Account, tree: Json, _: str, __: str | None) -> Json:
        RETRIEVE.read(tree)
        return {"object": "balance", "available": [], "livemode": account.livemode, "pending": []}

    def _account(self, account: Account, tree: Json, _: str, __: str | None) -> Json:
        RETRIEVE.read(tree)
        if not account.reads_account:
            raise Refused(
                "The provided key does not have the required permissions for this endpoint.",
                status=HTTPStatus.FORBIDDEN,
            )
        return {"id": account.mid, "object": "account", "charges_enabled": True, "details_submitted": True}

    def _list_sessions(self, account: Account, tree: Json, _: str, __: str | None) -> Json:
        params = read_list(LIST_SESSIONS, tree)
        expand = read_expand(params, "checkout.session", "data.")

        def wanted(one: Session) -> bool:
            self._checkout.expire_if_due(account, one)
            return (
                params.get("status", one.status) == one.status
                and params.get("payment_intent", one.payment) == one.payment
            )

        with self._lock:
            found, more = page(account, self._books.sessions, params, "checkout.session", wanted)
            data = [self._render.session(one, expand) for one in found]
        return listing("/v1/checkout/sessions", data, more)

    def _list_events(self, account: Account, tree: Json, _: str, __: str | None) -> Json:
        params = read_list(LIST_EVENTS, tree)
        read_expand(params, "event", "data.")
        types = params.get("types") or ([params["type"]] if "type" in params else None)

        def wanted(one: Event) -> bool:
            return types is None or one.type in types

        with self._lock:
            found, more = page(account, self._books.events, params, "event", wanted)
        return listing("/v1/events", [one.body for one in found], more)
