"""The control API: what a test, a script or a person does to the sandbox from outside.

JSON in and out. Only requests that say they carry JSON are obeyed, so that no web page can send them unasked.
"""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from http import HTTPStatus

from bridge.sandbox.books import Json, Session, as_json
from bridge.sandbox.faults import Faults
from bridge.sandbox.shop import Shop
from bridge.sandbox.stripe import Stripe
from bridge.sandbox.stripe.checkout import NotPossible, buyer_url
from bridge.sandbox.wire import TYPE_JSON, BadRequest, Request, Response, json_response

PREFIX = "/control/"


class Control:
    """Every operation by method and path."""

    def __init__(self, stripe: Stripe, shop: Shop, faults: Faults, reset: Callable[[], None]) -> None:
        self._stripe = stripe
        self._shop = shop
        self._faults = faults
        self._reset_all = reset
        self._operations: dict[tuple[str, str], Callable[[Json], Json]] = {
            ("GET", "books"): self._books,
            ("GET", "books/shop"): self._shop_books,
            ("POST", "reset"): self._reset,
            ("POST", "settle"): self._settle,
            ("POST", "stripe/accounts"): self._stripe_account,
            ("POST", "shop/accounts"): self._shop_account,
            ("POST", "pay"): self._pay,
            ("POST", "deposit"): self._deposit,
            ("POST", "refund"): self._refund,
            ("POST", "refund/end"): self._end_refund,
            ("POST", "dispute"): self._dispute,
            ("POST", "dispute/close"): self._close_dispute,
            ("POST", "plan"): self._plan,
            ("GET", "faults"): self._list_faults,
            ("GET", "faults/history"): self._fault_history,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
        }

    def handle(self, request: Request) -> Response:
        operation = self._operations.get((request.method, request.path.removeprefix(PREFIX)))
        if operation is None:
            known = ", ".join(f"{method} {PREFIX}{path}" for method, path in self._operations)
            return json_response({"error": f"unknown; there are: {known}"}, HTTPStatus.NOT_FOUND)
        try:
            return json_response(operation(_read(request)))
        except NotPossible as error:
            return json_response({"error": str(error)}, HTTPStatus.CONFLICT)
        except KeyError as error:
            return json_response({"error": str(error.args[0])}, HTTPStatus.NOT_FOUND)
        except (BadRequest, ValueError, TypeError) as error:
            return json_response({"error": str(error)}, HTTPStatus.BAD_REQUEST)

    def _books(self, _: Json) -> Json:
        return {"stripe": as_json(self._stripe.books, self._stripe.lock), "shop": self._shop_books({})}

    def _shop_books(self, _: Json) -> Json:
        return as_json(self._shop.books, self._shop.lock)

    def _reset(self, _: Json) -> Json:
        self._reset_all()
        return {}

    def _settle(self, data: Json) -> Json:
        self._stripe.settle(float(data.get("timeout", 10)))
        return {}

    def _stripe_account(self, data: Json) -> Json:
        return {"mid": self._stripe.add_account(**data).mid}

    def _shop_account(self, data: Json) -> Json:
        return {"db_type": self._shop.add_account(**data).db_type}

    def _pay(self, data: Json) -> Json:
        how = data.get("how", "pay")
        find = self._stripe.find if how == "cancel" else partial(self._stripe.pay, how=how)
        session = find(_name(data))
        return _state(session) | {"redirect": buyer_url(session, how)}

    def _deposit(self, data: Json) -> Json:
        return _state(self._stripe.deposit(_name(data), arrived=data.get("arrived", True)))

    def _refund(self, data: Json) -> Json:
        return asdict(self._stripe.refund(_name(data), data.get("amount"), silent=_silent(data)))

    def _end_refund(self, data: Json) -> Json:
        name = data["refund"] if isinstance(data.get("refund"), str) else _name(data)
        reason = data.get("failure_reason", "unknown")
        return asdict(self._stripe.end_refund(name, data.get("status", ""), reason, silent=_silent(data)))

    def _dispute(self, data: Json) -> Json:
        return asdict(self._stripe.dispute(_name(data), silent=_silent(data)))

    def _close_dispute(self, data: Json) -> Json:
        return asdict(self._stripe.close_dispute(_name(data), won=data.get("won") is True, silent=_silent(data)))

    def _plan(self, data: Json) -> Json:
        self._faults.plan(**data)
        return {}

    def _list_faults(self, _: Json) -> Json:
        return {"faults": self._faults.listing()}

    def _fault_history(self, _: Json) -> Json:
        return {"history": [asdict(hit) for hit in self._faults.history]}

    def _add_fault(self, data: Json) -> Json:
        return self._faults.add(**data).as_json()

    def _clear_faults(self, data: Json) -> Json:
        self._faults.clear(data.get("id"))
        return {}


def _read(request: Request) -> Json:
    if request.method != "POST" and not request.body:
        return {}
    if request.headers.get("Content-Type", "").partition(";")[0] != TYPE_JSON:
        raise BadRequest(f"Content-Type must be {TYPE_JSON}")
    return request.json() if request.body else {}


def _name(data: Json) -> str:
    """A session's id or our reference, whichever is given; for money going back a payment's id too."""
    name = data.get("session") or data.get("payment") or data.get("reference")
    if not isinstance(name, str):
        raise BadRequest("session (an id) or reference is needed")
    return name


def _silent(data: Json) -> bool:
    return data.get("silent") is True


def _state(session: Session) -> Json:
    return {"session": session.id, "status": session.status, "payment_status": session.payment_status}
