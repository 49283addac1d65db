"""What is sent to Stripe: amounts, methods, keys, headers; all of it by Stripe's own spec (see the sandbox fixture)."""

import json
import platform
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, unquote

import pytest
import stripe
import time_machine
from babel.numbers import get_currency_precision

from bridge.gateways.base import StoredCall
from bridge.gateways.errors import Refused
from bridge.gateways.stripe import METHODS
from bridge.gateways.stripe.client import API_VERSION
from bridge.gateways.stripe.currencies import ZERO_DECIMAL
from tests.gateways.raw_peer import answer_all
from tests.gateways.stripe_peer import CREDENTIALS, StripePeer, adapter
from tests.gateways.stripe_spec import check_request

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
PEER = StripePeer(adapter(), None, None)
MADE = {
    "id": "cs_test_1",
    "object": "checkout.session",
    "status": "expired",
    "payment_status": "unpaid",
    "client_reference_id": None,
    "metadata": {},
    "amount_total": 64900,
    "currency": "krw",
    "livemode": False,
    "url": "https://checkout.stripe.com/c/1",
}


def answered(data):
    body = json.dumps(data).encode()
    return answer_all(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


@pytest.fixture
def wire(peers, settings):
    """A server that keeps the raw requests; each session it makes is the same one."""
    peer = peers(answered(MADE))
    settings.PGB_STRIPE_BASE_URL = peer.url
    return peer


def params(**changes):
    """The parameters with which a payment is opened."""
    return json.loads(adapter().start_body(PEER.request(**changes)))


def start(**changes):
    adapter().start(PEER.call(adapter().start_body(PEER.request(**changes))))


def headers_of(request):
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return dict(line.split(": ", 1) for line in lines[1:])


def form_of(request):
    return request.partition(b"\r\n\r\n")[2].decode()


def target_of(request):
    """Method, path and query, readable."""
    return unquote(request.split(b" HTTP/1.1\r\n")[0].decode())


def test_a_start_as_it_goes_over_the_wire(wire):
    with time_machine.travel(NOON, tick=False):
        request = PEER.request(reference="01J0000000000000000000REF1")
        call = PEER.call(adapter().start_body(request))
    adapter().start(call)
    assert dict(parse_qsl(form_of(wire.requests[0]), strict_parsing=True)) == {
        "mode": "payment",
        "client_reference_id": "01J0000000000000000000REF1",
        "metadata[pgb_reference]": "01J0000000000000000000REF1",
        "payment_intent_data[metadata][pgb_reference]": "01J0000000000000000000REF1",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "krw",
        "line_items[0][price_data][unit_amount]": "64900",
        "line_items[0][price_data][product_data][name]": "명함 200매",
        "allowed_payment_method_types[0]": "card",
        "adaptive_pricing[enabled]": "false",
        "locale": "ko",
        "expires_at": str(int((NOON + timedelta(minutes=40)).timestamp())),
        "success_url": request.return_url,
        "cancel_url": request.cancel_url,
        "customer_email": "buyer@shop.example",
    }


# --- amounts -----------------------------------------------------------------------------------

# our minor units -> what is sent
AMOUNTS = [
    ("KRW", 64900, 64900),
    ("JPY", 3300, 3300),
    ("VND", 100000, 100000),
    ("USD", 1050, 1050),
    ("EUR", 99, 99),
    ("TWD", 12300, 12300),
    ("HUF", 12300, 12300),
    ("ISK", 5, 500),
    ("UGX", 5, 500),
    ("KRW", 10**15 - 1, 10**15 - 1),
]


@pytest.mark.parametrize(("currency", "amount", "sent"), AMOUNTS)
def test_amount_is_sent_in_stripes_minor_units(currency, amount, sent):
    price = params(currency=currency, amount=amount)["line_items"][0]["price_data"]
    assert (price["currency"], price["unit_amount"]) == (currency.lower(), sent)
    assert type(price["unit_amount"]) is int


@pytest.mark.parametrize("currency", sorted(ZERO_DECIMAL))
def test_currency_without_decimals_is_not_multiplied(currency):
    assert get_currency_precision(currency) == 0
    assert params(currency=currency, amount=7)["line_items"][0]["price_data"]["unit_amount"] == 7


@pytest.mark.parametrize("currency", ["BHD", "JOD", "KWD", "OMR", "TND", "LYD", "CLF", "XXZ", "krw", ""])
def test_currency_that_cannot_be_said_exactly_is_refused(currency):
    with pytest.raises(Refused) as caught:
        params(currency=currency)
    assert caught.value.code == "currency_not_supported"


@pytest.mark.parametrize(("currency", "amount"), [("KRW", 64900), ("JPY", 3300), ("USD", 1050), ("ISK", 500)])
def test_amount_comes_back_as_it_went(stripe_peer, currency, amount):
    opened = stripe_peer.start(currency=currency, amount=amount)
    stripe_peer.pay(opened.gateway_id)
    found = stripe_peer.gateway.fetch(opened.gateway_id)
    assert (found.currency, found.amount, found.received) == (currency, amount, amount)


# --- the rest of a start -----------------------------------------------------------------------


@pytest.mark.parametrize("method", sorted(METHODS))
def test_methods_are_named_by_the_new_parameter_only(wire, method):
    start(method=method)
    form = dict(parse_qsl(form_of(wire.requests[0])))
    assert form["allowed_payment_method_types[0]"] == METHODS[method]
    assert not any(name.startswith("payment_method_types") for name in form)
    assert check_request("POST", "/v1/checkout/sessions", form_of(wire.requests[0])) == []


LOCALES = [("KR", "ko"), ("JP", "ja"), ("CN", "zh"), ("TW", "zh-TW"), ("HK", "zh-HK"), ("US", "en"), ("VN", "auto")]


@pytest.mark.parametrize(("nation", "locale"), LOCALES)
def test_page_speaks_the_nations_language(nation, locale):
    assert params(nation=nation)["locale"] == locale


@pytest.mark.parametrize(
    ("minutes", "sent"), [(-5, 31), (0, 31), (30, 31), (31, 31), (40, 40), (1435, 1435), (1440, 1435), (9999, 1435)]
)
def test_lifetime_is_one_that_stripe_takes(minutes, sent):
    with time_machine.travel(NOON, tick=False):
        asked = params(expires_at=NOON + timedelta(minutes=minutes))["expires_at"]
    assert asked == int((NOON + timedelta(minutes=sent)).timestamp())


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "홍@shop.example ", "x@" + "y" * 800 + ".example"])
def test_email_that_is_none_is_left_out(email):
    assert "customer_email" not in params(buyer={"email": email})
    assert "customer_email" not in params(buyer={})


