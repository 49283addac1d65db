"""Stripe, as far as PGB uses it: keys, idempotency and faults around the API's operations."""

import hashlib
import json
import threading
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from secrets import token_hex
from typing import Any

from bridge.sandbox import broken
from bridge.sandbox.books import Call, Json, Session, StripeBooks
from bridge.sandbox.faults import Faults, Taken
from bridge.sandbox.recorder import Exchange, Recorder
from bridge.sandbox.schedule import Schedule
from bridge.sandbox.stripe.accounts import Account, authenticate
from bridge.sandbox.stripe.api import Api
from bridge.sandbox.stripe.checkout import Checkout
from bridge.sandbox.stripe.events import Events, wait_for
from bridge.sandbox.stripe.keys import Keys
from bridge.sandbox.stripe.lies import tamper
from bridge.sandbox.stripe.objects import Renderer
from bridge.sandbox.stripe.params import Refused, unbracket
from bridge.sandbox.stripe.shapes import API_VERSION
from bridge.sandbox.wire import BadRequest, Request, Response, json_response

WEBHOOK_WAIT = 10.0  # Checkout sends the buyer back once the webhook was answered, or after this time
HARMLESS = {"latency", "webhook_first"}  # faults after which an answer is still Stripe's own


class Stripe:
    """The stand-in. `accounts` are those it knows, by secret key; `books` is what it believes."""

    def __init__(self, base: str, faults: Faults, schedule: Schedule, clock: float, record: Recorder) -> None:
        self.accounts: dict[str, Account] = {}
        self.books = StripeBooks()
        self.lock = threading.RLock()
        self.settle = schedule.settle
        self.render = Renderer(self.books, base)
        self.events = Events(self.books, faults, schedule, clock, record)
        self.checkout = Checkout(self.books, self.lock, self.render, self.events, schedule)
        self._api = Api(self.books, self.lock, self.render, self.checkout)
        self._faults = faults
        self._keys = Keys()
        self._record = record

    def add_account(self, **data: Any) -> Account:
        """Makes an account known (see Account for the members); ValueError for wrong ones."""
        account = Account.from_json(data)
        self.accounts[account.secret_key] = account
        return account

    def account_of(self, session: Session) -> Account:
        return next(one for one in self.accounts.values() if one.mid == session.account)

    def find(self, name: str) -> Session:
        """A session by its id, or the newest one with our reference. KeyError if there is none."""
        with self.lock:
            if name in self.books.sessions:
                return self.books.sessions[name]
            if named := self.books.by_reference(name):
                return named[-1]
        raise KeyError(f"no session {name}")

    def pay(self, name: str, how: str = "pay") -> Session:
        """The buyer acts (pay, later, decline) without a browser; returns once the webhooks were answered."""
        session = self.find(name)
        wait_for(self.checkout.act(self.account_of(session), session, how), WEBHOOK_WAIT)
        return session

    def deposit(self, name: str, *, arrived: bool = True) -> Session:
        """The money of a session paid later arrives (or never will); returns as pay() does."""
        session = self.find(name)
        wait_for(self.checkout.deposit(self.account_of(session), session, arrived), WEBHOOK_WAIT)
        return session

    def reset(self) -> None:
        """Empties the books; the accounts stay."""
        with self.lock:
            for book in vars(self.books).values():
                book.clear()
            self._keys.clear()
            self.events.forget()

    def handle(self, request: Request) -> Response:
        """Answers an API request; faults may change the answer or how it is sent."""
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        operation, taken = "unknown", Taken()
        try:
            operation, endpoint, object_id = self._api.route(request.method, request.path)
            account = authenticate(request.headers, self.accounts)
            tree = unbracket(request.pairs())
            taken = self._faults.take(operation, self._facts(account, tree, object_id))
            call = partial(endpoint, account, tree, object_id, key)
            answer = broken.before(taken, _fault) or self._once(account, request, tree, key, taken, call)
        except Refused as refusal:
            answer = _refusal(refusal)
        except BadRequest as error:
            answer = _refusal(Refused(str(error)))
        answer.headers["Request-Id"] = f"req_{token_hex(7)}"
        self.books.calls.append(Call(operation, request.path, key, answer.status))
        answer = broken.after(taken, tamper(taken, answer), _fault)
        self._report(request, answer, faulty=bool(taken.keys() - HARMLESS))
        return answer

    def _facts(self, account: Account, tree: Json, object_id: str) -> Json:
        payment = self.books.payments.get(object_id)
        session = self.books.sessions.get(payment.session if payment else object_id)
        reference = session.reference if session else tree.get("client_reference_id")
        return {"account": account.mid, "session": session.id if session else None, "reference": reference}

    def _once(
        self,
        account: Account,
        request: Request,
        tree: Json,
        key: str | None,
        taken: Taken,
        call: Callable[[], Json],
    ) -> Response:
        """Works once per idempotency key. Refusals that come after validation are remembered like answers."""

        def execute() -> Response:
            try:
                data = call()
            except Refused as refusal:
                if refusal.stored:
                    return _refusal(refusal)
                raise
            if fault := taken.get("webhook_first"):
                self.pay(data["id"], fault["how"])
            return json_response(data, Stripe_Version=API_VERSION)

        fingerprint = json.dumps([request.path, tree], sort_keys=True)
        digest = hashlib.sha256(fingerprint.encode()).hexdigest()
        return self._keys.run(account.mid, key, digest, lambda: broken.within(taken, execute, _fault))

    def _report(self, request: Request, answer: Response, *, faulty: bool) -> None:
        target = f"{request.path}?{request.query}" if request.query else request.path
        self._record(Exchange("api", request.method, target, request.body, answer.status, answer.body, faulty))


def _refusal(refusal: Refused) -> Response:
    answer = json_response({"error": refusal.error}, refusal.status, Stripe_Version=API_VERSION)
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = 'Basic realm="Stripe"'
    return answer


def _fault(status: int, code: str) -> Response:
    """The error bodies of faults, in Stripe's shape."""
    match status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            error = {"type": "invalid_request_error", "code": code, "message": "Request rate limit exceeded."}
        case HTTPStatus.CONFLICT:
            error = {
                "type": "idempotency_error",
                "code": code,
                "message": "This key is in use just now.",
            }
        case _:
            error = {"type": "api_error", "message": "An unknown error occurred."}
    answer = json_response({"error": error}, status)
    if code == "lock_timeout":
        answer.headers["Stripe-Should-Retry"] = "true"
    return answer
