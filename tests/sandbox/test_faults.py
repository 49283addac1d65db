"""Each fault of the API, as Stripe's own library (and a plain socket) meets it."""

import json
import socket
import time
from typing import Any

import pytest
import requests
import stripe
import time_machine

from bridge.sandbox.kinds import KINDS
from bridge.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import KEY, client_of, params
from tests.sandbox.receiver import Receiver


def create(client: stripe.StripeClient, reference: str = "REF1") -> Any:
    return client.v1.checkout.sessions.create(params(reference), {"idempotency_key": f"key-{reference}"})


def cause(client: stripe.StripeClient) -> str:
    """The transport error that a create ends with."""
    with pytest.raises(stripe.APIConnectionError) as caught:
        create(client)
    return repr(caught.value.__cause__)


@pytest.mark.parametrize(("reset", "words"), [(False, "RemoteDisconnected"), (True, "ConnectionResetError")])
@pytest.mark.parametrize(("kind", "made"), [("drop", 0), ("answer_lost", 1)])
def test_lost_connections(sandbox: Sandbox, kind: str, made: int, reset: bool, words: str) -> None:
    client = client_of(sandbox)
    sandbox.faults.add("start", kind, reset=reset)
    assert words in cause(client)
    assert len(sandbox.stripe.books.sessions) == made
    assert create(client).id == sandbox.stripe.find("REF1").id
    assert sandbox.stripe.books.creates == {"key-REF1": 1}


