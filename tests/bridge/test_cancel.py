"""PartialCancel and FullCancel: the prices as compare-and-set, repeats, and each outcome with its answer."""

import pytest
from django.utils import timezone

from payments.models import CallKind, Cancellation, GatewayCall, PaymentSession
from tests.bridge.cancelling import cancels, outcome, told
from tests.world import code


def test_a_part_goes_back_then_the_rest(paid):
    assert outcome(paid.partial(4900)) == ("Done", "PARTIALLY_CANCELLED", "60000", "0")
    assert outcome(paid.full(60000)) == ("Done", "CANCELLED", "0", "0")
    assert paid.refunds() == [4900, 60000]
    assert told(paid) == ["PayComplete", "CancelComplete", "CancelComplete"]
    message = paid.sandbox.shop.books.messages[-1]
    assert (message["RefundPrice"], message["CancelState"], message["Stage"]) == ("60000", "DONE", "CANCELLED")
    listed = paid.status()["Cancellations"]
    assert [(one["RefundPrice"], one["CancelState"]) for one in listed] == [("60000", "DONE"), ("4900", "DONE")]


DISAGREE = {
    "less than there is": ({"CurrentTotalPrice": 64000, "ModifedTotalPrice": 60000}, "BALANCE_MISMATCH"),
    "more than there is": ({"CurrentTotalPrice": 70000, "ModifedTotalPrice": 66000}, "BALANCE_MISMATCH"),
    "a sum that is wrong": ({"ModifedTotalPrice": 60001}, "BALANCE_MISMATCH"),
    "nothing": ({"RefundPrice": 0, "ModifedTotalPrice": 64900}, "INVALID_REQUEST"),
    "more free of tax than goes back": ({"TaxFreePrice": 4001}, "INVALID_REQUEST"),
    "free of tax what was taxed": ({"TaxFreePrice": 1}, "OVER_REFUND"),
    "both spellings with two values": ({"ModifiedTotalPrice": 1}, "INVALID_REQUEST"),
    "a nation that is not served": ({"NationCode": "US"}, "INVALID_REQUEST"),
}


@pytest.mark.parametrize("why", DISAGREE)
def test_prices_that_do_not_agree_move_nothing(unattended, why):
    changes, said = DISAGREE[why]
    answer = unattended.partial(4000, **changes)
    assert code(answer) == said
    if said == "BALANCE_MISMATCH":
        assert answer["Balance"] == "64900"
    assert (cancels(), unattended.session().reserved) == ([], 0)


def test_a_full_cancel_of_another_sum_than_the_balance_is_refused(unattended):
    answer = unattended.full(64000)
    assert (code(answer), answer["Balance"], cancels()) == ("BALANCE_MISMATCH", "64900", [])


def test_the_other_spelling_of_the_modified_price_is_taken(paid):
    body = {"RefundPrice": 900, "CurrentTotalPrice": "64900.0000", "ModifiedTotalPrice": 64000}
    answer = paid.post("/PGB/PartialCancel", {**paid.named(1), **body}).json()
    assert outcome(answer) == ("Done", "PARTIALLY_CANCELLED", "64000", "0")


# Repeats


def test_the_same_prices_again_are_the_same_cancel(paid):
    first = paid.partial(4900)
    again = paid.partial(4900)
    assert (again, paid.refunds()) == (first, [4900])


def test_the_same_request_id_is_the_same_cancel_whatever_happened_since(paid):
    first = paid.partial(4900, RequestId="one")
    paid.partial(900, 60000, RequestId="two")
    again = paid.partial(4900, RequestId="one")
    assert (again["CancelId"], code(again), again["Balance"]) == (first["CancelId"], "Done", "59100")
    assert paid.refunds() == [4900, 900]


def test_another_request_under_the_same_id_is_refused(paid):
    paid.partial(4900, RequestId="one")
    answer = paid.partial(900, 60000, RequestId="one")
    assert (code(answer), paid.refunds()) == ("INVALID_REQUEST", [4900])


