"""What stands in the way of a cancel beside its prices, and many that come at once."""

import json
from dataclasses import replace

import pytest
from django.db import transaction
from django.utils import timezone

from bridge.gateways.stripe import Stripe
from payments import ledger, refunds
from payments.models import Cancellation, CancelOrigin, GatewayCall, PaymentSession
from tests.bridge.cancelling import cancels
from tests.door import signed
from tests.factories import SIGNING_SECRET
from tests.threads import at_once
from tests.world import code


@pytest.fixture
def can(monkeypatch):
    """Change what the gateway can do."""
    return lambda **changes: monkeypatch.setattr(Stripe, "capabilities", replace(Stripe.capabilities, **changes))


def test_money_that_a_person_looks_at_is_not_the_shops_to_give_back(unattended):
    PaymentSession.objects.update(stage="REVIEW", reason="DOUBLE_PAYMENT", attention=True)
    assert {code(unattended.partial(4900)), code(unattended.full())} == {"IN_REVIEW"}
    assert cancels() == []


def test_a_method_without_parts_gives_back_the_whole_only(paid, can):
    can(partial_cancel=frozenset())
    answer = paid.partial(4900)
    assert (code(answer), "use FullCancel" in answer["ErrorMessage"]) == ("NOT_CANCELLABLE", True)
    assert cancels() == []
    assert code(paid.full()) == "Done"


ACCOUNT = {"RefundBank": "004", "RefundAccount": "123-456-789012", "RefundHolder": "홍길동"}


def test_an_account_that_nobody_needs_is_not_kept(unattended):
    unattended.partial(4900, **ACCOUNT)
    assert Cancellation.objects.get().sealed_account is None


def test_a_method_that_needs_an_account_gets_one(unattended, can):
    can(needs_account=frozenset({"CARD"}))
    for missing in ACCOUNT:
        answer = unattended.partial(4900, **{**ACCOUNT, missing: ""})
        assert (code(answer), "RefundAccount" in answer["ErrorMessage"]) == ("INVALID_REQUEST", True)
    assert cancels() == []
    unattended.partial(4900, **ACCOUNT)
    made = Cancellation.objects.get()
    assert made.account == {"bank": "004", "account": "123-456-789012", "holder": "홍길동"}
    assert b"123-456" not in bytes(made.sealed_account)


@pytest.mark.parametrize("current", [64900, 60000, 1000])
def test_while_a_cancel_is_open_another_waits_whatever_its_prices(unattended, current):
    """What is left is not known before the first is decided: no balance that is told now would be right."""
    unattended.partial(4900)
    answers = [unattended.partial(900, current), unattended.partial(900, current, RequestId="two")]
    assert [code(answer) for answer in answers] == ["CANCEL_IN_PROGRESS"] * 2
    assert cancels() == [(4900, "REQUESTED")]


def test_equal_cancels_at_once_are_one(paid):
    for current in (64900, 60000, 55100):
        answers = at_once(*[lambda current=current: paid.partial(4900, current)] * 12)
        # Not everybody has a seat to wait in.
        assert {code(answer) for answer in answers} <= {"Done", "OUTCOME_UNKNOWN"}
        assert code(paid.partial(4900, current)) == "Done"
        assert len({answer["CancelId"] for answer in answers}) == 1
    assert paid.refunds() == [4900, 4900, 4900]


# A signed call's webhook-id is its RequestId


def sign_and_post(world, path, body, id_):
    text = json.dumps(body)
    return world.post(path, text, Authorization="", **signed(text, SIGNING_SECRET, id_=id_)).json()


def keys(world, refund=4900, current=64900, **changes):
    prices = {"RefundPrice": refund, "CurrentTotalPrice": current, "ModifedTotalPrice": current - refund}
    return {**world.named(1), **prices, **changes}


def test_a_signed_cancel_sent_again_under_its_id_is_the_same_cancel(paid):
    first = sign_and_post(paid, "/PGB/PartialCancel", keys(paid), "id-1")
    paid.partial(900, 60000, RequestId="id-2")
    again = sign_and_post(paid, "/PGB/PartialCancel", keys(paid), "id-1")
    assert (code(again), again["CancelId"], again["Balance"]) == ("Done", first["CancelId"], "59100")
    assert Cancellation.objects.get(uuid=first["CancelId"]).request_id == "id-1"
    assert paid.refunds() == [4900, 900]