def test_payment_without_description_is_named_by_our_reference():
    sent = params(description="", reference="REF1")
    assert sent["line_items"][0]["price_data"]["product_data"]["name"] == "REF1"


# --- headers, keys, bodies ---------------------------------------------------------------------


def test_headers_carry_our_key_the_pinned_version_and_nothing_of_this_machine(wire):
    adapter().start(StoredCall(body=adapter().start_body(PEER.request()), key="pgb:start:1", seconds=5))
    adapter().fetch("cs_test_1")
    posted, got = map(headers_of, wire.requests)
    assert posted["Idempotency-Key"] == "pgb:start:1"
    assert "Idempotency-Key" not in got
    for headers in (posted, got):
        assert headers["Stripe-Version"] == API_VERSION == "2026-10-28.endive"
        assert headers["Authorization"] == f"Bearer {CREDENTIALS['secret_key']}"
        assert "X-Stripe-Client-Telemetry" not in headers
        assert platform.platform() not in str(headers)
        assert platform.node() not in str(headers)


def test_call_sent_again_is_the_same_bytes(wire):
    with time_machine.travel(NOON) as clock:
        opening = PEER.call(adapter().start_body(PEER.request()))
        closing = PEER.call(adapter().expire_body("cs_test_1"))
        for _ in range(2):
            adapter().start(opening)
            adapter().expire(closing)
            clock.shift(timedelta(hours=3))
    opened, closed, opened_again, closed_again = wire.requests
    assert opened == opened_again
    assert closed == closed_again
    assert target_of(closed) == "POST /v1/checkout/sessions/cs_test_1/expire"


def test_library_writes_no_file_and_sends_no_telemetry(wire, tmp_path, monkeypatch):
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    start()
    start()
    assert list(tmp_path.rglob("*")) == []
    assert not any(b"telemetry" in request.lower() for request in wire.requests)


def test_two_accounts_do_not_share_a_key(wire):
    """Nor a client, nor a default: the library's own global stays empty."""
    one, two = adapter(secret_key="sk_test_one"), adapter(secret_key="sk_test_two")
    for gateway in (one, two, one):
        gateway.fetch("cs_test_1")
    assert [headers_of(request)["Authorization"][-3:] for request in wire.requests] == ["one", "two", "one"]
    assert stripe.api_key is None


def test_lookup_asks_for_the_payment_and_its_charge(wire):
    adapter().fetch("cs_test_1")
    assert target_of(wire.requests[0]) == "GET /v1/checkout/sessions/cs_test_1?expand[0]=payment_intent.latest_charge"


def test_id_cannot_lead_elsewhere(wire):
    adapter().fetch("../../v1/balance?x=1#")
    assert wire.requests[0].startswith(b"GET /v1/checkout/sessions/..%2F..%2Fv1%2Fbalance%3Fx%3D1%23?expand")


def test_search_covers_whole_seconds_of_its_period(peers, settings):
    peer = peers(answered({"object": "list", "url": "/v1/checkout/sessions", "has_more": False, "data": []}))
    settings.PGB_STRIPE_BASE_URL = peer.url
    assert adapter().find("REF1", NOON + timedelta(seconds=0.9), NOON + timedelta(seconds=60.1)) is None
    noon = int(NOON.timestamp())
    period = f"created[gte]={noon}&created[lte]={noon + 61}"
    assert target_of(peer.requests[0]) == f"GET /v1/checkout/sessions?{period}&limit=100"
