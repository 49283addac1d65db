"""The receiving shop: what it believes, and how it fails."""

import json
import time
from typing import Any

import pytest
import requests
import time_machine
from django.utils import timezone
from standardwebhooks import Webhook

from bridge.sandbox.books import Order, ToldCancel
from bridge.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import SIGNING_SECRET

KEY = ("KR1", 7, 0)


def message(event_id: str = "e1", sequence: int = 1, kind: str = "PayComplete", **more: Any) -> dict[str, Any]:
    return {
        "EventId": event_id,
        "EventType": kind,
        "Sequence": sequence,
        "DBType": "KR1",
        "OrderId": 7,
        "ClaimId": 0,
        "JoinerId": 1001,
        "PaymentId": "REF1",
        "TotalPrice": "64900",
        "Balance": "64900",
        "Currency": "KRW",
        "Stage": "PAID",
        **more,
    }


def deliver(
    sandbox: Sandbox, sent: Any, *, secret: str = SIGNING_SECRET, webhook_id: str | None = None
) -> requests.Response:
    body = json.dumps(sent)
    event_id = webhook_id or sent.get("EventId", "e1")
    headers = {
        "Content-Type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(time.time())),
        "webhook-signature": Webhook(secret).sign(event_id, timezone.now(), body),
    }
    return requests.post(
        f"{sandbox.url}/shop/complete", body.encode(), headers=headers, timeout=5, allow_redirects=False
    )


def test_a_message_moves_the_order(sandbox: Sandbox) -> None:
    answer = deliver(sandbox, message())
    assert (answer.status_code, answer.json()) == (200, {"IsSuccess": True})
    order = sandbox.shop.books.orders[KEY]
    assert order == Order(1, "PAID", "64900", "64900", "KRW", "REF1", ["PayComplete"])
    assert order.completions == 1


def test_a_repeat_has_no_effect(sandbox: Sandbox) -> None:
    for _ in range(3):
        assert deliver(sandbox, message()).json() == {"IsSuccess": True}
    assert sandbox.shop.books.orders[KEY].completions == 1
    assert sandbox.shop.books.received == {"e1": 3}
    assert sandbox.shop.books.applied == {"e1": 1}
    assert len(sandbox.shop.books.messages) == 1


def test_an_older_state_is_ignored(sandbox: Sandbox) -> None:
    deliver(sandbox, message("e2", 2))
    assert deliver(sandbox, message("e1", 1, "PayFailed", Stage="FAILED")).json() == {"IsSuccess": True}
    assert sandbox.shop.books.orders[KEY].stage == "PAID"
    assert sandbox.shop.books.outdated == {"e1": 1}
    deliver(sandbox, message("e3", 3, "CancelComplete", Stage="PARTIALLY_CANCELLED", Balance="900"))
    assert sandbox.shop.books.orders[KEY].balance == "900"
    assert sandbox.shop.books.orders[KEY].effects == ["PayComplete", "CancelComplete"]


def cancel(event_id: str, sequence: int, kind: str, cancel_id: str, **more: Any) -> dict[str, Any]:
    said = {"CancelId": cancel_id, "CancelState": "DONE", "RefundPrice": "900", "CancelOrigin": "SHOP", **more}
    return message(event_id, sequence, kind, **{"Stage": "PARTIALLY_CANCELLED", "Balance": "64000", **said})


def test_cancels_are_kept_one_by_one(sandbox: Sandbox) -> None:
    deliver(sandbox, message())
    deliver(sandbox, cancel("e2", 2, "CancelComplete", "c-1"))
    deliver(sandbox, cancel("e3", 3, "CancelFailed", "c-2", CancelState="REFUSED"))
    deliver(sandbox, cancel("e4", 4, "RefundReversed", "c-1", CancelState="REVERSED", Balance="64900", Stage="PAID"))
    deliver(sandbox, message("e5", 5, "Disputed", Disputed=True))
    order = sandbox.shop.books.orders[KEY]
    assert order.effects == ["PayComplete", "CancelComplete", "CancelFailed", "RefundReversed", "Disputed"]
    assert (order.stage, order.balance, order.disputed, order.sequence) == ("PAID", "64900", True, 5)
    assert order.cancels == {
        "c-1": ToldCancel(4, "RefundReversed", "REVERSED", "900", "SHOP"),
        "c-2": ToldCancel(3, "CancelFailed", "REFUSED", "900", "SHOP"),
    }
    deliver(sandbox, message("e6", 6, "Disputed", Disputed=False))
    assert sandbox.shop.books.orders[KEY].disputed is False


def test_cancel_that_is_told_late_is_kept_but_moves_nothing_back(sandbox: Sandbox) -> None:
    """Two cancels whose messages come in the wrong order: the order's state is the later one's."""
    deliver(sandbox, cancel("e3", 3, "CancelComplete", "c-2", Balance="63100"))
    deliver(sandbox, cancel("e2", 2, "CancelComplete", "c-1"))
    order = sandbox.shop.books.orders[KEY]
    assert (order.balance, sorted(order.cancels)) == ("63100", ["c-1", "c-2"])
    assert sandbox.shop.books.outdated == {"e2": 1}
    deliver(sandbox, cancel("e4", 5, "RefundReversed", "c-1", CancelState="REVERSED"))
    deliver(sandbox, cancel("e5", 4, "CancelComplete", "c-1"))
    assert order.cancels["c-1"].state == "REVERSED"


