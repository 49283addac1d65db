"""What Stripe's answers mean: errors row by row, and what a session with its payment and charge comes to."""

import copy
import json
from functools import partial, reduce
from operator import getitem

import pytest
from django.utils import timezone

from bridge.gateways import stripe as stripe_adapter
from bridge.gateways.base import Status
from bridge.gateways.errors import Denied, NotSent, Refused, Replayed, Unknown
from tests.gateways.peer import MARGIN, failing
from tests.gateways.raw_peer import answer_all
from tests.gateways.stripe_peer import StripePeer, adapter

PEER = StripePeer(adapter(), None, None)
HTML = "<html><title>502 Bad Gateway</title></html>"


def error(kind, code=None, **more):
    return {"error": {"type": kind, "message": "somebody@shop.example is wrong", "code": code, **more}}


# status and body of the answer -> what it means, its code, its message
ERRORS = {
    "500": (500, error("api_error"), Unknown, "http_500", ""),
    "502 of a proxy": (502, HTML, Unknown, "http_502", ""),
    "503": (503, error("api_error"), Unknown, "http_503", ""),
    "504 without a body": (504, "", Unknown, "http_504", ""),
    "409 the key is in flight": (
        409,
        error("idempotency_error", "idempotency_key_in_use"),
        Unknown,
        "idempotency_key_in_use",
        "",
    ),
    "409 without a code": (409, error("invalid_request_error"), Unknown, "http_409", ""),
    "424 something behind it": (424, error("api_error"), Unknown, "http_424", ""),
    "429": (429, error("invalid_request_error", "rate_limit"), NotSent, "rate_limit", ""),
    "429 lock": (429, error("invalid_request_error", "lock_timeout"), NotSent, "lock_timeout", ""),
    "429 without a code": (429, error("invalid_request_error"), NotSent, "rate_limit", ""),
    "429 of a proxy": (429, HTML, Unknown, "http_429", ""),
    "400 the key had another body": (400, error("idempotency_error"), Unknown, "idempotency_error", ""),
    "400": (
        400,
        error("invalid_request_error", "amount_too_small", param="line_items"),
        Refused,
        "amount_too_small",
        "line_items",
    ),
    "400 without a code": (400, error("invalid_request_error"), Refused, "InvalidRequestError", ""),
    "400 of a proxy": (400, HTML, Unknown, "http_400", ""),
    "400 without an error": (400, {}, Unknown, "http_400", ""),
    "401": (401, error("invalid_request_error"), Denied, "AuthenticationError", ""),
    "402": (402, error("card_error", "card_declined"), Refused, "card_declined", ""),
    "403": (403, error("invalid_request_error"), Denied, "PermissionError", ""),
    "403 of a proxy": (403, HTML, Unknown, "http_403", ""),
    "404": (404, error("invalid_request_error", "resource_missing"), Refused, "resource_missing", ""),
    "302": (302, "", Unknown, "http_302", ""),
    "418": (418, error("api_error"), Unknown, "http_418", ""),
}


def answered(status, body):
    data = (body if isinstance(body, str) else json.dumps(body)).encode()
    head = (
        f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\nStripe-Should-Retry: true\r\nLocation: /there\r\n\r\n"
    )
    return answer_all(head.encode() + data)


@pytest.mark.parametrize("name", ERRORS)
def test_error_means_what_it_does_to_the_money(peers, settings, name):
    status, body, kind, code, message = ERRORS[name]
    peer = peers(answered(status, body))
    settings.PGB_STRIPE_BASE_URL = peer.url
    call = PEER.call(adapter().start_body(PEER.request()))
    found = failing(partial(adapter().start, call), PEER)
    assert (type(found), found.code, found.message) == (kind, code, message)
    assert len(peer.requests) == 1  # whatever Stripe says: repeats are ours


def test_500_that_took_effect_is_replayed_and_found_by_looking(stripe_peer):
    request = stripe_peer.request()
    call = stripe_peer.call(stripe_peer.gateway.start_body(request))
    stripe_peer.sandbox.faults.add("start", "error_after", status=500)
    for kind in (Unknown, Replayed, Replayed):
        assert type(failing(partial(stripe_peer.gateway.start, call), stripe_peer)) is kind
    assert stripe_peer.find(request.reference).status is Status.OPEN
    assert list(stripe_peer.sandbox.stripe.books.creates.values()) == [1]


def test_key_with_another_body_is_in_doubt(stripe_peer):
    call = stripe_peer.call(stripe_peer.gateway.start_body(stripe_peer.request()))
    stripe_peer.gateway.start(call)
    other = stripe_peer.gateway.start_body(stripe_peer.request())
    found = failing(partial(stripe_peer.gateway.start, type(call)(other, call.key, 5)), stripe_peer)
    assert (type(found), found.code) == (Unknown, "idempotency_error")


