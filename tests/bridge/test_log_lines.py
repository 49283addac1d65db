"""What the log says of a request: its id in every line, and nothing that is secret or about the buyer."""

import json

import pytest
import structlog

from bridge import drains
from payments.models import PaymentSession
from payments.queues import Queue
from tests.door import FORM, signed
from tests.factories import API_KEY, SIGNING_SECRET, STRIPE_CREDENTIALS
from tests.logs import captured

BUYER = {"BuyerName": "홍길동", "BuyerEmail": "gildong@shop.example", "BuyerTel": "010-1234-5678"}


@pytest.fixture
def lines():
    """Return the lines that were logged since the last call, as they are written."""
    with captured() as stream:

        def read():
            written = stream.getvalue()
            stream.seek(0)
            stream.truncate()
            return [json.loads(line) for line in written.splitlines()]

        yield read


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("post", "/PGB/PayStart", 401),
        ("get", "/PGB/PayStart", 405),
        ("get", "/PGB/Nothing", 404),
        ("get", "/nothing", 404),
        ("get", "/PGBReturn/Webhook", 405),
        ("post", "/PGBReturn/Webhook/stripe/nobody", 404),
        ("get", "/PGBReturn/Return/nobody", 404),
        ("get", "/admin/", 302),
    ],
)
def test_every_answer_and_line_has_the_request_id(door, lines, method, path, status):
    response = getattr(door.client, method)(path, headers={"X-Request-Id": "shop.call-1_a"})
    assert (response.status_code, response["X-Request-Id"]) == (status, "shop.call-1_a")
    assert {line["request_id"] for line in lines()} <= {"shop.call-1_a"}


def test_a_failed_request_is_logged_with_its_id(door, lines):
    door.client.get("/PGB/Nothing", headers={"X-Request-Id": "abc"})
    assert [(line["event"], line["request_id"]) for line in lines()] == [("Not Found: /PGB/Nothing", "abc")]


@pytest.mark.parametrize("host", ["elsewhere.example", "a b", "pay.example.com@evil", "번호", "x" * 5000])
def test_a_request_for_another_host_is_one_short_line(door, lines, host):
    response = door.client.get("/api/docs/", headers={"Host": host, "X-Request-Id": "abc"})
    assert (response.status_code, response["X-Request-Id"]) == (400, "abc")
    (line,) = lines()
    assert (line["event"], line["request_id"], line["host"]) == ("host_refused", "abc", host[:100])
    assert "exception" not in line


@pytest.mark.parametrize("given", ["4242424242424242", "", "a b", "a" * 65, "<script>", "a\x7f", "번호"])
def test_an_id_that_cannot_be_used_is_replaced(door, given):
    ids = [door.post(door.order(), **{"X-Request-Id": given})["X-Request-Id"] for _ in range(2)]
    assert all(len(one) == 32 for one in ids)
    assert ids[0] != ids[1]


