"""The checker must refuse what Stripe would refuse, else its silence says nothing."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.gateways.stripe_spec import check_event, check_request, check_response

SESSIONS = "/v1/checkout/sessions"
GOOD_FORM = {
    "mode": "payment",
    "client_reference_id": "01J0000000000000000000REF1",
    "line_items[0][quantity]": "1",
    "line_items[0][price_data][currency]": "krw",
    "line_items[0][price_data][unit_amount]": "64900",
    "line_items[0][price_data][product_data][name]": "명함 200매",
    "allowed_payment_method_types[0]": "card",
    "adaptive_pricing[enabled]": "false",
    "metadata[pgb]": "1",
    "locale": "ko",
    "expires_at": "1760003000",
    "success_url": "https://pgb.example/{CHECKOUT_SESSION_ID}",
}
GOLDEN = json.loads((Path(__file__).resolve().parent.parent / "data" / "stripe.json").read_text())


def test_good_request_passes() -> None:
    assert check_request("POST", SESSIONS, urlencode(GOOD_FORM)) == []
    assert check_request("GET", f"{SESSIONS}?created[gte]=1&limit=100&expand[]=data.payment_intent") == []
    assert check_request("GET", f"{SESSIONS}?created=17") == []


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("payment_method_types[0]", "card", "payment_method_types"),
        ("line_items[0][dynamic]", "1", "dynamic"),
        ("line_items[0][price_data][product_data][colour]", "red", "colour"),
        ("payment_intent_data[metadatum]", "x", "metadatum"),
        ("locale", "kr", "kr"),
        ("mode", "pay", "pay"),
        ("allowed_payment_method_types[1]", "cash", "cash"),
        ("client_reference_id", "x" * 201, "too long"),
        ("line_items[0][price_data][unit_amount]", "10.5", "10.5"),
        ("line_items[0][price_data][unit_amount]", "1e3", "1e3"),
        ("adaptive_pricing[enabled]", "False", "False"),
        ("expires_at", "soon", "soon"),
        ("line_items", "x", "twice|both|array"),
        ("a[b", "x", "not a parameter name"),
    ],
)
def test_wrong_request_is_found(name: str, value: str, complaint: str) -> None:
    problems = check_request("POST", SESSIONS, urlencode({**GOOD_FORM, name: value}))
    assert any(word in " ".join(problems) for word in complaint.split("|")), problems


def test_missing_nested_field_is_found() -> None:
    without_currency = {name: value for name, value in GOOD_FORM.items() if not name.endswith("[currency]")}
    assert "required" in " ".join(check_request("POST", SESSIONS, urlencode(without_currency)))
    nameless = {name.replace("[name]", "[description]"): value for name, value in GOOD_FORM.items()}
    assert "required" in " ".join(check_request("POST", SESSIONS, urlencode(nameless)))


def test_unknown_path_method_and_query_are_found() -> None:
    assert check_request("GET", "/v1/checkout/session") != []
    assert check_request("DELETE", SESSIONS) != []
    assert check_request("GET", f"{SESSIONS}?client_reference_id=1") != []
    assert check_request("GET", f"{SESSIONS}?limit=ten") != []
    assert check_request("GET", f"{SESSIONS}?created[from]=1") != []


def golden(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(next(one["payload"] for one in GOLDEN if one["name"].startswith(name)))
    return found


@pytest.mark.parametrize("name", ["E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8"])
def test_golden_events_pass(name: str) -> None:
    assert check_event(json.dumps(golden(name))) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("object", "events"),
        ("livemode", "false"),
        ("created", "1760000000"),
        ("surprise", 1),
        ("data.object.amount_total", "64900"),
        ("data.object.payment_status", "Paid"),
        ("data.object.surprise", 1),
        ("data.object.url", 7),
        ("data.object.object", "session"),
        ("data.object.automatic_tax", None),
    ],
)
def test_wrong_event_is_found(path: str, value: Any) -> None:
    event = golden("E1")
    *steps, last = path.split(".")
    node = event
    for step in steps:
        node = node[step]
    node[last] = value
    assert check_event(json.dumps(event)) != []


@pytest.mark.parametrize(("name", "value"), [("created", 1760000000), ("type", "checkout.x"), ("data", {})])
def test_wrong_thin_event_is_found(name: str, value: Any) -> None:
    assert check_event(json.dumps({**golden("E8"), name: value})) != []


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"{}"])
def test_no_event_at_all_is_found(body: bytes) -> None:
    assert check_event(body) != []


def test_responses() -> None:
    session = golden("E2")["data"]["object"]
    path = f"{SESSIONS}/{session['id']}"
    assert check_response("GET", path, 200, json.dumps(session)) == []
    assert check_response("GET", path, 200, json.dumps({**session, "status": "closed"})) != []
    assert check_response("GET", path, 200, json.dumps({**session, "payment_intent": {"id": "pi_1"}})) != []
    assert check_response("GET", path, 200, b"<html>") != []
    assert check_response("GET", SESSIONS, 200, json.dumps(session)) != []
    page = {"object": "list", "url": SESSIONS, "has_more": False, "data": [session]}
    assert check_response("GET", SESSIONS, 200, json.dumps(page)) == []
    error = {"error": {"type": "invalid_request_error", "message": "No", "code": "resource_missing"}}
    assert check_response("GET", path, 404, json.dumps(error)) == []
    assert check_response("GET", path, 404, json.dumps({"error": {"message": "No"}})) != []
    assert check_response("GET", path, 404, json.dumps({"error": {**error["error"], "type": "oops"}})) != []
