"""Webhooks: true signatures, the retry ladder, and every way in which they can go wrong."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import stripe
import time_machine

from bridge.sandbox.sandbox import Sandbox
from bridge.sandbox.stripe.accounts import SUBSCRIBED
from bridge.sandbox.stripe.events import signature_header
from tests.sandbox.conftest import KEY, SECRET, params
from tests.sandbox.receiver import Receiver

DATA = Path(__file__).resolve().parent.parent / "data"
COMPLETED = "checkout.session.completed"


@pytest.fixture
def paid(sandbox: Sandbox, client: stripe.StripeClient) -> Any:
    """Pays an order; returns once its webhooks were answered (and no other is due)."""

    def pay(reference: str = "REF1", how: str = "pay", **more: Any) -> str:
        session = client.v1.checkout.sessions.create(params(reference, **more))
        sandbox.stripe.pay(session.id, how)
        sandbox.settle()
        return session.id

    return pay


def test_snapshot_events_are_signed(paid: Any, receiver: Receiver, client: stripe.StripeClient) -> None:
    session_id = paid()
    (hook,) = receiver.received
    assert hook.path == "/hook"
    event: Any = client.construct_event(hook.body, hook.headers["Stripe-Signature"], SECRET)
    assert (event.type, event.data.object.id, event.data.object.payment_status) == (COMPLETED, session_id, "paid")
    assert event.api_version == "2026-10-28.endive"
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(hook.body + b" ", hook.headers["Stripe-Signature"], SECRET)


def test_thin_events(sandbox: Sandbox, paid: Any, receiver: Receiver, client: stripe.StripeClient) -> None:
    sandbox.stripe.add_account(
        secret_key=KEY, webhook_secret=SECRET, webhook_url=receiver.url, mid="acct_1", events="thin"
    )
    session_id = paid()
    (hook,) = receiver.received
    note: Any = client.parse_event_notification(hook.body, hook.headers["Stripe-Signature"], SECRET)
    assert (note.type, note.related_object.id) == (f"v1.{COMPLETED}", session_id)
    assert note.fetch_related_object().payment_status == "paid"
    assert client.v1.events.retrieve(hook.json["snapshot_event"]).type == COMPLETED


def test_both_forms(sandbox: Sandbox, paid: Any, receiver: Receiver) -> None:
    sandbox.stripe.add_account(
        secret_key=KEY, webhook_secret=SECRET, webhook_url=receiver.url, mid="acct_1", events="both"
    )
    paid()
    assert sorted(receiver.types()) == [COMPLETED, f"v1.{COMPLETED}"]


def test_what_is_not_subscribed_is_not_sent(sandbox: Sandbox, paid: Any, receiver: Receiver) -> None:
    sandbox.stripe.add_account(
        secret_key=KEY,
        webhook_secret=SECRET,
        webhook_url=receiver.url,
        mid="acct_1",
        subscribed=("charge.succeeded", "payment_intent.succeeded"),
    )
    paid()
    assert sorted(receiver.types()) == ["charge.succeeded", "payment_intent.succeeded"]


def test_every_act_tells(sandbox: Sandbox, paid: Any, receiver: Receiver, client: stripe.StripeClient) -> None:
    paid("D", how="decline")
    paid("L", how="later", currency="jpy", amount=3300)
    assert receiver.received[1].json["data"]["object"]["payment_status"] == "unpaid"
    sandbox.stripe.deposit("L")
    paid("F", how="later", currency="jpy", amount=3300)
    sandbox.stripe.deposit("F", arrived=False)
    client.v1.checkout.sessions.expire(sandbox.stripe.find("D").id)
    sandbox.settle()
    assert receiver.types() == [
        "payment_intent.payment_failed",
        COMPLETED,
        "checkout.session.async_payment_succeeded",
        COMPLETED,
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
    ]
    # refunds and disputes: test_stripe_refunds.py
    assert set(receiver.types()) == {one for one in SUBSCRIBED if not one.startswith(("refund.", "charge."))}


def test_a_deposit_that_never_comes_fails_by_itself(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    with time_machine.travel(time.time(), tick=False) as traveller:
        options = {"konbini": {"expires_after_days": 2}}
        client.v1.checkout.sessions.create(params(currency="jpy", amount=3300, payment_method_options=options))
        session = sandbox.stripe.pay("REF1", "later")
        traveller.shift(2 * 86400 - 1)
        sandbox.settle()
        assert sandbox.stripe.books.payments[session.payment or ""].status == "requires_action"
        traveller.shift(1)
        sandbox.settle()
        assert sandbox.stripe.books.payments[session.payment or ""].status == "requires_payment_method"


def test_retries_follow_the_ladder_for_three_days(sandbox: Sandbox, receiver: Receiver, client: Any) -> None:
    receiver.answers = [(status, b"") for status in (500, 302, 404)] + [(503, b"")] * 100
    start = time.time()
    with time_machine.travel(start, tick=False) as traveller:
        client.v1.checkout.sessions.create(params())
        sandbox.stripe.pay("REF1")
        sent_at = []
        for _ in range(3 * 24 * 60 + 60):
            before = len(receiver.received)
            traveller.shift(60)
            sandbox.settle()
            if len(receiver.received) > before:
                sent_at.append(round(time.time() - start))
    assert sent_at[:5] == [60, 180, 420, 900, 1860]
    assert 2 * 86400 < sent_at[-1] <= 3 * 86400
    assert len({one.headers["Stripe-Signature"] for one in receiver.received}) == len(receiver.received)
    assert len({one.json["id"] for one in receiver.received}) == 1
    assert [one.attempt for one in sandbox.stripe.books.webhooks] == list(range(1, len(sent_at) + 2))


def test_the_clock_factor_speeds_the_ladder_up(receiver: Receiver) -> None:
    receiver.answers = [(500, b"")] * 3
    with Sandbox(clock=6000) as sandbox:
        sandbox.stripe.add_account(secret_key=KEY, webhook_secret=SECRET, webhook_url=receiver.url)
        account = sandbox.stripe.accounts[KEY]
        sandbox.stripe.events.emit(account, COMPLETED, {"object": "checkout.session", "id": "cs_1"})
        deadline = time.monotonic() + 5
        while len(sandbox.stripe.books.webhooks) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert [one.status for one in sandbox.stripe.books.webhooks] == [500, 500, 500, 200]


def test_nobody_listening_is_a_failed_try(sandbox: Sandbox, paid: Any) -> None:
    sandbox.stripe.add_account(secret_key=KEY, webhook_secret=SECRET, webhook_url="http://127.0.0.1:9/", mid="acct_1")
    paid()
    (sent,) = sandbox.stripe.books.webhooks
    assert (sent.status, sent.error.split(":")[0]) == (None, "ConnectionRefusedError")


@pytest.mark.parametrize("concurrent", [False, True])
def test_duplicate(sandbox: Sandbox, paid: Any, receiver: Receiver, concurrent: bool) -> None:
    sandbox.faults.add("webhook", "duplicate", copies=5, concurrent=concurrent)
    paid()
    assert len(receiver.received) == 5
    assert len({one.body for one in receiver.received}) == 1


def test_each_duplicate_is_retried_by_itself(sandbox: Sandbox, paid: Any, receiver: Receiver) -> None:
    receiver.answers = [(500, b"")] * 4
    sandbox.faults.add("webhook", "duplicate", match={"form": "snapshot"})
    with time_machine.travel(time.time(), tick=False) as traveller:
        paid()
        for seconds in (60, 120):
            traveller.shift(seconds)
            sandbox.settle()
    assert [one.attempt for one in sandbox.stripe.books.webhooks] == [1, 1, 2, 2, 3, 3]


def test_drop(sandbox: Sandbox, paid: Any, receiver: Receiver) -> None:
    sandbox.faults.add("webhook", "drop", match={"event_type": COMPLETED, "reference": "REF1"})
    paid()
    assert receiver.received == []
    assert [one.error for one in sandbox.stripe.books.webhooks] == ["dropped"]
    paid("REF2")
    assert len(receiver.received) == 1


def test_delay(sandbox: Sandbox, paid: Any, receiver: Receiver) -> None:
    sandbox.faults.add("webhook", "delay", seconds=3600)
    with time_machine.travel(time.time(), tick=False) as traveller:
        paid()
        assert receiver.received == []
        traveller.shift(3600)
        sandbox.settle()
    assert len(receiver.received) == 1


def test_reorder(sandbox: Sandbox, paid: Any, receiver: Receiver, client: stripe.StripeClient) -> None:
    sandbox.faults.add("webhook", "reorder", window=3, times=3)
    paid("A")
    client.v1.checkout.sessions.create(params("B"))
    client.v1.checkout.sessions.expire(sandbox.stripe.find("B").id)
    sandbox.settle()
    assert receiver.received == []
    paid("C")
    got = [one.json["data"]["object"]["client_reference_id"] for one in receiver.received]
    assert got == ["C", "B", "A"]


def test_reordered_events_do_not_wait_for_ever(sandbox: Sandbox, paid: Any, receiver: Receiver) -> None:
    sandbox.faults.add("webhook", "reorder", times=2)
    with time_machine.travel(time.time(), tick=False) as traveller:
        paid()
        assert receiver.received == []
        traveller.shift(5)
        sandbox.settle()
        assert len(receiver.received) == 1
        paid("REF2")
        sandbox.faults.clear()
        sandbox.settle()
        assert len(receiver.received) == 2


def test_answer_lost(sandbox: Sandbox, paid: Any, receiver: Receiver) -> None:
    sandbox.faults.add("webhook", "answer_lost")
    with time_machine.travel(time.time(), tick=False) as traveller:
        paid()
        traveller.shift(60)
        sandbox.settle()
    assert len(receiver.received) == 2
    assert [one.status for one in sandbox.stripe.books.webhooks] == [None, 200]


def test_wrong_signature(sandbox: Sandbox, paid: Any, receiver: Receiver, client: stripe.StripeClient) -> None:
    sandbox.faults.add("webhook", "wrong_signature")
    paid()
    (hook,) = receiver.received
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(hook.body, hook.headers["Stripe-Signature"], SECRET)


@pytest.mark.parametrize("seconds", [-301, 3600])
def test_clock_skew(sandbox: Sandbox, paid: Any, receiver: Receiver, seconds: int) -> None:
    sandbox.faults.add("webhook", "clock_skew", seconds=seconds)
    paid()
    stamp = int(receiver.received[0].headers["Stripe-Signature"].split(",")[0].removeprefix("t="))
    assert abs(stamp - time.time() - seconds) < 10


def test_wrong_accounts_are_refused(sandbox: Sandbox) -> None:
    good = {"secret_key": "sk_test_x", "webhook_secret": "w", "webhook_url": "http://127.0.0.1/"}
    for wrong in ({"events": "fat"}, {"secret_key": "x"}, {"colour": "red"}, {"webhook_url": ""}):
        with pytest.raises(ValueError):
            sandbox.stripe.add_account(**{**good, **wrong})


def test_golden_vectors_are_signed_alike() -> None:
    """The sandbox signs as Stripe's libraries do."""
    from_file = json.loads((DATA / "stripe.json").read_text())
    for one in from_file:
        header = signature_header(one["secret"], one["payload"].encode(), one["timestamp"])
        assert header == one["header"]