def test_expiry_that_did_not_expire_is_in_doubt(peers, settings):
    peer = peers(answered(200, {"id": "cs_test_1", "object": "checkout.session", "status": "open"}))
    settings.PGB_STRIPE_BASE_URL = peer.url
    found = failing(partial(adapter().expire, PEER.call(adapter().expire_body("cs_test_1"))), PEER)
    assert (type(found), found.code) == (Unknown, "not_expired")


# --- what a session is -------------------------------------------------------------------------

PI, CHARGE = "payment_intent", "payment_intent.latest_charge"
# lies about a session that is paid -> what it comes to
FACTS = {
    "nothing else": ({}, Status.PAID),
    "expired": ({"status": "expired", "payment_status": "unpaid", PI: None}, Status.EXPIRED),
    "open": ({"status": "open", "payment_status": "unpaid", PI: None}, Status.OPEN),
    "declined, still open": (
        {"status": "open", "payment_status": "unpaid", f"{PI}.status": "requires_payment_method"},
        Status.OPEN,
    ),
    "processing": ({"status": "open", "payment_status": "unpaid", f"{PI}.status": "processing"}, Status.APPROVING),
    "taken, not yet told": (
        {"status": "open", "payment_status": "unpaid", f"{PI}.status": "succeeded"},
        Status.APPROVING,
    ),
    "submitted": ({"payment_status": "unpaid", f"{PI}.status": "requires_action"}, Status.WAITING_DEPOSIT),
    "submitted, processing": ({"payment_status": "unpaid", f"{PI}.status": "processing"}, Status.WAITING_DEPOSIT),
    "deposit never came": ({"payment_status": "unpaid", f"{PI}.status": "requires_payment_method"}, Status.FAILED),
    "given up": ({"payment_status": "unpaid", f"{PI}.status": "canceled"}, Status.FAILED),
    "nothing to pay": ({"payment_status": "no_payment_required"}, Status.UNSETTLED),
    "set up": ({"mode": "setup"}, Status.UNSETTLED),
    "authorised only": ({f"{PI}.status": "requires_capture"}, Status.UNSETTLED),
    "no payment": ({PI: None}, Status.UNSETTLED),
    "payment not shown": ({PI: "pi_3"}, Status.UNSETTLED),
    "no charge": ({CHARGE: None}, Status.UNSETTLED),
    "charge not shown": ({CHARGE: "ch_3"}, Status.UNSETTLED),
    "unknown status": ({"status": "new"}, Status.UNSETTLED),
    "no status": ({"status": None}, Status.UNSETTLED),
    "amount in parts of our unit": ({"currency": "isk"}, Status.PAID),
    "amount that we cannot say": ({"currency": "isk", "amount_total": 64901}, Status.UNSETTLED),
    "received that we cannot say": ({"currency": "isk", f"{PI}.amount_received": 64901}, Status.UNSETTLED),
}


@pytest.mark.parametrize("name", FACTS)
def test_session_is_what_all_its_parts_say(stripe_peer, name):
    lies, status = FACTS[name]
    gateway_id = stripe_peer.bring_to(Status.PAID)
    stripe_peer.sandbox.faults.add("fetch", "alter", set=lies)
    assert stripe_peer.gateway.fetch(gateway_id).status is status


# lies -> what is told to be compared
TOLD = [
    ({"amount_total": 1}, {"amount": 1, "received": 64900}),
    ({f"{PI}.amount_received": 1}, {"amount": 64900, "received": 1}),
    ({"currency": "jpy"}, {"currency": "JPY"}),
    ({"currency": "kwd"}, {"currency": "KWD", "amount": 64900}),
    ({"livemode": True}, {"livemode": True}),
    ({"client_reference_id": "x"}, {"reference": ""}),
    ({"metadata": {"pgb_reference": "x"}}, {"reference": ""}),
    ({"metadata": {}}, {"reference": ""}),
    ({"client_reference_id": "x", "metadata": {"pgb_reference": "x"}}, {"reference": "x"}),
    ({f"{CHARGE}.amount_refunded": 100}, {"returned": 100}),
    ({f"{CHARGE}.disputed": True}, {"disputed": True}),
]


@pytest.mark.parametrize(("lies", "told"), TOLD)
def test_what_differs_is_told(stripe_peer, lies, told):
    gateway_id = stripe_peer.bring_to(Status.PAID)
    stripe_peer.sandbox.faults.add("fetch", "alter", set=lies)
    found = stripe_peer.gateway.fetch(gateway_id)
    assert {name: getattr(found, name) for name in told} == told


