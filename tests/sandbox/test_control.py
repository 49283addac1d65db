"""The control API, as a script uses it."""

from typing import Any

import pytest
import requests
import stripe

from bridge.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import SECRET, SIGNING_SECRET, client_of, params
from tests.sandbox.receiver import Receiver
from tests.sandbox.test_shop import deliver, message


@pytest.fixture
def control(sandbox: Sandbox) -> Any:
    def call(method: str, path: str, data: Any = None) -> Any:
        answer = requests.request(method, f"{sandbox.url}/control/{path}", json=data, timeout=15)
        return answer.json() | {"http": answer.status_code}

    return call


def test_pay_by_reference(control: Any, client: stripe.StripeClient, receiver: Receiver) -> None:
    session = client.v1.checkout.sessions.create(params())
    assert control("POST", "pay", {"reference": "REF1"}) == {
        "http": 200,
        "session": session.id,
        "status": "complete",
        "payment_status": "paid",
        "redirect": f"http://127.0.0.1:8000/back?s={session.id}",
    }
    assert len(receiver.received) == 1
    again = control("POST", "pay", {"session": session.id})
    assert (again["http"], again["error"]) == (409, "the session is complete")


def test_other_acts(control: Any, client: stripe.StripeClient) -> None:
    client.v1.checkout.sessions.create(params(currency="jpy", amount=3300))
    cancelled = control("POST", "pay", {"reference": "REF1", "how": "cancel"})
    assert (cancelled["status"], cancelled["redirect"]) == ("open", "http://127.0.0.1:8000/cancelled")
    declined = control("POST", "pay", {"reference": "REF1", "how": "decline"})
    assert (declined["status"], declined["redirect"]) == ("open", None)
    assert control("POST", "pay", {"reference": "REF1", "how": "explode"})["http"] == 409
    assert control("POST", "pay", {"reference": "REF1", "how": "later"})["payment_status"] == "unpaid"
    assert control("POST", "deposit", {"reference": "REF1", "arrived": False})["payment_status"] == "unpaid"
    assert control("POST", "deposit", {"reference": "REF1"})["http"] == 409


def test_what_is_not_there(control: Any) -> None:
    assert control("POST", "pay", {"reference": "none"})["http"] == 404
    assert control("POST", "pay", {})["http"] == 400
    assert "POST /control/pay" in control("GET", "pay")["error"]


def test_accounts(control: Any, sandbox: Sandbox) -> None:
    account = {"secret_key": "sk_test_new", "webhook_secret": SECRET, "webhook_url": "http://127.0.0.1:9/"}
    assert control("POST", "stripe/accounts", {**account, "mid": "acct_new"})["mid"] == "acct_new"
    assert client_of(sandbox, "sk_test_new").v1.balance.retrieve().livemode is False
    assert control("POST", "stripe/accounts", {"secret_key": "x"})["http"] == 400
    shop = {"db_type": "X", "nation": "KR", "currency": "KRW", "api_key": "k", "signing_secret": SIGNING_SECRET}
    assert control("POST", "shop/accounts", shop)["db_type"] == "X"
    assert deliver(sandbox, message(DBType="X")).status_code == 200


def test_faults(control: Any, client: stripe.StripeClient) -> None:
    planned = control("POST", "faults", {"operation": "balance", "kind": "error_before", "times": None})
    assert (planned["kind"], planned["params"]) == ("error_before", {"status": 500})
    with pytest.raises(stripe.APIError):
        client.v1.balance.retrieve()
    assert [one["hits"] for one in control("GET", "faults")["faults"]] == [1]
    control("DELETE", "faults", {"id": planned["id"]})
    client.v1.balance.retrieve()
    control("POST", "faults", {"operation": "balance", "kind": "drop"})
    control("DELETE", "faults")
    assert control("GET", "faults")["faults"] == []
    assert control("POST", "faults", {"operation": "balance", "kind": "explode"})["http"] == 400
    assert control("POST", "faults", {"kind": "drop"})["http"] == 400