def test_an_error_of_ours_is_told_and_logged_with_its_id(door, lines, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("bridge.views.start", fail)
    response = door.post(door.order(), **{"X-Request-Id": "abc"})
    assert (response.status_code, response.json()["ErrorCode"]) == (500, "INTERNAL")
    assert "ask with PayStatus" in response.json()["ErrorMessage"]
    said = lines()
    assert {line["request_id"] for line in said} == {"abc"}
    assert "ZeroDivisionError" in next(line for line in said if line["event"] == "shop_call_failed")["exception"]


def test_a_call_is_logged_with_its_order(door, lines):
    door.start(RequestId="shop-1", ClaimId=3)
    line = next(line for line in lines() if line["event"] == "shop_call_refused")
    keys = ("call", "code", "db_type", "joiner_id", "order_id", "claim_id", "shop_request_id")
    assert tuple(line[key] for key in keys) == ("PayStart", "METHOD_NOT_CONNECTED", "KR1", 1001, 1, 3, "shop-1")


def test_the_id_of_a_signed_call_is_its_request_id(door, lines):
    body = json.dumps(door.order())
    door.post(body, Authorization="", **signed(body, SIGNING_SECRET, id_="msg_9"))
    assert {line["shop_request_id"] for line in lines() if "shop_request_id" in line} == {"msg_9"}


def test_one_call_leaves_nothing_in_the_lines_of_the_next(door, lines):
    door.start(RequestId="shop-1")
    lines()
    door.client.get("/PGB/Nothing")
    assert [line.keys() & {"order_id", "shop_request_id"} for line in lines()] == [set()]


def test_no_line_holds_where_money_is_sent_back_to(paid, lines):
    account = {"RefundBank": "우리은행", "RefundAccount": "1002-345-678901", "RefundHolder": "홍길동"}
    paid.partial(4900, **account, Reason="환불 1002-345-678901")
    paid.partial(100, **account, RefundPrice="x")
    paid.partial(100, 60000, **{**account, "RefundAccount": "1002 345 678901"})
    paid.full(1, **account)
    paid.full(60000, **account)
    paid.rest()
    said = json.dumps(lines(), ensure_ascii=False)
    assert '"PartialCancel"' in said and '"FullCancel"' in said
    assert [word for word in (*account.values(), "1002 345", "환불") if word in said] == []


def wrong_calls(door):
    """Calls that fail in every way, with secrets in each place."""
    good = door.order(**BUYER)
    door.post(good, Authorization=f"Bearer {API_KEY}x")
    door.post(good, Authorization=f"Basic {API_KEY}")
    door.post(json.dumps(good), Authorization="", **signed("other", SIGNING_SECRET))
    door.post(good | {"BuyerNames": "홍길동", "gildong@shop.example": 1, "buyername": "홍길동"})
    door.post(good | {"BuyerNames": "홍길동", "gildong@shop.example": 1})
    door.post(json.dumps(good)[:-1], kind=FORM)
    door.post("&".join(f"{name}={value}" for name, value in good.items()), kind=FORM)
    door.post(good | {"OrderDescription": "홍길동 4242 4242 4242 4242"})
    door.post(good | {"OrderId": "010-1234-5678", "Device": "홍길동"})


def test_no_line_holds_a_secret_or_the_buyer(world, door_of_world, lines):
    world.start(1, **BUYER)
    session = PaymentSession.objects.get()
    world.client.get(f"/PGBReturn/Cancel/{session.return_token}")
    door_of_world.client.get(f"/PGBReturn/Return/{session.return_token}/x")
    door_of_world.client.put(f"/PGBReturn/Return/{session.return_token}")
    door_of_world.client.post(f"/PGBReturn/Webhook/stripe/{world.merchant.webhook_token}", b"{}", content_type="x/y")
    wrong_calls(door_of_world)
    world.pay(1)
    world.work()
    text = json.dumps(lines(), ensure_ascii=False)
    secrets = [
        API_KEY,
        SIGNING_SECRET,
        *STRIPE_CREDENTIALS.values(),
        session.return_token,
        world.merchant.webhook_token,
    ]
    said = [word for word in [*secrets, *BUYER.values(), "4242 4242"] if word in text]
    assert said == []
    assert "/PGBReturn/Return/***" in text
    assert "webhook_refused" in text


def test_a_refused_row_is_not_logged(door, lines, monkeypatch):
    def fail(*_):
        PaymentSession.objects.create(
            order_id=1, merchant_id=1, amount=0, expires_at="2026-11-21T00:00Z", description="홍길동\n010-1234-5678"
        )

    monkeypatch.setattr("bridge.views.start", fail)
    assert door.post(door.order()).json()["ErrorCode"] == "INTERNAL"
    failed = next(line for line in lines() if line["event"] == "shop_call_failed")
    assert "session_amount_positive" in failed["exception"]
    assert "홍길동" not in str(failed)
    assert "010-1234-5678" not in str(failed)


def events(said):
    return [line["event"] for line in said]


REFUSED = [
    ("post", "/PGB/PayStart", "shop_call_refused"),
    ("get", "/PGB/PayStart", "shop_call_refused"),
    ("get", "/PGB/Nothing", "Not Found: /PGB/Nothing"),
    ("get", "/PGBReturn/Webhook", "Method Not Allowed (GET): /PGBReturn/Webhook"),
    ("post", "/PGBReturn/Webhook", "webhook_refused"),
]


@pytest.mark.parametrize(("method", "path", "event"), REFUSED)
def test_a_refused_request_is_one_line(door, lines, method, path, event):
    getattr(door.client, method)(path)
    assert events(lines()) == [event]


def test_a_request_is_one_line_that_names_the_session_and_its_gateway(world, lines):
    world.start(1)
    session = world.session(1)
    (started,) = lines()
    assert (started["event"], started["payment_id"], started["gateway"]) == ("shop_call", session.reference, "stripe")
    assert started["gateway_start"] == "done"
    world.start(1)
    (again,) = lines()
    assert (again["payment_id"], again["gateway"]) == (session.reference, "stripe")
    world.client.get(f"/PGBReturn/Cancel/{session.return_token}")
    (returned,) = lines()
    assert (returned["event"], returned["after"]) == ("buyer_sent_on", "step_back")
    assert (returned["payment_id"], returned["gateway"]) == (session.reference, "stripe")


def test_a_call_that_fails_names_the_session_and_its_gateway(world, lines):
    world.sandbox.faults.add("start", "error_before", status=503)
    world.start(1)
    last = lines()[-1]
    assert (last["event"], last["gateway"], last["gateway_start"]) == ("shop_call_refused", "stripe", "unknown")
    assert last["payment_id"] == world.session(1).reference


def test_work_is_one_line_a_row_that_says_what_about_and_how_it_went(world, lines):
    world.start(1)
    world.pay(1)
    lines()
    world.work()
    world.look(1)
    said = lines()
    assert set(events(said)) == {"worked"}
    assert {(line["payment_id"], line["gateway"]) for line in said} == {(world.session(1).reference, "stripe")}
    by_queue = {line["queue"]: line for line in said}
    assert set(by_queue) == {"notifications", "deliveries", "looks"}
    assert by_queue["notifications"]["notice"] in world.sandbox.stripe.books.events
    assert by_queue["notifications"]["gateway_fetch"] == "done"
    assert (by_queue["deliveries"]["kind"], by_queue["deliveries"]["result"]) == ("PayComplete", "accepted")
    assert not any("request_id" in line for line in said)


def test_work_that_fails_says_what_it_was_about(world, lines, monkeypatch):
    def fail(_):
        raise ZeroDivisionError

    world.start(1)
    lines()
    monkeypatch.setitem(drains.WORK, Queue.LOOKS, fail)
    world.look(1)
    (failed,) = lines()
    assert (failed["event"], failed["level"], failed["queue"]) == ("work_failed", "error", "looks")
    assert (failed["payment_id"], failed["attempt"]) == (world.session(1).reference, 1)
    assert "ZeroDivisionError" in failed["exception"]


def test_one_piece_of_work_leaves_nothing_in_the_lines_of_the_next(world, lines):
    world.start(1)
    world.start(2)
    world.pay(1)
    world.work()
    world.look(2)
    last = lines()[-1]
    assert (last["queue"], last["payment_id"]) == ("looks", world.session(2).reference)
    assert last.keys().isdisjoint({"notice", "kind", "result"})
    assert structlog.contextvars.get_contextvars() == {}
