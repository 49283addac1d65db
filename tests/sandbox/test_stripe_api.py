"""The sandbox's Stripe, seen through Stripe's own library."""

import time
from typing import Any

import pytest
import requests
import stripe
import time_machine

from bridge.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import KEY, SECRET, client_of, params

EXPAND: Any = {"expand": ["payment_intent.latest_charge"]}


def refusal(call: Any, error: type[stripe.StripeError] = stripe.InvalidRequestError) -> stripe.StripeError:
    with pytest.raises(error) as caught:
        call()
    return caught.value


def test_new_session_is_open_and_has_no_payment_yet(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    session = client.v1.checkout.sessions.create(params(metadata={"pgb": "REF1"}, locale="ko"))
    assert session.id.startswith("cs_test_")
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_total, session.currency, session.livemode) == (64900, "krw", False)
    assert session.client_reference_id == "REF1"
    assert session.metadata and session.metadata.to_dict() == {"pgb": "REF1"}
    assert session.url == f"{sandbox.url}/c/pay/{session.id}"
    assert session.expires_at - session.created == 24 * 3600
    assert sandbox.stripe.find("REF1").id == session.id


def test_paid_session_has_its_payment_and_charge(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = client.v1.checkout.sessions.create(params(payment_intent_data={"metadata": {"pgb": "REF1"}}))
    sandbox.stripe.pay(made.id)
    session: Any = client.v1.checkout.sessions.retrieve(made.id, EXPAND)
    assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
    intent, charge = session.payment_intent, session.payment_intent.latest_charge
    assert (intent.status, intent.amount_received, intent.currency) == ("succeeded", 64900, "krw")
    assert (charge.amount_captured, charge.amount_refunded) == (64900, 0)
    assert (charge.refunded, charge.disputed, charge.paid) == (False, False, True)
    assert intent.metadata.to_dict() == charge.metadata.to_dict() == {"pgb": "REF1"}
    plain: Any = client.v1.checkout.sessions.retrieve(made.id)
    assert plain.payment_intent == intent.id
    assert client.v1.payment_intents.retrieve(intent.id).latest_charge == charge.id
    whole: Any = client.v1.charges.retrieve(charge.id, {"expand": ["payment_intent"]})
    assert whole.payment_intent.id == intent.id
    assert sandbox.stripe.books.paid("REF1") == 64900


def test_what_went_back_shows_on_the_charge(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    session = sandbox.stripe.pay(client.v1.checkout.sessions.create(params()).id)
    payment = sandbox.stripe.books.payments[session.payment or ""]
    payment.refunded, payment.disputed = 900, True
    charge: Any = client.v1.charges.retrieve(payment.charge or "")
    assert (charge.amount_refunded, charge.refunded, charge.disputed) == (900, False, True)
    payment.refunded = 64900
    assert client.v1.charges.retrieve(payment.charge or "").refunded is True
    assert sandbox.stripe.books.paid("REF1") == 0


def test_expire(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = client.v1.checkout.sessions.create(params())
    assert client.v1.checkout.sessions.expire(made.id).status == "expired"
    error = refusal(lambda: client.v1.checkout.sessions.expire(made.id))
    assert (error.http_status, error.code) == (400, None)
    assert "status of expired" in str(error)
    sandbox.settle()
    assert [one.type for one in sandbox.stripe.books.events.values()] == ["checkout.session.expired"]
    assert sandbox.stripe.find("REF1").expire_calls == 2


def test_a_paid_session_cannot_be_expired(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = client.v1.checkout.sessions.create(params())
    sandbox.stripe.pay(made.id)
    assert refusal(lambda: client.v1.checkout.sessions.expire(made.id)).http_status == 400
    assert client.v1.checkout.sessions.retrieve(made.id).status == "complete"


def test_sessions_expire_by_themselves(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    with time_machine.travel(time.time(), tick=False) as traveller:
        made = client.v1.checkout.sessions.create(params(expires_at=int(time.time()) + 31 * 60))
        traveller.shift(31 * 60 - 1)
        assert client.v1.checkout.sessions.retrieve(made.id).status == "open"
        traveller.shift(1)
        sandbox.settle()
        assert client.v1.checkout.sessions.retrieve(made.id).status == "expired"
    assert len(sandbox.stripe.books.events) == 1


def test_lists_are_newest_first_and_paged(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    start = time.time()
    with time_machine.travel(start, tick=False) as traveller:
        for number in range(5):
            client.v1.checkout.sessions.create(params(f"R{number}"))
            traveller.shift(10)
    sessions = client.v1.checkout.sessions
    sandbox.stripe.pay("R1")
    page = sessions.list({"limit": 2})
    assert ([one.client_reference_id for one in page.data], page.has_more) == (["R4", "R3"], True)
    everything = [one.client_reference_id for one in sessions.list({"limit": 2}).auto_paging_iter()]
    assert everything == ["R4", "R3", "R2", "R1", "R0"]
    window: Any = {"created": {"gte": int(start) + 10, "lt": int(start) + 30}}
    assert [one.client_reference_id for one in sessions.list(window).data] == ["R2", "R1"]
    assert [one.client_reference_id for one in sessions.list({"created": int(start) + 40}).data] == ["R4"]
    paid: Any = sessions.list({"status": "complete", "expand": ["data.payment_intent.latest_charge"]}).data[0]
    assert paid.payment_intent.latest_charge.amount == 64900
    assert sessions.list({"payment_intent": paid.payment_intent.id}).data[0].id == paid.id


@pytest.mark.parametrize(
    "wrong",
    [{"limit": 101}, {"limit": 0}, {"starting_after": "cs_test_none"}, {"expand": ["data.customer"]}, {"who": "me"}],
)
def test_wrong_lists_are_refused(client: stripe.StripeClient, wrong: Any) -> None:
    assert refusal(lambda: client.v1.checkout.sessions.list(wrong)).http_status in (400, 404)


def test_accounts_do_not_see_each_other(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = client.v1.checkout.sessions.create(params())
    sandbox.stripe.add_account(secret_key="sk_live_2", webhook_secret=SECRET, webhook_url=sandbox.url)
    other = client_of(sandbox, "sk_live_2")
    error = refusal(lambda: other.v1.checkout.sessions.retrieve(made.id))
    assert (error.http_status, error.code) == (404, "resource_missing")
    assert other.v1.checkout.sessions.list().data == []
    assert other.v1.checkout.sessions.create(params()).livemode is True


def test_events_are_kept(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    client.v1.checkout.sessions.create(params())
    sandbox.stripe.pay("REF1")
    types = [one.type for one in client.v1.events.list().data]
    assert types == ["checkout.session.completed", "payment_intent.succeeded", "charge.succeeded"]
    completed = client.v1.events.list({"type": "checkout.session.completed"}).data
    assert [one.id for one in completed] == [client.v1.events.retrieve(completed[0].id).id]
    assert len(client.v1.events.list({"types": ["charge.succeeded", "x"]}).data) == 1


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer sk_test_wrong"}, {"Authorization": "Basic !"}, {"Authorization": "x"}]
)
def test_without_a_good_key_it_is_401(sandbox: Sandbox, headers: dict[str, str]) -> None:
    answer = requests.get(f"{sandbox.url}/v1/balance", headers=headers, timeout=5)
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert "sk_test_wrong" not in answer.text


def test_keys_by_basic_and_by_the_library(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    assert requests.get(f"{sandbox.url}/v1/balance", auth=(KEY, ""), timeout=5).status_code == 200
    assert client.v1.balance.retrieve().livemode is False
    refusal(client_of(sandbox, "sk_test_wrong").v1.balance.retrieve, stripe.AuthenticationError)


def test_only_one_version_is_played(client: stripe.StripeClient) -> None:
    error = refusal(lambda: client.v1.balance.retrieve(options={"stripe_version": "2020-08-27"}))
    assert "2020-08-27" in str(error)


def test_unknown_paths_and_bodies(sandbox: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    assert requests.get(f"{sandbox.url}/v1/nothing", headers=headers, timeout=5).status_code == 404
    for body in (b"a=\xff", b"justtext", b"a[b=1&a=2", b"a=1&a[b]=2", b"a" + b"[b]" * 20 + b"=1"):
        answer = requests.post(f"{sandbox.url}/v1/checkout/sessions", data=body, headers=headers, timeout=5)
        assert answer.status_code == 400, body
