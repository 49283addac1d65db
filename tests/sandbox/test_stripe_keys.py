"""Idempotency keys, as Stripe keeps them."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import stripe
import time_machine

from bridge.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import KEY, client_of, params


def create(client: stripe.StripeClient, key: str = "key-1", **more: Any) -> Any:
    return client.v1.checkout.sessions.create(params(**more), {"idempotency_key": key})


def test_same_key_and_body_is_one_session(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    first, second = create(client), create(client)
    assert first.id == second.id
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert first.last_response.headers["Request-Id"] != second.last_response.headers["Request-Id"]
    assert sandbox.stripe.books.creates == {"key-1": 1}
    assert [one.key for one in sandbox.stripe.books.calls] == ["key-1", "key-1"]


def test_a_replay_tells_the_past(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.stripe.pay(create(client).id)
    assert create(client).status == "open"


def test_same_key_and_other_body_is_an_error(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    create(client)
    with pytest.raises(stripe.IdempotencyError):
        create(client, amount=1000)
    assert len(sandbox.stripe.books.sessions) == 1


def test_keys_belong_to_an_account(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.stripe.add_account(secret_key="sk_test_2", webhook_secret="whsec_2", webhook_url=sandbox.url)
    assert create(client).id != create(client_of(sandbox, "sk_test_2")).id


def test_a_key_in_flight_is_409(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.faults.add("start", "latency", seconds=0.3)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(create, client)
        while sandbox.faults.listing():
            time.sleep(0.01)
        with pytest.raises(stripe.APIError) as caught:
            create(client)
        assert caught.value.http_status == 409
        assert caught.value.error and caught.value.error.code == "idempotency_key_in_use"
        assert create(client, key="key-2").id != slow.result().id
    assert create(client).id == slow.result().id


def test_many_equal_requests_at_once_are_one_session(sandbox: Sandbox) -> None:
    def one(_: int) -> str:
        try:
            return str(create(client_of(sandbox)).id)
        except stripe.APIError as error:
            assert error.http_status == 409
            return ""

    with ThreadPoolExecutor(16) as pool:
        ids = set(pool.map(one, range(32))) - {""}
    assert len(ids) == len(sandbox.stripe.books.sessions) == 1


def test_failed_validation_is_not_remembered(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        create(client, amount=1)
    assert create(client).status == "open"


def test_401_is_not_remembered(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.AuthenticationError):
        create(client_of(sandbox, "sk_test_wrong"))
    assert create(client).status == "open"


def test_a_refusal_after_validation_is_remembered(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    sandbox.stripe.pay(create(client).id)
    session = sandbox.stripe.find("REF1")

    def expire() -> None:
        client.v1.checkout.sessions.expire(session.id, {}, {"idempotency_key": "key-x"})

    for calls in (1, 1):
        with pytest.raises(stripe.InvalidRequestError):
            expire()
        assert session.expire_calls == calls


@pytest.mark.parametrize("kind", ["error_before", "error_after"])
def test_its_own_500_is_replayed(sandbox: Sandbox, client: stripe.StripeClient, kind: str) -> None:
    sandbox.faults.add("start", kind)
    for _ in range(3):
        with pytest.raises(stripe.APIError) as caught:
            create(client)
        assert caught.value.http_status == 500
    assert len(sandbox.stripe.books.sessions) == (kind == "error_after")


def test_a_504_after_the_work_is_not_replayed(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.faults.add("start", "error_after", status=504)
    with pytest.raises(stripe.APIError):
        create(client)
    assert create(client).id == sandbox.stripe.find("REF1").id
    assert len(sandbox.stripe.books.sessions) == 1


def test_keys_are_forgotten_after_a_day(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    with time_machine.travel(time.time(), tick=False) as traveller:
        create(client)
        traveller.shift(24 * 3600)
        create(client)
        assert len(sandbox.stripe.books.sessions) == 1
        traveller.shift(1)
        create(client, reference="REF2")
        assert len(sandbox.stripe.books.sessions) == 2


def test_a_key_has_255_characters(sandbox: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": "k" * 256}
    answer = requests.post(f"{sandbox.url}/v1/checkout/sessions", headers=headers, data="mode=payment", timeout=5)
    assert "255" in answer.json()["error"]["message"]
