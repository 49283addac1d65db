"""Answers that are well formed but not true (yet): what a bridge must notice."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from bridge.sandbox.books import Json
from bridge.sandbox.faults import Taken
from bridge.sandbox.schedule import now
from bridge.sandbox.stripe.lists import missing
from bridge.sandbox.wire import Response, json_response

AMOUNTS = ("amount", "amount_total", "amount_subtotal", "amount_received", "amount_captured")
REFERENCE = "somebody-else"
LYING = ("checkout.session", "payment_intent", "charge", "refund")


def _wrong_amount(one: Json) -> None:
    for name in AMOUNTS:
        if one.get(name):
            one[name] += 1


def _wrong_currency(one: Json) -> None:
    one["currency"] = "eur"


def _wrong_reference(one: Json) -> None:
    one["metadata"] = dict.fromkeys(one["metadata"], REFERENCE)
    if "client_reference_id" in one:
        one["client_reference_id"] = REFERENCE


def _wrong_livemode(one: Json) -> None:
    if "livemode" in one:  # refunds do not tell
        one["livemode"] = not one["livemode"]


WRONG: dict[str, Callable[[Json], None]] = {
    "amount": _wrong_amount,
    "currency": _wrong_currency,
    "reference": _wrong_reference,
    "livemode": _wrong_livemode,
}


def tamper(taken: Taken, response: Response) -> Response:
    """The answer with its lies."""
    if response.status != HTTPStatus.OK or not taken.keys() & {"wrong", "alter", "not_visible"}:
        return response
    data = json.loads(response.body)
    if fault := taken.get("not_visible"):
        if data["object"] == "list":
            data["data"] = [one for one in data["data"] if one["created"] <= now() - fault["seconds"]]
        elif data["created"] > now() - fault["seconds"]:
            refusal = missing(data["object"], data["id"], "id")
            return json_response({"error": refusal.error}, refusal.status)
    if fault := taken.get("wrong"):
        for one in _objects(data):
            WRONG[fault["field"]](one)
    if fault := taken.get("alter"):
        for path, value in fault["set"].items():
            _put(data, path.split("."), value)
    return Response(response.status, json.dumps(data).encode(), response.content_type, response.headers)


def _objects(data: Any) -> list[Json]:
    """Every payment object inside, at any depth."""
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    found = [one for value in inner for one in _objects(value)]
    if isinstance(data, dict) and data.get("object") in LYING:
        found.append(data)
    return found


def _put(data: Any, path: list[str], value: Any) -> None:
    *steps, last = path
    for step in steps:
        data = data[int(step)] if isinstance(data, list) else data[step]
    data[last] = value
