"""The receiving shop: takes PGB's messages and keeps its own books."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields
from http import HTTPStatus
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from bridge.sandbox import broken
from bridge.sandbox.books import Json, Order, ShopBooks, ToldCancel
from bridge.sandbox.faults import Faults, Taken
from bridge.sandbox.wire import BadRequest, Request, Response, json_response

OrderKey = tuple[str, int, int]
EVENTS = (
    "PayComplete",
    "PayFailed",
    "PayExpired",
    "VirtualAccountIssued",
    "CancelComplete",
    "CancelFailed",
    "RefundReversed",
    "DepositReversed",
    "Disputed",
)


@dataclass(frozen=True)
class ShopAccount:
    """One shop as PGB knows it. joiner_id None is the shop of every joiner."""

    db_type: str
    nation: str
    currency: str
    api_key: str
    signing_secret: str
    joiner_id: int | None = None
    publishable_key: str = ""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ShopAccount":
        """ValueError for unknown or missing members."""
        known = [one.name for one in fields(cls)]
        if unknown := sorted(set(data) - set(known)):
            raise ValueError(f"unknown: {', '.join(unknown)}")
        optional = {"joiner_id", "publishable_key"}
        if missing := [name for name in known if name not in optional and not data.get(name)]:
            raise ValueError(f"missing: {', '.join(missing)}")
        return cls(**data)


class Shop:
    """The stand-in. `accounts` are the shops it plays; `books` is what they believe."""

    def __init__(self, faults: Faults) -> None:
        self.accounts: list[ShopAccount] = []
        self.books = ShopBooks()
        self.lock = threading.RLock()
        self._faults = faults

    def add_account(self, **data: Any) -> ShopAccount:
        """Makes a shop known, in place of one of the same DBType and JoinerId; ValueError for wrong data."""
        account = ShopAccount.from_json(data)
        place = (account.db_type, account.joiner_id)
        self.accounts = [one for one in self.accounts if (one.db_type, one.joiner_id) != place]
        self.accounts.append(account)
        return account

    def account(self, db_type: str, joiner_id: int | None) -> ShopAccount | None:
        """The shop of this joiner, else of every joiner."""
        for wanted in (joiner_id, None):
            for one in self.accounts:
                if one.db_type == db_type and one.joiner_id == wanted:
                    return one
        return None

    def reset(self) -> None:
        """Forgets every order; the shops stay."""
        with self.lock:
            for book in vars(self.books).values():
                book.clear()

    def complete(self, request: Request) -> Response:
        """The completion URL: POST /shop/complete."""
        try:
            message = request.json()
        except BadRequest as error:
            return self._reject(HTTPStatus.BAD_REQUEST, str(error))
        facts = {
            "event": message.get("EventId"),
            "event_type": message.get("EventType"),
            "order_id": message.get("OrderId"),
            "db_type": message.get("DBType"),
            "payment_id": message.get("PaymentId"),
        }
        taken = self._faults.take("forward", facts)
        answer = broken.before(taken, _error)
        if answer is None:
            answer = broken.within(taken, lambda: self._receive(request, message, taken), _error)
        return broken.after(taken, answer, _error)

    def _receive(self, request: Request, message: Json, taken: Taken) -> Response:
        account = self.account(str(message.get("DBType")), message.get("JoinerId"))
        if account is None:
            return self._reject(HTTPStatus.NOT_FOUND, "unknown shop")
        try:
            Webhook(account.signing_secret).verify(request.body, dict(request.headers), json_parse=False)
        except (WebhookVerificationError, ValueError):
            return self._reject(HTTPStatus.UNAUTHORIZED, "wrong signature")
        if message.get("EventType") not in EVENTS:
            return self._reject(HTTPStatus.BAD_REQUEST, "unknown EventType")
        if request.headers.get("webhook-id") != message.get("EventId"):
            return self._reject(HTTPStatus.BAD_REQUEST, "webhook-id is not the EventId")
        with self.lock:
            self.books.received[message["EventId"]] += 1
        if fault := taken.get("refuse"):
            final = {"Final": True} if fault["final"] else {}
            return json_response({"IsSuccess": False, "ErrorMessage": fault["message"], **final})
        if fault := taken.get("redirect"):
            return Response(HTTPStatus.FOUND, headers={"Location": fault["location"]})
        try:
            with self.lock:
                self._apply(message)
        except KeyError as error:
            return self._reject(HTTPStatus.BAD_REQUEST, f"{error.args[0]} is missing")
        return json_response({"IsSuccess": True})

    def _reject(self, status: int, why: str) -> Response:
        with self.lock:
            self.books.rejected.append(why)
        return json_response({"IsSuccess": False, "ErrorMessage": why}, status)

    def _apply(self, message: Json) -> None:
        """Once per EventId, and never an older state over a newer one."""
        key: OrderKey = (message["DBType"], message["OrderId"], message["ClaimId"])
        event_id = message["EventId"]
        if event_id in self.books.applied or event_id in self.books.outdated:
            return
        sequence = message["Sequence"]
        order = self.books.orders.setdefault(key, Order())
        _keep_cancel(order, message)
        if sequence <= order.sequence:
            self.books.outdated[event_id] += 1
            return
        order.sequence = sequence
        order.stage = message["Stage"]
        order.total = str(message["TotalPrice"])
        order.balance = str(message["Balance"])
        order.currency = message["Currency"]
        order.payment_id = message["PaymentId"]
        order.disputed = message.get("Disputed", False)
        order.effects.append(message["EventType"])
        self.books.applied[event_id] += 1
        self.books.messages.append(message)


def _keep_cancel(order: Order, message: Json) -> None:
    """What a message says of one cancel holds even if a later message has told the order's state already."""
    if not (cancel_id := message.get("CancelId")):
        return
    known = order.cancels.get(cancel_id)
    if known is None or known.sequence < message["Sequence"]:
        order.cancels[cancel_id] = ToldCancel(
            sequence=message["Sequence"],
            event=message["EventType"],
            state=message["CancelState"],
            amount=message["RefundPrice"],
            origin=message["CancelOrigin"],
        )


def _error(status: int, code: str) -> Response:
    return json_response({"IsSuccess": False, "ErrorMessage": f"fault {status} {code}".strip()}, status)
