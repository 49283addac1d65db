"""Refunds at the sandbox's Stripe, seen through Stripe's own library."""

import time
from typing import Any

import pytest
import stripe
import time_machine

from bridge.sandbox.sandbox import Sandbox
from bridge.sandbox.stripe.checkout import NotPossible
from tests.sandbox.conftest import client_of, params
from tests.sandbox.receiver import Receiver
from tests.sandbox.test_stripe_api import refusal


def paid(sandbox: Sandbox, client: stripe.StripeClient, reference: str = "REF1", **more: Any) -> str:
    """The PaymentIntent of a paid session."""
    client.v1.checkout.sessions.create(params(reference, **more))
    return sandbox.stripe.pay(reference).payment or ""


def konbini(sandbox: Sandbox, client: stripe.StripeClient) -> str:
    client.v1.checkout.sessions.create(params(currency="jpy", amount=3300))
    sandbox.stripe.pay("REF1", "later")
    return sandbox.stripe.deposit("REF1").payment or ""


def refund(client: stripe.StripeClient, intent: str, key: str = "key-1", **more: Any) -> Any:
    asked: Any = {"payment_intent": intent, **more}
    return client.v1.refunds.create(asked, {"idempotency_key": key})


def charge_of(client: stripe.StripeClient, intent: str) -> Any:
    whole: Any = client.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge"]})
    return whole.latest_charge


