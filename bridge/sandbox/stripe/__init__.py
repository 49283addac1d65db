"""Stripe, as far as PGB uses it: keys, idempotency and faults around the API's operations."""

import contextlib
import hashlib
import json
import threading
from http import HTTPStatus
from secrets import token_hex
from typing import Any

from bridge.sandbox import broken
from bridge.sandbox.books import Call, Dispute, Json, Payment, Refund, Session, StripeBooks
from bridge.sandbox.faults import Fault, Faults, Taken
from bridge.sandbox.recorder import Exchange, Recorder
from bridge.sandbox.schedule import Schedule
from bridge.sandbox.stripe.accounts import Account, authenticate
from bridge.sandbox.stripe.api import Api, Asked, Endpoint
from bridge.sandbox.stripe.checkout import Checkout, NotPossible
from bridge.sandbox.stripe.events import Events, wait_for
from bridge.sandbox.stripe.keys import Keys
from bridge.sandbox.stripe.lies import tamper
from bridge.sandbox.stripe.money_back import MoneyBack
from bridge.sandbox.stripe.objects import Renderer
from bridge.sandbox.stripe.params import Refused, unbracket
from bridge.sandbox.stripe.shapes import API_VERSION
from bridge.sandbox.wire import BadRequest, Request, Response, json_response

WEBHOOK_WAIT = 10.0  # Checkout sends the buyer back once the webhook was answered, or after this time
# Faults after which an answer is still Stripe's own.
HARMLESS = {"latency", "webhook_first", "refund_status", "console_refund"}


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
        self.money_back = MoneyBack(self.books, self.lock, self.render, self.events, schedule)
        self._api = Api(self.books, self.lock, self.render, self.checkout, self.money_back)
        self._faults = faults
        self._keys = Keys()
        self._record = record

    def add_account(self, **data: Any) -> Account:
        """Makes an account known (see Account for the members); ValueError for wrong ones."""
        account = Account.from_json(data)
        self.accounts[account.secret_key] = account
        return account

    def account_of(self, one: Session | Payment | Refund | Dispute) -> Account:
        """The account that it belongs to."""
        return next(account for account in self.accounts.values() if account.mid == one.account)

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

    def refund(self, name: str, amount: int | None = None, *, silent: bool = False) -> Refund:
        """Somebody refunds in Stripe's own console (None: all that is left); returns as pay() does.

        `silent`: no webhook tells of it. Raises NotPossible.
        """
        with self.lock:
            payment = self._payment(name)
            try:
                refund, told = self.money_back.refund(
                    self.account_of(payment), payment, {"amount": amount}, silent=silent
                )
            except Refused as refusal:
                raise NotPossible(str(refusal)) from refusal
        wait_for(told, WEBHOOK_WAIT)
        return refund

    def end_refund(self, name: str, status: str, failure_reason: str = "unknown", *, silent: bool = False) -> Refund:
        """Moves a refund on: pending, succeeded, failed (also after it had succeeded) or canceled.

        `name` is its id, PGB's id of the cancel, or a payment's name for its newest refund. Raises NotPossible.
        """
        refund = self._find_refund(name)
        wait_for(
            self.money_back.end(self.account_of(refund), refund, status, failure_reason, silent=silent),
            WEBHOOK_WAIT,
        )
        return refund

    def dispute(self, name: str, *, silent: bool = False) -> Dispute:
        """The buyer disputes a payment; returns as pay() does. Raises NotPossible."""
        payment = self._payment(name)
        dispute, told = self.money_back.dispute(self.account_of(payment), payment, silent=silent)
        wait_for(told, WEBHOOK_WAIT)
        return dispute

    def close_dispute(self, name: str, *, won: bool, silent: bool = False) -> Dispute:
        """Decides the newest dispute of a payment. Raises NotPossible."""
        payment = self._payment(name)
        disputes = [one for one in self.books.disputes.values() if one.payment == payment.id]
        if not disputes:
            raise NotPossible("the payment is not disputed")
        told = self.money_back.close_dispute(self.account_of(payment), disputes[-1], won=won, silent=silent)
        wait_for(told, WEBHOOK_WAIT)
        return disputes[-1]

    def _payment(self, name: str) -> Payment:
        """A payment by its own id, its session's, or our reference. KeyError if there is none."""
        with self.lock:
            if name in self.books.payments:
                return self.books.payments[name]
            payment = self.books.payments.get(self.find(name).payment or "")
        if payment is None:
            raise KeyError(f"no payment {name}")
        return payment

    def _find_refund(self, name: str) -> Refund:
        with self.lock:
            if name in self.books.refunds:
                return self.books.refunds[name]
            refunds = list(self.books.refunds.values())
        named = [one for one in refunds if one.cancel_id == name]
        if not named:
            payment = self._payment(name)
            named = [one for one in refunds if one.payment == payment.id]
        if not named:
            raise KeyError(f"no refund {name}")
        return named[-1]

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
            asked = Asked(account, tree, object_id, key, taken)
            answer = broken.before(taken, _fault) or self._once(request, asked, endpoint)
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
        payment = self._asked_for(tree, object_id)
        session = self.books.sessions.get(payment.session if payment else object_id)
        reference = session.reference if session else tree.get("client_reference_id")
        return {"account": account.mid, "session": session.id if session else None, "reference": reference}

    def _asked_for(self, tree: Json, object_id: str) -> Payment | None:
        """The payment that a request is about."""
        refund = self.books.refunds.get(object_id)
        name = refund.payment if refund else tree.get("payment_intent") or object_id
        return self.books.payments.get(name) if isinstance(name, str) else None

    def _once(self, request: Request, asked: Asked, endpoint: Endpoint) -> Response:
        """Works once per idempotency key. Refusals that come after validation are remembered like answers."""

        def execute() -> Response:
            if fault := asked.taken.get("console_refund"):
                self._refund_behind(asked, fault)
            try:
                data = endpoint(asked)
            except Refused as refusal:
                if refusal.stored:
                    return _refusal(refusal)
                raise
            if fault := asked.taken.get("webhook_first"):
                self.pay(data["id"], fault["how"])
            return json_response(data, Stripe_Version=API_VERSION)

        fingerprint = json.dumps([request.path, asked.tree], sort_keys=True)
        digest = hashlib.sha256(fingerprint.encode()).hexdigest()
        return self._keys.run(asked.account.mid, asked.key, digest, lambda: broken.within(asked.taken, execute, _fault))

    def _refund_behind(self, asked: Asked, fault: Fault) -> None:
        """Somebody in the console is faster. What cannot be refunded stays."""
        payment = self._asked_for(asked.tree, asked.object_id)
        if payment is None and (session := self.books.sessions.get(asked.object_id)):
            payment = self.books.payments.get(session.payment or "")
        if payment is not None:
            with contextlib.suppress(NotPossible):
                self.refund(payment.id, fault["amount"] or None, silent=fault["silent"])

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