def test_a_request_id_that_made_nothing_is_worked_afresh(paid):
    assert code(paid.partial(900, 60000, RequestId="one")) == "BALANCE_MISMATCH"
    assert code(paid.partial(900, 64900, RequestId="one")) == "Done"


def test_an_equal_cancel_at_the_same_balance_again_needs_an_id(paid):
    first = paid.partial(1000)
    second = paid.partial(1000, 63900)
    paid.sandbox.stripe.end_refund(first["CancelId"], "failed", silent=True)
    assert paid.look().balance == 63900
    answer = paid.partial(1000, 63900)
    assert (code(answer), answer["CancelId"]) == ("REPEAT_OR_NEW", second["CancelId"])
    assert code(paid.partial(1000, 63900, RequestId="new")) == "Done"
    assert paid.refunds() == [1000, 1000]


def test_an_open_cancel_stands_in_the_way_of_another_one(unattended):
    first = unattended.partial(4900)
    assert outcome(first) == ("OUTCOME_UNKNOWN", "PAID", "60000", "4900")
    other = unattended.partial(900, 60000)
    assert (code(other), other["Type"]) == ("CANCEL_IN_PROGRESS", "Pending")
    assert outcome(unattended.partial(4900)) == outcome(first)
    unattended.work()
    assert (outcome(unattended.partial(4900))[0], unattended.refunds()) == ("Done", [4900])


# Outcomes


def test_a_refusal_gives_the_reservation_back_and_is_told(paid):
    paid.sandbox.stripe.dispute(paid.session().gateway_id, silent=True)
    answer = paid.partial(4900)
    assert outcome(answer) == ("GATEWAY_REFUSED", "PAID", "64900", "0")
    assert "charge_disputed" in answer["ErrorMessage"]
    assert told(paid)[:2] == ["PayComplete", "CancelFailed"]
    assert (paid.session().generation, cancels()) == (1, [(4900, "REFUSED")])


def test_a_refused_cancel_repeated_is_a_new_one(paid):
    paid.sandbox.faults.add("cancel", "refund_status", status="failed")
    assert code(paid.partial(4900)) == "GATEWAY_REFUSED"
    assert code(paid.partial(4900)) == "Done"
    assert cancels() == [(4900, "REFUSED"), (4900, "DONE")]
    assert len({call.key for call in paid.sandbox.stripe.books.calls if call.operation == "cancel"}) == 2


def test_a_refused_request_id_stays_refused(paid):
    paid.sandbox.faults.add("cancel", "refund_status", status="failed")
    assert code(paid.partial(4900, RequestId="one")) == "GATEWAY_REFUSED"
    assert code(paid.partial(4900, RequestId="one")) == "GATEWAY_REFUSED"
    assert code(paid.partial(4900, RequestId="two")) == "Done"


def test_a_pending_refund_holds_its_amount_until_it_is_decided(paid):
    paid.sandbox.faults.add("cancel", "refund_status", status="pending")
    answer = paid.partial(4900)
    assert outcome(answer) == ("Pending", "PAID", "60000", "4900")
    assert (answer["IsSuccess"], outcome(paid.partial(4900))) == (True, outcome(answer))
    paid.sandbox.stripe.end_refund(answer["CancelId"], "succeeded", silent=True)
    assert paid.look().stage == "PARTIALLY_CANCELLED"
    assert told(paid) == ["PayComplete", "CancelComplete"]
    assert outcome(paid.partial(4900)) == ("Done", "PARTIALLY_CANCELLED", "60000", "0")


def test_a_pending_refund_that_fails_is_told_and_can_be_tried_again(paid):
    paid.sandbox.faults.add("cancel", "refund_status", status="pending")
    answer = paid.partial(4900)
    paid.sandbox.stripe.end_refund(answer["CancelId"], "failed", silent=True)
    assert (paid.look().balance, cancels()) == (64900, [(4900, "REFUSED")])
    assert told(paid) == ["PayComplete", "CancelFailed"]
    assert code(paid.partial(4900)) == "Done"


