"""Stripe's own rules about refunds: what is sent, word for word, and what its answers mean."""

import json
from functools import partial
from urllib.parse import parse_qsl

import pytest

from bridge.gateways.base import Refund, RefundStatus, Status
from bridge.gateways.errors import Refused, Replayed, Unknown
from bridge.gateways.stripe import refunds
from tests.gateways.peer import SECONDS, failing
from tests.gateways.raw_peer import answer_all
from tests.gateways.stripe_peer import KONBINI, StripePeer, adapter
from tests.gateways.stripe_spec import check_request
from tests.gateways.test_stripe_answers import answered, error
from tests.gateways.test_stripe_requests import form_of, headers_of, target_of

MADE = {
    "id": "re_3",
    "object": "refund",
    "amount": 900,
    "currency": "krw",
    "payment_intent": "pi_3",
    "charge": "ch_3",
    "status": "succeeded",
    "metadata": {"pgb_cancel": "c-1", "pgb_reference": "REF1"},
}
PEER = StripePeer(adapter(), None, None)


def asked(**changes):
    """The parameters of a refund of 900 won of pi_3, as they are stored."""
    known = type("Paid", (), {"reference": "REF1", "gateway_id": "cs_3", "gateway_payment_id": "pi_3"})
    known.currency, known.received, known.returned = "KRW", 64900, 0
    return PEER.cancel_request(known, **{"amount": 900, "cancel_id": "c-1", **changes})


def send(**changes):
    return adapter().cancel(PEER.call(adapter().cancel_body(asked(**changes))))


def answers(peers, settings, status, body):
    peer = peers(answered(status, body))
    settings.PGB_STRIPE_BASE_URL = peer.url
    return peer


# --- what is sent ------------------------------------------------------------------------------


def test_a_refund_as_it_goes_over_the_wire(peers, settings):
    wire = answers(peers, settings, 200, MADE)
    call = PEER.call(adapter().cancel_body(asked()))
    for _ in range(2):
        assert adapter().cancel(call) == Refund("re_3", "c-1", 900, RefundStatus.DONE)
    first, again = wire.requests
    assert first == again
    assert target_of(first) == "POST /v1/refunds"
    assert headers_of(first)["Idempotency-Key"] == call.key
    assert dict(parse_qsl(form_of(first), strict_parsing=True)) == {
        "payment_intent": "pi_3",
        "amount": "900",
        "reason": "requested_by_customer",  # "fraudulent" would put the buyer's card on a block list
        "metadata[pgb_cancel]": "c-1",
        "metadata[pgb_reference]": "REF1",
    }
    assert check_request("POST", "/v1/refunds", form_of(first)) == []


AMOUNTS = [("KRW", 900, 900), ("JPY", 900, 900), ("USD", 900, 900), ("TWD", 900, 900), ("ISK", 9, 900), ("UGX", 9, 900)]


@pytest.mark.parametrize(("currency", "amount", "sent"), AMOUNTS)
def test_amount_goes_in_stripes_minor_units_and_comes_back_in_ours(peers, settings, currency, amount, sent):
    wire = answers(peers, settings, 200, {**MADE, "currency": currency.lower()})
    assert send(currency=currency, amount=amount).amount == amount
    assert dict(parse_qsl(form_of(wire.requests[0])))["amount"] == str(sent)


@pytest.mark.parametrize("currency", ["KWD", "XXZ", "krw", ""])
def test_currency_that_cannot_be_said_exactly_is_refused(currency):
    refusal = failing(lambda: adapter().cancel_body(asked(currency=currency)), PEER)
    assert (type(refusal), refusal.code) == (Refused, "currency_not_supported")


def test_payment_without_an_intent_is_refused_before_the_call():
    refusal = failing(lambda: adapter().cancel_body(asked(gateway_payment_id="")), PEER)
    assert (type(refusal), refusal.code) == (Refused, "no_payment_intent")


@pytest.mark.parametrize("amount", [5, 550])
def test_amount_in_a_currency_of_hundreds_goes_and_comes_back(stripe_peer, amount):
    opened = stripe_peer.start(currency="ISK", amount=600)
    stripe_peer.pay(opened.gateway_id)
    known = stripe_peer.gateway.fetch(opened.gateway_id)
    assert stripe_peer.cancel(stripe_peer.cancel_request(known, amount)).amount == amount
    assert stripe_peer.gateway.fetch(opened.gateway_id).returned == amount
    assert stripe_peer.left(known) == (600 - amount) * 100