def test_books_and_reset(control: Any, sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = client.v1.checkout.sessions.create(params(), {"idempotency_key": "k"})
    sandbox.stripe.pay("REF1")
    deliver(sandbox, message())
    assert control("POST", "settle", {})["http"] == 200
    books = control("GET", "books")
    assert books["stripe"]["sessions"][made.id]["payment_status"] == "paid"
    assert [one["captured"] for one in books["stripe"]["payments"].values()] == [64900]
    assert books["stripe"]["creates"] == {"k": 1}
    assert [one["status"] for one in books["stripe"]["webhooks"]] == [200]
    assert books["shop"]["orders"]["KR1/7/0"]["completions"] == 1
    assert control("GET", "books/shop") == {"http": 200, **books["shop"]}
    sandbox.faults.add("balance", "drop")
    control("POST", "reset", {})
    empty = control("GET", "books")
    assert not any(empty["stripe"].values()) and not any(empty["shop"].values())
    assert sandbox.faults.listing() == []
    assert client.v1.checkout.sessions.create(params(), {"idempotency_key": "k"}).id != made.id


def test_only_json_is_obeyed(sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/control/reset"
    for data, kind in (
        (b"{}", "text/plain"),
        (b"", "text/plain"),
        (b"[]", "application/json"),
        (b"{", "application/json"),
    ):
        assert requests.post(url, data, headers={"Content-Type": kind}, timeout=5).status_code == 400


def test_money_goes_back(control: Any, client: stripe.StripeClient, receiver: Receiver) -> None:
    client.v1.checkout.sessions.create(params())
    control("POST", "pay", {"reference": "REF1"})
    receiver.received.clear()
    made = control("POST", "refund", {"reference": "REF1", "amount": 900, "silent": True})
    assert (made["http"], made["status"], made["key"], receiver.received) == (200, "succeeded", None, [])
    assert control("POST", "refund", {"payment": made["payment"], "amount": 64001})["http"] == 409
    for amount in (0, -900):
        assert control("POST", "refund", {"reference": "REF1", "amount": amount})["http"] == 409
    assert control("POST", "refund", {"reference": "REF1", "amount": "900"})["http"] == 400
    assert control("POST", "refund", {})["http"] == 400
    assert control("POST", "refund/end", {"refund": made["id"], "status": "canceled"})["http"] == 409
    ended = control("POST", "refund/end", {"refund": made["id"], "status": "failed", "failure_reason": "declined"})
    assert (ended["status"], ended["failure_reason"]) == ("failed", "declined")
    assert sorted(receiver.types()) == ["refund.failed", "refund.updated"]
    control("POST", "refund", {"reference": "REF1"})
    assert control("POST", "refund/end", {"reference": "REF1", "status": "failed"})["amount"] == 64900
    assert control("POST", "dispute", {"reference": "REF1"})["status"] == "needs_response"
    assert control("POST", "dispute/close", {"reference": "REF1", "won": False})["status"] == "lost"
    books = control("GET", "books")["stripe"]
    assert [one["amount"] for one in books["refunds"].values()] == [900, 64900]
    assert [one["status"] for one in books["disputes"].values()] == ["lost"]
    assert books["balances"] == {"REF1": 64900}


def test_seeded_plan(control: Any, client: stripe.StripeClient) -> None:
    assert control("POST", "plan", {"seed": 1, "rate": 1, "kinds": ["throttle"], "limit": 1})["http"] == 200
    with pytest.raises(stripe.RateLimitError):
        client.v1.balance.retrieve()
    client.v1.balance.retrieve()
    told = control("GET", "faults/history")["history"]
    assert [(one["operation"], one["kind"]) for one in told] == [("balance", "throttle")]
    assert control("POST", "plan", {"seed": 1, "rate": 2})["http"] == 400
    assert control("POST", "plan", {"seed": 1, "rate": 1, "kinds": ["explode"]})["http"] == 400
    assert control("POST", "plan", {"seed": 1})["http"] == 400
    control("POST", "reset", {})
    assert control("GET", "faults/history")["history"] == []