def test_another_signed_cancel_under_the_same_id_is_refused(paid):
    sign_and_post(paid, "/PGB/PartialCancel", keys(paid), "id-1")
    answer = sign_and_post(paid, "/PGB/PartialCancel", keys(paid, 900, 60000), "id-1")
    assert (code(answer), paid.refunds()) == ("INVALID_REQUEST", [4900])


def test_an_id_in_the_body_comes_before_that_of_the_signature(paid):
    for id_ in ("id-1", "id-2"):
        sign_and_post(paid, "/PGB/PartialCancel", keys(paid, RequestId="mine"), id_)
    assert ([one.request_id for one in Cancellation.objects.all()], paid.refunds()) == (["mine"], [4900])


@pytest.mark.parametrize(("length", "said"), [(255, "Done"), (256, "INVALID_REQUEST")])
@pytest.mark.parametrize("where", ["body", "signature"])
def test_an_id_has_at_most_255_characters(paid, where, length, said):
    id_ = "i" * length
    body = keys(paid, RequestId=id_) if where == "body" else keys(paid)
    assert code(sign_and_post(paid, "/PGB/PartialCancel", body, id_ if where == "signature" else "id")) == said
    assert GatewayCall.objects.filter(kind="CANCEL").count() == (said == "Done")


def test_a_key_makes_no_id_of_a_webhook_id_beside_it(paid):
    """Nobody vouches for a header beside a Bearer key."""
    text = json.dumps(keys(paid))
    paid.post("/PGB/PartialCancel", text, **{"webhook-id": "id-1"})
    assert Cancellation.objects.get().request_id == ""


def test_an_equal_cancel_of_staff_is_not_the_shops(unattended):
    """Of two wishes only one was carried out: the shop is told that its prices are not those of now."""
    with transaction.atomic():
        wish = refunds.Wish(amount=4900, origin=CancelOrigin.STAFF, requested_by="kim")
        refunds.reserve(ledger.lock_session(unattended.session().pk), wish, timezone.now())
    assert code(unattended.partial(4900)) == "CANCEL_IN_PROGRESS"
    unattended.work()
    assert code(unattended.partial(4900)) == "BALANCE_MISMATCH"
    assert (cancels(), unattended.refunds()) == ([(4900, "DONE")], [4900])


def test_where_more_is_on_its_way_than_there_was_nothing_is_left_to_give_back(unattended):
    """Reserved by us and given back in the console at once: the balance is below zero, and told as 0."""
    unattended.sandbox.faults.add("cancel", "refund_status", status="pending")
    unattended.partial(60000)
    unattended.work()
    PaymentSession.objects.update(reserved=65000)
    answer = unattended.full(0)
    assert (code(answer), answer["Balance"], answer["Reserved"]) == ("Pending", "0", "65000")


def test_what_is_told_again_is_of_the_payment_that_was_cancelled(paid):
    """The buyer has begun to pay the order anew."""
    first = paid.full(RequestId="one")
    paid.start()
    again = paid.full(RequestId="one")
    assert [again[name] for name in ("PaymentId", "CancelId")] == [first[name] for name in ("PaymentId", "CancelId")]
    assert again["Stage"] == "CANCELLED"
    assert paid.stages() == ["CANCELLED", "STANDBY"]


def test_a_dispute_of_which_the_gateway_says_nothing_is_not_said_to_stand(paid):
    paid.sandbox.stripe.dispute(paid.session().gateway_id, silent=True)
    paid.look()
    paid.sandbox.faults.add("fetch", "drop", times=None)
    assert code(paid.partial(4900)) == "GATEWAY_UNREACHABLE"


def test_a_payment_that_staff_have_closed_is_not_the_shops_to_give_back(unattended):
    PaymentSession.objects.update(stage="CANCELLED", reason="WRONG_AMOUNT")
    assert {code(unattended.partial(4900)), code(unattended.full())} == {"NOT_CANCELLABLE"}
    assert cancels() == []