SESSION = {
    "id": "cs_test_1",
    "object": "checkout.session",
    "mode": "payment",
    "status": "complete",
    "payment_status": "paid",
    "client_reference_id": "REF1",
    "metadata": {"pgb_reference": "REF1"},
    "amount_total": 64900,
    "currency": "krw",
    "livemode": False,
    "payment_intent": {
        "id": "pi_3",
        "object": "payment_intent",
        "status": "succeeded",
        "amount_received": 64900,
        "latest_charge": {"id": "ch_3", "object": "charge", "amount_refunded": 0, "disputed": False},
    },
}
DECIDES = [
    "id",
    "mode",
    "status",
    "payment_status",
    "amount_total",
    "currency",
    "livemode",
    "payment_intent",
    "payment_intent.status",
    "payment_intent.latest_charge",
    "payment_intent.latest_charge.amount_refunded",
]


def fetched(peers, settings, session):
    settings.PGB_STRIPE_BASE_URL = peers(answered(200, session)).url
    return adapter().fetch("cs_test_1")


def test_session_needs_no_more_than_this_to_be_paid(peers, settings):
    assert fetched(peers, settings, SESSION).status is Status.PAID


@pytest.mark.parametrize("path", DECIDES)
def test_session_without_what_decides_is_not_paid(peers, settings, path):
    """A member that is not there is no member of Stripe's objects either: they are not dicts."""
    session = copy.deepcopy(SESSION)
    *steps, last = path.split(".")
    del reduce(getitem, steps, session)[last]
    try:
        assert fetched(peers, settings, session).status is Status.UNSETTLED
    except Unknown as unknown:
        assert unknown.code == "garbled_answer"


def test_session_without_the_parts_that_come_later_is_open(peers, settings):
    session = {name: value for name, value in SESSION.items() if name != "payment_intent"}
    found = fetched(peers, settings, {**session, "status": "open", "payment_status": "unpaid"})
    assert (found.status, found.gateway_payment_id, found.page_url) == (Status.OPEN, "", "")


PAGE = "https://checkout.stripe.com/c/1"
NO_OPENING = [
    {},
    {"object": "list", "data": []},
    {"id": 7, "url": PAGE},
    {"id": "", "url": PAGE},
    {"id": "x" * 256, "url": PAGE},
    {"id": "cs_test_1", "url": None},
    {"id": "cs_test_1"},
]


@pytest.mark.parametrize("session", NO_OPENING)
def test_opening_without_id_or_page_is_in_doubt(peers, settings, session):
    settings.PGB_STRIPE_BASE_URL = peers(answered(200, session)).url
    found = failing(partial(adapter().start, PEER.call(adapter().start_body(PEER.request()))), PEER)
    assert (type(found), found.code) == (Unknown, "garbled_answer")


# --- searching ---------------------------------------------------------------------------------


def test_search_walks_all_pages(stripe_peer, monkeypatch):
    monkeypatch.setattr(stripe_adapter, "PAGE_SIZE", 2)
    references = [stripe_peer.started[stripe_peer.start().gateway_id].reference for _ in range(5)]
    assert [stripe_peer.find(reference).reference for reference in references] == references
    assert stripe_peer.find("NOBODYS") is None


def test_search_that_takes_too_long_says_nothing(stripe_peer, monkeypatch):
    monkeypatch.setattr(stripe_adapter, "PAGE_SIZE", 1)
    reference = stripe_peer.started[stripe_peer.start().gateway_id].reference
    for _ in range(4):
        stripe_peer.start()
    stripe_peer.hurry()
    stripe_peer.sandbox.faults.add("list", "latency", seconds=0.25, times=None)
    assert type(failing(partial(stripe_peer.find, reference), stripe_peer)) is Unknown


def test_search_ends_on_time_between_two_pages(stripe_peer, monkeypatch):
    stripe_peer.start()
    stripe_peer.gateway.capabilities = type("Late", (), {"lookup_seconds": 0})
    found = failing(partial(stripe_peer.find, "NOBODYS"), stripe_peer)
    assert (type(found), found.code) == (Unknown, "too_many_sessions")


def test_search_does_not_take_the_session_of_another(stripe_peer):
    """A session that names our reference only where anybody could have written it."""
    reference = stripe_peer.started[stripe_peer.start().gateway_id].reference
    lie = {"data.0.metadata": {"pgb_reference": "x"}}
    stripe_peer.sandbox.faults.add("list", "alter", set=lie)
    assert stripe_peer.gateway.find(reference, timezone.now() - MARGIN, timezone.now() + MARGIN) is None