def test_answer_cut_in_the_middle(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.faults.add("start", "answer_cut")
    assert "IncompleteRead" in cause(client)
    assert len(sandbox.stripe.books.sessions) == 1


def test_outage_refuses_connections_for_a_time(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.faults.add("start", "outage", seconds=0.5)
    assert "RemoteDisconnected" in cause(client)
    started = time.monotonic()
    assert "Connection refused" in cause(client)
    while True:
        try:
            session = create(client)
            break
        except stripe.APIConnectionError:
            time.sleep(0.02)
    assert 0.3 < time.monotonic() - started < 5
    assert session.id == sandbox.stripe.find("REF1").id


def test_outage_cuts_other_connections(sandbox: Sandbox) -> None:
    with socket.create_connection(("127.0.0.1", int(sandbox.url.rpartition(":")[2]))) as idle:
        sandbox.faults.add("balance", "outage", seconds=0.1)
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{sandbox.url}/v1/balance", auth=(KEY, ""), timeout=5)
        idle.settimeout(5)
        assert idle.recv(1) == b""


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize(("kind", "made"), [("error_before", 0), ("error_after", 1)])
def test_errors(sandbox: Sandbox, client: stripe.StripeClient, kind: str, made: int, status: int) -> None:
    sandbox.faults.add("start", kind, status=status)
    with pytest.raises(stripe.APIError) as caught:
        create(client)
    assert caught.value.http_status == status
    assert len(sandbox.stripe.books.sessions) == made


@pytest.mark.parametrize("code", ["rate_limit", "lock_timeout"])
def test_throttle(sandbox: Sandbox, client: stripe.StripeClient, code: str) -> None:
    sandbox.faults.add("start", "throttle", code=code)
    with pytest.raises(stripe.RateLimitError) as caught:
        create(client)
    assert caught.value.error and caught.value.error.code == code
    assert (caught.value.headers or {}).get("Stripe-Should-Retry") == ("true" if code == "lock_timeout" else None)
    assert create(client).status == "open"


def test_conflict(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.faults.add("start", "conflict")
    with pytest.raises(stripe.APIError) as caught:
        create(client)
    assert caught.value.http_status == 409
    assert caught.value.error and caught.value.error.code == "idempotency_key_in_use"
    assert create(client).status == "open"


def test_latency_is_a_time_out_after_the_work(sandbox: Sandbox) -> None:
    latency = sandbox.faults.add("start", "latency", seconds=0.8)
    assert "Read timed out" in cause(client_of(sandbox, timeout=0.1))
    assert latency.as_json()["holding"] == 1
    deadline = time.monotonic() + 5
    while not sandbox.stripe.books.sessions and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(sandbox.stripe.books.sessions) == 1
    assert latency.as_json()["holding"] == 0


def test_log_normal_latency(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.faults.add("balance", "latency", times=40, p50=0.03, p99=0.15)
    took = []
    for _ in range(40):
        started = time.perf_counter()
        client.v1.balance.retrieve()
        took.append(time.perf_counter() - started)
    assert 0.015 < sorted(took)[20] < 0.1
    assert max(took) > 0.054


def test_drip_is_slow_but_whole(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.faults.add("balance", "drip", seconds=0.005)
    started = time.monotonic()
    assert client.v1.balance.retrieve().livemode is False
    assert time.monotonic() - started > 0.3


@pytest.mark.parametrize("body", KINDS["garbage"].params["body"])
def test_garbage(sandbox: Sandbox, body: str) -> None:
    sandbox.faults.add("balance", "garbage", body=body)
    answer = requests.get(f"{sandbox.url}/v1/balance", auth=(KEY, ""), timeout=5)
    assert answer.status_code == 200
    if body == "array":
        assert answer.json() == []
    else:
        with pytest.raises(ValueError):
            json.loads(answer.content)


def test_endless(sandbox: Sandbox) -> None:
    sandbox.faults.add("balance", "endless")
    with requests.get(f"{sandbox.url}/v1/balance", auth=(KEY, ""), timeout=5, stream=True) as answer:
        got = 0
        for chunk in answer.iter_content(1 << 20):
            got += len(chunk)
            if got > 20_000_000:
                break
    assert got > 20_000_000


def fetched(client: stripe.StripeClient, session_id: str) -> Any:
    expand: Any = {"expand": ["payment_intent.latest_charge"]}
    return client.v1.checkout.sessions.retrieve(session_id, expand)


@pytest.mark.parametrize("field", KINDS["wrong"].params["field"])
def test_wrong_in_every_object(sandbox: Sandbox, client: stripe.StripeClient, field: str) -> None:
    def facts(session: Any) -> list[Any]:
        intent, charge = session.payment_intent, session.payment_intent.latest_charge
        return {
            "amount": [session.amount_total, intent.amount_received, charge.amount_captured],
            "currency": [session.currency, intent.currency, charge.currency],
            "reference": [session.client_reference_id, session.metadata.pgb, intent.metadata.pgb],
            "livemode": [session.livemode, intent.livemode, charge.livemode],
        }[field]

    both = {"metadata": {"pgb": "REF1"}, "payment_intent_data": {"metadata": {"pgb": "REF1"}}}
    made = client.v1.checkout.sessions.create(params(**both))
    sandbox.stripe.pay(made.id)
    truth = facts(fetched(client, made.id))
    sandbox.faults.add("fetch", "wrong", field=field)
    assert all(a != b for a, b in zip(facts(fetched(client, made.id)), truth, strict=True))
    assert facts(fetched(client, made.id)) == truth


def test_alter_sets_what_it_is_told(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = create(client)
    sandbox.stripe.pay(made.id)
    sandbox.faults.add("fetch", "alter", set={"payment_status": "unpaid", "payment_intent.amount_received": 1})
    session = fetched(client, made.id)
    assert (session.payment_status, session.payment_intent.amount_received) == ("unpaid", 1)
    sandbox.faults.add("list", "alter", set={"data.0.mode": "setup"})
    assert client.v1.checkout.sessions.list().data[0].mode == "setup"
    sandbox.faults.add("start", "alter", set={"url": None})
    assert create(client, "REF2").url is None


def test_not_visible_yet(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    with time_machine.travel(time.time(), tick=False) as traveller:
        made = create(client)
        for operation in ("fetch", "list"):
            sandbox.faults.add(operation, "not_visible", times=None, seconds=10)
        with pytest.raises(stripe.InvalidRequestError) as caught:
            fetched(client, made.id)
        assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
        assert client.v1.checkout.sessions.list().data == []
        traveller.shift(10)
        assert fetched(client, made.id).id == made.id
        assert len(client.v1.checkout.sessions.list().data) == 1


@pytest.mark.parametrize("how", KINDS["webhook_first"].params["how"])
def test_webhook_before_the_create_answer(
    sandbox: Sandbox, client: stripe.StripeClient, receiver: Receiver, how: str
) -> None:
    sandbox.faults.add("start", "webhook_first", how=how)
    made = client.v1.checkout.sessions.create(params(currency="jpy", amount=3300))
    assert made.status == "open"
    assert len(receiver.received) == 1