def test_refunds_add_up_on_the_charge(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent = paid(sandbox, client)
    made = refund(client, intent, amount=900, reason="requested_by_customer", metadata={"pgb_cancel": "c-1"})
    assert (made.status, made.amount, made.currency, made.payment_intent) == ("succeeded", 900, "krw", intent)
    assert (made.metadata.to_dict(), made.reason) == ({"pgb_cancel": "c-1"}, "requested_by_customer")
    charge = charge_of(client, intent)
    assert (charge.amount_refunded, charge.refunded, made.charge) == (900, False, charge.id)
    rest = client.v1.refunds.create({"charge": charge.id})
    assert rest.amount == 64000
    assert (charge_of(client, intent).amount_refunded, charge_of(client, intent).refunded) == (64900, True)
    assert sandbox.stripe.books.paid("REF1") == 0
    assert [one.id for one in sandbox.stripe.books.refunds_of("REF1")] == [made.id, rest.id]
    assert sandbox.stripe.books.refunds_by_key["key-1"] == 1
    assert sandbox.stripe.books.refunds_by_cancel == {"c-1": 1}


def test_two_equal_partial_refunds_are_two(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent = paid(sandbox, client)
    assert refund(client, intent, amount=900).id != refund(client, intent, "key-2", amount=900).id
    assert charge_of(client, intent).amount_refunded == 1800


def test_what_cannot_be_refunded(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent = paid(sandbox, client)

    def told(**asked: Any) -> tuple[int | None, str | None, Any]:
        error = refusal(lambda: client.v1.refunds.create(asked))
        return error.http_status, error.code, getattr(error, "param", None)

    assert told(payment_intent=intent, amount=64901) == (400, None, "amount")
    assert told(payment_intent=intent, amount=0) == (400, "parameter_invalid_integer", "amount")
    assert told(payment_intent=intent, amount=-1) == (400, "parameter_invalid_integer", "amount")
    assert told(payment_intent=intent, amount="9.5") == (400, "parameter_invalid_integer", "amount")
    assert told(payment_intent=intent, reason="because") == (400, None, "reason")
    assert told(payment_intent="pi_none") == (404, "resource_missing", "payment_intent")
    assert told(payment_intent={"a": "b"})[0] == 400
    assert told(charge="ch_none") == (404, "resource_missing", "charge")
    assert told(amount=1) == (400, None, None)
    refund(client, intent)
    assert told(payment_intent=intent, amount=1) == (400, "charge_already_refunded", None)
    assert len(sandbox.stripe.books.refunds) == 1


def test_only_what_was_paid_can_be_refunded(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    client.v1.checkout.sessions.create(params(currency="jpy", amount=3300))
    session = sandbox.stripe.pay("REF1", "later")
    error = refusal(lambda: refund(client, session.payment or "", amount=1))
    assert (error.http_status, error.code) == (400, None)


def test_another_accounts_payment_is_not_there(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent = paid(sandbox, client)
    made = refund(client, intent, amount=900)
    sandbox.stripe.add_account(secret_key="sk_test_2", webhook_secret="whsec_2", webhook_url=sandbox.url)
    other = client_of(sandbox, "sk_test_2")
    assert refusal(lambda: refund(other, intent, amount=1)).code == "resource_missing"
    assert refusal(lambda: other.v1.refunds.retrieve(made.id)).code == "resource_missing"
    assert other.v1.refunds.list().data == []


def test_same_key_is_one_refund(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent = paid(sandbox, client)
    first, again = (refund(client, intent, amount=900) for _ in range(2))
    assert first.id == again.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert refusal(lambda: refund(client, intent, amount=901), stripe.IdempotencyError).http_status == 400
    assert sandbox.stripe.books.refunds_by_key == {"key-1": 1}


def test_refusal_is_replayed_under_its_key(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent = paid(sandbox, client)
    refusal(lambda: refund(client, intent, amount=64901))
    sandbox.stripe.books.payments[intent].captured = 70000
    assert refusal(lambda: refund(client, intent, amount=64901)).code is None
    assert refund(client, intent, "key-2", amount=64901).status == "succeeded"


@pytest.mark.parametrize(("kind", "made"), [("error_before", 0), ("error_after", 1)])
def test_its_own_500_is_replayed(sandbox: Sandbox, client: stripe.StripeClient, kind: str, made: int) -> None:
    intent = paid(sandbox, client)
    sandbox.faults.add("cancel", kind)
    for _ in range(2):
        assert refusal(lambda: refund(client, intent, amount=900), stripe.APIError).http_status == 500
    assert len(sandbox.stripe.books.refunds) == made
    assert sandbox.stripe.books.paid("REF1") == 64900 - 900 * made


def test_lost_answer_then_same_key_is_one_refund(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent = paid(sandbox, client)
    sandbox.faults.add("cancel", "answer_lost", match={"reference": "REF1"})
    refusal(lambda: refund(client, intent, amount=900), stripe.APIConnectionError)
    assert refund(client, intent, amount=900).amount == 900
    assert len(sandbox.stripe.books.refunds) == 1


def test_lists(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    start = time.time()
    with time_machine.travel(start, tick=False) as traveller:
        intent = paid(sandbox, client)
        other = paid(sandbox, client, "REF2")
        for number in range(3):
            refund(client, intent, f"key-{number}", amount=100 + number)
            traveller.shift(10)
        refund(client, other, "key-9", amount=109)
    refunds = client.v1.refunds
    page = refunds.list({"payment_intent": intent, "limit": 2})
    assert ([one.amount for one in page.data], page.has_more) == ([102, 101], True)
    rest = refunds.list({"payment_intent": intent, "limit": 2, "starting_after": page.data[-1].id})
    assert ([one.amount for one in rest.data], rest.has_more) == ([100], False)
    assert [one.amount for one in refunds.list().data] == [109, 102, 101, 100]
    assert [one.amount for one in refunds.list({"charge": page.data[0].charge or ""}).data] == [102, 101, 100]
    window: Any = {"created": {"gte": int(start) + 10, "lt": int(start) + 30}}
    assert [one.amount for one in refunds.list(window).data] == [102, 101]
    assert refunds.retrieve(page.data[0].id).amount == 102
    whole: Any = refunds.retrieve(page.data[0].id, {"expand": ["charge", "payment_intent"]})
    assert (whole.charge.amount_refunded, whole.payment_intent.id) == (303, intent)
    assert refusal(lambda: refunds.list({"payment_intent": "pi_none"})).code == "resource_missing"
    assert refusal(lambda: refunds.retrieve("re_none")).code == "resource_missing"


def test_not_visible_yet(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent = paid(sandbox, client)
    made = refund(client, intent, amount=900)
    sandbox.faults.add("refunds", "not_visible", times=None)
    assert client.v1.refunds.list({"payment_intent": intent}).data == []
    assert refusal(lambda: client.v1.refunds.retrieve(made.id)).code == "resource_missing"


def test_wrong_and_altered_answers(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent = paid(sandbox, client)
    sandbox.faults.add("cancel", "wrong", field="amount")
    assert refund(client, intent, amount=900).amount == 901
    sandbox.faults.add("refunds", "alter", set={"data.0.status": "odd"})
    assert client.v1.refunds.list().data[0].status == "odd"
    for field in ("reference", "livemode", "currency"):
        sandbox.faults.add("refunds", "wrong", field=field)
        assert len(client.v1.refunds.list().data) == 1


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({}, ("pending", "processing", None)),
        ({"pending_reason": "insufficient_funds"}, ("pending", "insufficient_funds", None)),
        ({"status": "requires_action"}, ("requires_action", "processing", None)),
        ({"status": "failed", "failure_reason": "declined"}, ("failed", None, "declined")),
    ],
)
def test_refund_comes_to_what_the_fault_says(
    sandbox: Sandbox, client: stripe.StripeClient, fault: dict[str, Any], told: tuple[Any, ...]
) -> None:
    intent = paid(sandbox, client)
    sandbox.faults.add("cancel", "refund_status", **fault)
    made = refund(client, intent, amount=900)
    assert (made.status, getattr(made, "pending_reason", None), getattr(made, "failure_reason", None)) == told
    assert sandbox.stripe.books.paid("REF1") == (64900 if made.status == "failed" else 64000)


def test_konbini_refund_waits_for_a_bank_account(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    with time_machine.travel(time.time(), tick=False) as traveller:
        intent = konbini(sandbox, client)
        made = refund(client, intent, amount=300)
        assert made.status == "requires_action"
        assert sandbox.stripe.end_refund(made.id, "pending").status == "pending"
        sandbox.stripe.end_refund(made.id, "succeeded")
        late = refund(client, intent, "key-2", amount=3000)
        assert sandbox.stripe.books.paid("REF1") == 0
        traveller.shift(45 * 86400)
        sandbox.settle()
        assert client.v1.refunds.retrieve(late.id).status == "failed"
        assert client.v1.refunds.retrieve(made.id).status == "succeeded"
        assert sandbox.stripe.books.paid("REF1") == 3000


def test_failed_refund_can_be_made_again(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent = paid(sandbox, client)
    made = refund(client, intent, metadata={"pgb_cancel": "c-1"})
    sandbox.stripe.end_refund("c-1", "failed", "declined")
    assert client.v1.refunds.retrieve(made.id).failure_reason == "declined"
    charge = charge_of(client, intent)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert refund(client, intent, "key-2", amount=64900).status == "succeeded"
    with pytest.raises(NotPossible):
        sandbox.stripe.end_refund(made.id, "succeeded")


def test_refund_in_the_console(sandbox: Sandbox, client: stripe.StripeClient, receiver: Receiver) -> None:
    intent = paid(sandbox, client)
    receiver.received.clear()
    silent = sandbox.stripe.refund("REF1", 900, silent=True)
    assert (silent.key, silent.metadata, receiver.received) == (None, {}, [])
    sandbox.stripe.refund(intent)
    assert sorted(receiver.types()) == ["charge.refunded", "refund.created"]
    assert [one.amount for one in client.v1.refunds.list({"payment_intent": intent}).data] == [64000, 900]
    with pytest.raises(NotPossible):
        sandbox.stripe.refund("REF1")
    with pytest.raises(KeyError):
        sandbox.stripe.refund("NOBODYS")
    with pytest.raises(KeyError):
        sandbox.stripe.end_refund("NOBODYS", "failed")


@pytest.mark.parametrize("operation", ["cancel", "refunds", "fetch"])
def test_console_is_faster(sandbox: Sandbox, client: stripe.StripeClient, operation: str) -> None:
    intent = paid(sandbox, client)
    sandbox.faults.add(operation, "console_refund", amount=64000)
    if operation == "cancel":
        error = refusal(lambda: refund(client, intent, amount=901))
        assert (error.code, getattr(error, "param", None)) == (None, "amount")
    elif operation == "refunds":
        assert [one.amount for one in client.v1.refunds.list({"payment_intent": intent}).data] == [64000]
    else:
        session = sandbox.stripe.find("REF1").id
        whole: Any = client.v1.checkout.sessions.retrieve(session, {"expand": ["payment_intent.latest_charge"]})
        assert whole.payment_intent.latest_charge.amount_refunded == 64000


def test_events_tell_of_each_step(sandbox: Sandbox, client: stripe.StripeClient, receiver: Receiver) -> None:
    intent = paid(sandbox, client)
    receiver.received.clear()
    sandbox.faults.add("cancel", "refund_status")
    made = refund(client, intent, amount=900)
    sandbox.settle()
    sandbox.stripe.end_refund(made.id, "succeeded")
    sandbox.stripe.end_refund(made.id, "failed")
    told = [(one.json["type"], one.json["data"]["object"].get("status")) for one in receiver.received]
    assert sorted(told) == [
        ("charge.refunded", "succeeded"),
        ("refund.created", "pending"),
        ("refund.failed", "failed"),
        ("refund.updated", "failed"),
        ("refund.updated", "succeeded"),
    ]


def test_dispute(sandbox: Sandbox, client: stripe.StripeClient, receiver: Receiver) -> None:
    intent = paid(sandbox, client)
    sandbox.stripe.refund("REF1", 900, silent=True)
    receiver.received.clear()
    dispute = sandbox.stripe.dispute("REF1")
    assert (dispute.amount, charge_of(client, intent).disputed) == (64000, True)
    assert refusal(lambda: refund(client, intent, amount=1)).code == "charge_disputed"
    with pytest.raises(NotPossible):
        sandbox.stripe.dispute("REF1")
    sandbox.stripe.close_dispute("REF1", won=True)
    assert refund(client, intent, "key-2", amount=1).status == "succeeded"
    with pytest.raises(NotPossible):
        sandbox.stripe.close_dispute("REF1", won=False)
    again = sandbox.stripe.dispute("REF1", silent=True)
    sandbox.stripe.close_dispute("REF1", won=False, silent=True)
    assert charge_of(client, intent).disputed is True
    found: Any = client.v1.disputes.retrieve(again.id)
    assert (found.status, found.payment_intent, found.is_charge_refundable) == ("lost", intent, False)
    sandbox.settle()
    assert [one for one in receiver.types() if "dispute" in one] == ["charge.dispute.created", "charge.dispute.closed"]