# --- what the answers mean ---------------------------------------------------------------------

WAITS = RefundStatus.PENDING
STATUSES = {"succeeded": RefundStatus.DONE, "pending": WAITS, "requires_action": WAITS}


@pytest.mark.parametrize("status", STATUSES)
def test_refund_is_what_its_status_says(peers, settings, status):
    answers(peers, settings, 200, {**MADE, "status": status})
    assert send().status is STATUSES[status]


@pytest.mark.parametrize("status", ["failed", "canceled"])
@pytest.mark.parametrize(
    ("reason", "code"), [("declined", "declined"), (None, "refund_failed"), ("Card 4242!", "refund_failed")]
)
def test_refund_that_failed_at_once_is_refused(peers, settings, status, reason, code):
    answers(peers, settings, 200, {**MADE, "status": status, "failure_reason": reason})
    refusal = failing(send, PEER)
    assert (type(refusal), refusal.code) == (Refused, code)


# lies about the refund that was made
DOUBTFUL = {
    "no refund": {"object": "list", "data": []},
    "no id": {**MADE, "id": ""},
    "a strange id": {**MADE, "id": 7},
    "a long id": {**MADE, "id": "r" * 256},
    "unknown status": {**MADE, "status": "new"},
    "no status": {**MADE, "status": None},
    "another amount": {**MADE, "amount": 901},
    "no amount": {**MADE, "amount": None},
    "less than nothing": {**MADE, "amount": -900},
    "a part of our unit": {**MADE, "currency": "isk", "amount": 950},
    "unknown currency": {**MADE, "currency": "xxz"},
    "another payment": {**MADE, "payment_intent": "pi_4"},
    "no payment": {**MADE, "payment_intent": None},
    "another cancel of ours": {**MADE, "metadata": {"pgb_cancel": "c-2"}},
    "no cancel of ours": {**MADE, "metadata": {}},
    "no metadata": {**MADE, "metadata": None},
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_answer_that_is_not_our_refund_is_in_doubt(peers, settings, name):
    answers(peers, settings, 200, DOUBTFUL[name])
    assert type(failing(send, PEER)) is Unknown


# Stripe's error -> what it means, its code
ERRORS = {
    "all of it went back": (error("invalid_request_error", "charge_already_refunded"), "charge_already_refunded"),
    "disputed": (error("invalid_request_error", "charge_disputed"), "charge_disputed"),
    "more than is left": (error("invalid_request_error", param="amount"), "InvalidRequestError"),
    "what is no code": (error("invalid_request_error", "4242 4242 of somebody@shop.example"), "InvalidRequestError"),
    "a number for a code": (error("invalid_request_error", 4242424242424242), "InvalidRequestError"),
    "a code without end": (error("invalid_request_error", "a" * 101), "InvalidRequestError"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_refusal_is_told_by_its_code_only(peers, settings, name):
    body, code = ERRORS[name]
    answers(peers, settings, 400, body)
    refusal = failing(send, PEER)
    assert (type(refusal), refusal.code) == (Refused, code)
    assert "@" not in repr(refusal)


def test_500_that_took_effect_is_replayed_and_found_by_looking(stripe_peer):
    known = stripe_peer.gateway.fetch(stripe_peer.bring_to(Status.PAID))
    call = stripe_peer.call(stripe_peer.gateway.cancel_body(stripe_peer.cancel_request(known, 900)))
    stripe_peer.sandbox.faults.add("cancel", "error_after", status=500)
    for kind in (Unknown, Replayed, Replayed):
        assert type(failing(partial(stripe_peer.gateway.cancel, call), stripe_peer)) is kind
    assert stripe_peer.sandbox.stripe.books.refunds_by_key == {call.key: 1}
    assert len(stripe_peer.gateway.refunds(known.gateway_payment_id)) == 1


def test_key_with_another_amount_is_in_doubt(stripe_peer):
    known = stripe_peer.gateway.fetch(stripe_peer.bring_to(Status.PAID))
    call = stripe_peer.call(stripe_peer.gateway.cancel_body(stripe_peer.cancel_request(known, 900)))
    stripe_peer.gateway.cancel(call)
    other = json.dumps({**json.loads(call.body), "amount": 901})
    found = failing(lambda: stripe_peer.gateway.cancel(type(call)(other, call.key, 5)), stripe_peer)
    assert (type(found), found.code) == (Unknown, "idempotency_error")
    assert stripe_peer.left(known) == 64000


def test_konbini_refund_waits_for_the_buyer(stripe_peer):
    gateway_id = stripe_peer.start(**KONBINI).gateway_id
    stripe_peer.sandbox.stripe.pay(gateway_id, "later")
    stripe_peer.sandbox.stripe.deposit(gateway_id)
    known = stripe_peer.gateway.fetch(gateway_id)
    made = stripe_peer.cancel(stripe_peer.cancel_request(known, 300))
    assert (made.status, made.amount) == (RefundStatus.PENDING, 300)
    assert "KONBINI" not in stripe_peer.gateway.capabilities.refunds_itself


# --- the list ----------------------------------------------------------------------------------


def page(*refunds, more=False):
    return {"object": "list", "url": "/v1/refunds", "has_more": more, "data": list(refunds)}


def test_list_asks_for_one_payment(peers, settings):
    wire = answers(peers, settings, 200, page(MADE))
    assert adapter().refunds("pi_3") == (Refund("re_3", "c-1", 900, RefundStatus.DONE),)
    assert target_of(wire.requests[0]) == "GET /v1/refunds?payment_intent=pi_3&limit=100"


def test_unpaid_payment_has_no_refunds_and_nobody_is_asked(peers, settings):
    """A list without the payment would be of everybody's."""
    wire = answers(peers, settings, 200, page(MADE))
    assert adapter().refunds("") == ()
    assert wire.requests == []


@pytest.mark.parametrize(
    "body",
    [
        page({**MADE, "payment_intent": "pi_4"}),
        page({**MADE, "status": "new"}),
        page({**MADE, "amount": 0}),
        page({**MADE, "amount": -900}),
        page(more=True),
        {},
        MADE,
    ],
    ids=[
        "of another payment",
        "unknown status",
        "of nothing",
        "less than nothing",
        "more of nothing",
        "no list",
        "one",
    ],
)
def test_list_that_cannot_be_true_is_in_doubt(peers, settings, body):
    answers(peers, settings, 200, body)
    assert type(failing(lambda: adapter().refunds("pi_3"), PEER)) is Unknown


def test_list_without_end_says_nothing_and_ends_on_time(peers, settings):
    wire = peers(answer_all(_raw(page(MADE, more=True))))
    settings.PGB_STRIPE_BASE_URL = wire.url
    peer = StripePeer(adapter(), None, settings)
    peer.hurry()
    failing(lambda: peer.gateway.refunds("pi_3"), peer)  # NotSent, should the time end between two pages


def test_deadline_is_for_all_pages_together(stripe_peer, monkeypatch):
    known = stripe_peer.gateway.fetch(stripe_peer.bring_to(Status.PAID))
    for _ in range(4):
        stripe_peer.console_refund(known, 100)
    monkeypatch.setattr(refunds, "PAGE_SIZE", 1)
    stripe_peer.hurry()
    stripe_peer.sandbox.faults.add("refunds", "latency", seconds=SECONDS * 0.6, times=None)
    found = failing(lambda: stripe_peer.gateway.refunds(known.gateway_payment_id), stripe_peer)
    # The second page is broken off; with a deadline of its own it would have been read.
    assert found.code != "too_many_refunds"


def _raw(body):
    data = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data


# --- whose a part of a payment is --------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ("refund/re_3", "GET /v1/refunds/re_3"),
        ("charge/ch_3", "GET /v1/charges/ch_3"),
        ("dispute/dp_3", "GET /v1/disputes/dp_3"),
        ("refund/../balance", "GET /v1/refunds/..%2Fbalance"),
    ],
)
def test_part_is_retrieved_to_find_its_payment(peers, settings, part, path):
    wire = answers(peers, settings, 200, {"id": "x_3", "object": "x", "payment_intent": "pi_3"})
    assert adapter().payment_of(part) == "pi_3"
    assert wire.requests[0].startswith(f"{path} HTTP/1.1".encode())


@pytest.mark.parametrize("body", [{}, {"payment_intent": 7}, {"payment_intent": ""}, {"payment_intent": "p" * 256}, []])
def test_part_whose_payment_is_garbled_is_in_doubt(peers, settings, body):
    answers(peers, settings, 200, body)
    assert type(failing(lambda: adapter().payment_of("refund/re_3"), PEER)) is Unknown


def test_part_of_what_is_no_payment_of_ours(peers, settings):
    answers(peers, settings, 200, {"payment_intent": None})
    assert adapter().payment_of("charge/ch_3") == ""