def test_orders_and_claims_are_apart(sandbox: Sandbox) -> None:
    deliver(sandbox, message("e1", 5))
    deliver(sandbox, message("e2", 1, ClaimId=3))
    assert set(sandbox.shop.books.orders) == {("KR1", 7, 0), ("KR1", 7, 3)}


@pytest.mark.parametrize(
    ("sent", "more", "status"),
    [
        (message(), {"secret": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, 401),
        (message(), {"webhook_id": "another"}, 400),
        (message(DBType="XX"), {}, 404),
        (message(kind="PayDone"), {}, 400),
        ({name: one for name, one in cancel("e1", 1, "CancelComplete", "c").items() if name != "CancelState"}, {}, 400),
        ({name: value for name, value in message().items() if name != "Sequence"}, {}, 400),
        ([], {"webhook_id": "e1"}, 400),
    ],
)
def test_bad_messages_are_rejected(sandbox: Sandbox, sent: Any, more: dict[str, str], status: int) -> None:
    answer = deliver(sandbox, sent, **more)
    assert (answer.status_code, answer.json()["IsSuccess"]) == (status, False)
    assert len(sandbox.shop.books.rejected) == 1
    assert sandbox.shop.books.orders.get(KEY, Order()).stage == ""


def test_stale_signatures_are_rejected(sandbox: Sandbox) -> None:
    with time_machine.travel(time.time() - 400):
        body = json.dumps(message())
        signature = Webhook(SIGNING_SECRET).sign("e1", timezone.now(), body)
        headers = {"webhook-id": "e1", "webhook-timestamp": str(int(time.time())), "webhook-signature": signature}
    answer = requests.post(f"{sandbox.url}/shop/complete", body.encode(), headers=headers, timeout=5)
    assert answer.status_code == 401


def test_a_shop_of_every_joiner(sandbox: Sandbox) -> None:
    sandbox.shop.add_account(db_type="JP1", nation="JP", currency="JPY", api_key="k", signing_secret=SIGNING_SECRET)
    assert deliver(sandbox, message(DBType="JP1", JoinerId=5)).status_code == 200
    own = {"db_type": "JP1", "joiner_id": 5, "nation": "JP", "currency": "JPY", "api_key": "k"}
    sandbox.shop.add_account(**own, signing_secret="whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    assert deliver(sandbox, message("e2", 2, DBType="JP1", JoinerId=5)).status_code == 401
    with pytest.raises(ValueError, match="missing: signing_secret"):
        sandbox.shop.add_account(**own)
    with pytest.raises(ValueError, match="unknown: colour"):
        sandbox.shop.add_account(**own, colour="red")


def test_switched_off(sandbox: Sandbox) -> None:
    fault = sandbox.faults.add("forward", "drop", times=None)
    for _ in range(3):
        with pytest.raises(requests.ConnectionError):
            deliver(sandbox, message())
    sandbox.faults.clear(fault.id)
    assert deliver(sandbox, message()).status_code == 200
    assert sandbox.shop.books.received == {"e1": 1}


def test_failing_after_processing(sandbox: Sandbox) -> None:
    sandbox.faults.add("forward", "answer_lost")
    with pytest.raises(requests.ConnectionError):
        deliver(sandbox, message())
    sandbox.faults.add("forward", "error_after", status=500)
    assert deliver(sandbox, message()).status_code == 500
    assert sandbox.shop.books.orders[KEY].completions == 1
    assert deliver(sandbox, message()).json() == {"IsSuccess": True}
    assert sandbox.shop.books.received == {"e1": 3}
    assert sandbox.shop.books.orders[KEY].completions == 1


@pytest.mark.parametrize("status", [410, 429, 500, 503])
def test_errors_before_processing(sandbox: Sandbox, status: int) -> None:
    sandbox.faults.add("forward", "error_before", status=status, match={"order_id": 7})
    assert deliver(sandbox, message()).status_code == status
    assert sandbox.shop.books.orders == {}


def test_refusals(sandbox: Sandbox) -> None:
    sandbox.faults.add("forward", "refuse", message="sold out")
    assert deliver(sandbox, message()).json() == {"IsSuccess": False, "ErrorMessage": "sold out"}
    sandbox.faults.add("forward", "refuse", final=True)
    assert deliver(sandbox, message()).json()["Final"] is True
    assert sandbox.shop.books.orders == {}
    assert sandbox.shop.books.received == {"e1": 2}


def test_redirect(sandbox: Sandbox) -> None:
    sandbox.faults.add("forward", "redirect", location="/shop/elsewhere")
    answer = deliver(sandbox, message())
    assert (answer.status_code, answer.headers["Location"]) == (302, "/shop/elsewhere")
    assert sandbox.shop.books.orders == {}


@pytest.mark.parametrize("body", ["html", "empty"])
def test_200_without_a_word_of_success(sandbox: Sandbox, body: str) -> None:
    sandbox.faults.add("forward", "garbage", body=body)
    answer = deliver(sandbox, message())
    assert answer.status_code == 200
    assert b"IsSuccess" not in answer.content


def test_slow(sandbox: Sandbox) -> None:
    sandbox.faults.add("forward", "latency", seconds=0.2)
    started = time.monotonic()
    assert deliver(sandbox, message()).status_code == 200
    assert time.monotonic() - started >= 0.2