def test_money_that_came_back_is_told_and_can_be_cancelled_again(paid):
    first = paid.full()
    assert (first["Stage"], told(paid)[-1]) == ("CANCELLED", "CancelComplete")
    paid.sandbox.stripe.end_refund(first["CancelId"], "failed")
    assert paid.look().stage == "PAID"
    assert told(paid)[-1] == "RefundReversed"
    again = paid.full()
    assert (code(again), again["CancelId"] != first["CancelId"], paid.refunds()) == ("Done", True, [64900])
    assert told(paid)[-1] == "CancelComplete"


def test_money_that_comes_back_to_an_order_that_was_paid_anew_goes_to_review(paid):
    first = paid.full()
    old = paid.session()
    paid.paid()
    paid.sandbox.stripe.end_refund(first["CancelId"], "failed", silent=True)
    PaymentSession.objects.filter(pk=old.pk).ring(timezone.now())
    paid.rest()
    assert paid.stages() == ["REVIEW DOUBLE_PAYMENT", "PAID"]


# From outside


def test_a_refund_in_the_gateways_console_is_found_and_told(paid):
    paid.sandbox.stripe.refund(paid.session().gateway_id, 900)
    assert (told(paid), paid.session().stage) == (["PayComplete", "CancelComplete"], "PARTIALLY_CANCELLED")
    assert [(one.origin, one.amount) for one in Cancellation.objects.all()] == [("GATEWAY", 900)]
    assert outcome(paid.full(64000)) == ("Done", "CANCELLED", "0", "0")
    assert paid.refunds() == [900, 64000]


def test_a_refund_in_the_console_during_an_open_cancel_is_booked_after_it(unattended, clock):
    unattended.sandbox.faults.add("cancel", "answer_lost")
    unattended.partial(4900)
    unattended.work()
    unattended.sandbox.stripe.refund(unattended.session().gateway_id, 900, silent=True)
    clock.move_to(GatewayCall.objects.get(kind=CallKind.CANCEL).due_at)
    unattended.work()
    assert cancels() == [(4900, "DONE"), (900, "DONE")]
    assert (unattended.session().balance, unattended.session().attention) == (59100, False)


def test_a_second_refund_under_our_own_id_is_recorded_as_made_without_us(paid):
    first = paid.partial(4900)
    twin = paid.sandbox.stripe.refund(paid.session().gateway_id, 4900, silent=True)
    twin.metadata["pgb_cancel"] = first["CancelId"]
    for _ in range(2):
        assert (paid.look().balance, cancels()) == (55100, [(4900, "DONE"), (4900, "DONE")])
    assert [one.origin for one in Cancellation.objects.order_by("pk")] == ["SHOP", "GATEWAY"]


def test_a_dispute_is_flagged_told_and_asked_about_before_a_cancel(paid):
    paid.sandbox.stripe.dispute(paid.session().gateway_id, silent=True)
    session = paid.look()
    assert (session.disputed, session.attention, told(paid)[-1]) == (True, True, "Disputed")
    assert code(paid.partial(4900)) == "NOT_CANCELLABLE"
    paid.sandbox.stripe.close_dispute(session.gateway_id, won=True, silent=True)
    assert code(paid.partial(4900)) == "Done"
    assert paid.session().disputed is False


def test_an_order_that_is_not_there_is_not_made(world):
    assert code(world.partial(4900)) == "ORDER_NOT_FOUND"
    assert code(world.full()) == "ORDER_NOT_FOUND"
    assert world.post("/PGB/PayStatus", {"DBType": "KR1", "OrderId": 1, "JoinerId": 1001}).json()["ErrorCode"] == (
        "ORDER_NOT_FOUND"
    )


def test_a_method_of_another_payment_is_refused(unattended):
    assert code(unattended.full(PayType="BANK")) == "INVALID_REQUEST"
    assert code(unattended.full(PGType="inicis")) == "INVALID_REQUEST"
    assert cancels() == []
