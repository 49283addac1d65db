"""What both kits send to cancel, exactly, against a stand-in; then each thing that a cancel can come to, at PGB."""

import json
import time

import pytest
from standardwebhooks.webhooks import Webhook

from bridge import cancel
from tests.factories import API_KEY, SIGNING_SECRET
from tests.shop_kit.kit import CANCEL, CUT, ORDER, said, start

PARTIAL = {**CANCEL, "CurrentTotalPrice": "64900.0000", "RefundPrice": "900"}
OPTIONS = {"ClaimId": 3, "Reason": "색상 불량", "TaxFreePrice": "100", "RefundBank": "004", "RefundAccount": "123-45"}


def test_a_partial_cancel_sends_the_three_prices_under_its_request_id(kit, pgb):
    pgb.answer(said(Type="Done", CancelId="C1", Balance="64000", Reserved="0"))
    answer = kit.call("PartialCancel", **PARTIAL, **OPTIONS, RefundHolder="홍길동")
    assert (answer["type"], answer["cancel_id"], answer["balance"]) == ("Done", "C1", "64000")
    sent = pgb.sent[0]
    assert sent.path == "/PGB/PartialCancel"
    assert sent.headers["authorization"] == f"Bearer {API_KEY}"
    assert sent.headers["content-type"] == "application/json; charset=utf-8"
    assert sent.json == {
        "DBType": "KR1",
        "OrderId": 7,
        "JoinerId": 1001,
        "NationCode": "KR",
        "CurrentTotalPrice": "64900.0000",
        "RefundPrice": "900",
        "ModifedTotalPrice": "64000.0000",
        "RequestId": "refund-1",
        **OPTIONS,
        "RefundHolder": "홍길동",
    }


def test_a_full_cancel_sends_what_is_left(kit, pgb):
    pgb.answer(said(Type="Pending", CancelId="C2", Balance="0", Reserved="64900"))
    answer = kit.call("FullCancel", **CANCEL, PGType="stripe", PayType="CARD")
    assert (answer["type"], answer["cancel_id"]) == ("Pending", "C2")
    sent = pgb.sent[0]
    assert (sent.path, sent.json) == ("/PGB/FullCancel", {**CANCEL, "PGType": "stripe", "PayType": "CARD"})


@pytest.mark.parametrize("name", ["PartialCancel", "FullCancel"])
def test_a_signed_cancel_carries_its_request_id_as_the_webhook_id(kit, pgb, name):
    kit.at(pgb.url, secret=SIGNING_SECRET, timeout=5, patience=10, repeat_after=0.01)
    pgb.answer(CUT, said(Type="Done"))
    kit.call(name, **(PARTIAL if name == "PartialCancel" else CANCEL))
    first, second = pgb.sent
    assert first.body == second.body
    for sent in (first, second):
        assert sent.headers["webhook-id"] == sent.json["RequestId"] == "refund-1"
        Webhook(SIGNING_SECRET).verify(sent.body, sent.headers)


@pytest.mark.parametrize("request_id", ["", "a b", "환불-1", "a.b", "x" * 101, "a\n"])
def test_a_cancel_without_an_id_that_can_be_repeated_is_not_sent(kit, pgb, request_id):
    pgb.answer(said(Type="Done"))
    answer = kit.call("FullCancel", **{**CANCEL, "RequestId": request_id})
    assert answer["kind"] == "Argument"
    assert "RequestId: give every refund an id of its own" in answer["message"]
    assert pgb.sent == []


def test_a_float_is_no_amount_in_python(python_kit, pgb):
    """The C# kit's amounts are decimal: its compiler says the same."""
    python_kit.at(pgb.url)
    answer = python_kit.call("FullCancel", **CANCEL, RefundHolder=0.1)
    assert answer["kind"] == "TypeError"
    assert pgb.sent == []


# At PGB itself


@pytest.fixture
def paid(shop, world):
    """Order 7 is paid with 64,900 won and told; workers are there. Returns the shop's program."""
    start(shop)
    world.pay(7)
    world.work()
    with world.working():
        yield shop


def part(shop, refund, current=64900, **changes):
    prices = {"RefundPrice": str(refund), "CurrentTotalPrice": str(current)}
    return shop.call("PartialCancel", **{**CANCEL, **prices, **changes})


def whole(shop, current=64900, **changes):
    prices = {"CurrentTotalPrice": str(current), "PGType": "stripe", "PayType": "CARD"}
    return shop.call("FullCancel", **{**CANCEL, **prices, **changes})


def facts(answer):
    return tuple(answer[name] for name in ("type", "stage", "balance", "reserved"))


def failed(answer):
    return answer.get("kind"), answer.get("code")


def heard(shop, number):
    """The message with this number of those that the shop takes, from 1."""
    ends = time.monotonic() + 60
    while len(shop.books()) < number:
        assert time.monotonic() < ends, "the shop was not told"
        time.sleep(0.02)
    return shop.books()[number - 1]


def told(message):
    return message["EventType"], message["Stage"], message["Balance"], message["Disputed"]


def of_cancel(keys):
    """What stands of a cancel in a message, or in a line of PayStatus."""
    names = ("RequestId", "RefundPrice", "RefundTaxFreePrice", "CancelState", "CancelOrigin", "CancelCode")
    assert keys["CancelRequestedAt"]
    return tuple(keys[name] for name in names)


def test_a_part_then_the_rest_is_given_back_and_told(paid, world):
    first = part(paid, 4900, "64900.0000")
    assert facts(first) == ("Done", "PARTIALLY_CANCELLED", "60000", "0")
    message = heard(paid, 2)
    assert told(message) == ("CancelComplete", "PARTIALLY_CANCELLED", "60000", False)
    assert of_cancel(message) == ("refund-1", "4900", "0", "DONE", "SHOP", "")
    assert (message["CancelId"], bool(message["CancelEndedAt"])) == (first["cancel_id"], True)
    second = whole(paid, 60000, RequestId="refund-2")
    assert facts(second) == ("Done", "CANCELLED", "0", "0")
    assert told(heard(paid, 3)) == ("CancelComplete", "CANCELLED", "0", False)
    status = paid.call("PayStatus", **ORDER)
    lines = [json.loads(line) for line in status["cancels"].splitlines()]
    assert [line["CancelId"] for line in lines] == [second["cancel_id"], first["cancel_id"]]
    assert [of_cancel(line)[:2] for line in lines] == [("refund-2", "60000"), ("refund-1", "4900")]
    assert world.refunds() == [4900, 60000]


def test_a_refund_that_takes_its_time_is_pending_and_told_when_it_is_decided(paid, world):
    world.sandbox.faults.add("cancel", "refund_status", status="pending")
    answer = part(paid, 4900)
    assert facts(answer) == ("Pending", "PAID", "60000", "4900")
    world.sandbox.stripe.end_refund(answer["cancel_id"], "succeeded")
    message = heard(paid, 2)
    assert (told(message)[0], of_cancel(message)[3]) == ("CancelComplete", "DONE")


def test_a_refusal_is_told_and_stays_one_under_its_id(paid, world):
    world.sandbox.faults.add("cancel", "refund_status", status="failed")
    answer = part(paid, 4900)
    assert failed(answer) == ("PgbRefused", "GATEWAY_REFUSED")
    assert (answer["balance"], bool(answer["cancel_id"])) == ("64900", True)
    message = heard(paid, 2)
    assert told(message) == ("CancelFailed", "PAID", "64900", False)
    assert of_cancel(message)[3:5] == ("REFUSED", "SHOP") and message["CancelCode"]
    assert failed(part(paid, 4900)) == failed(answer)
    assert facts(part(paid, 4900, RequestId="refund-2"))[0] == "Done"
    assert world.refunds() == [4900]


def test_a_cancel_in_doubt_is_repeated_under_its_id_and_made_once(shop, world, monkeypatch):
    monkeypatch.setattr(cancel, "SECONDS", 0.05)
    start(shop)
    world.pay(7)
    world.work()
    answer = part(shop, 4900)
    assert failed(answer) == ("PgbInDoubt", "OUTCOME_UNKNOWN")
    assert part(shop, 4900)["cancel_id"] == answer["cancel_id"]
    assert failed(part(shop, 900, 60000, RequestId="refund-2")) == ("PgbRefused", "CANCEL_IN_PROGRESS")
    world.rest()
    again = part(shop, 4900)
    assert (facts(again)[0], again["cancel_id"], world.refunds()) == ("Done", answer["cancel_id"], [4900])


def test_other_prices_than_pgbs_are_refused_with_its_balance(paid, world):
    answer = part(paid, 4900, 70000)
    assert (failed(answer), answer["balance"]) == (("PgbRefused", "BALANCE_MISMATCH"), "64900")
    assert world.refunds() == []


def test_another_refund_under_the_same_id_is_a_mistake_of_the_shop(paid, world):
    part(paid, 4900)
    assert failed(part(paid, 900, 60000)) == ("PgbSetup", "INVALID_REQUEST")
    assert world.refunds() == [4900]


def test_a_form_without_an_id_may_have_to_say_whether_it_is_new(paid, world):
    """The kits always send an id; what a shop's older code sends is told apart by its prices."""
    first = part(paid, 1000)
    second = part(paid, 1000, 63900, RequestId="refund-2")
    world.sandbox.stripe.end_refund(first["cancel_id"], "failed")
    heard(paid, 4)
    keys = {**ORDER, "NationCode": "KR", "CurrentTotalPrice": "63900", "RefundPrice": "1000"}
    answer = paid.form("/PGB/PartialCancel", **keys, ModifedTotalPrice="62900")
    assert (answer["ErrorCode"], answer["CancelId"]) == ("REPEAT_OR_NEW", second["cancel_id"])


def test_money_that_comes_back_is_told(paid, world):
    answer = whole(paid)
    world.sandbox.stripe.end_refund(answer["cancel_id"], "failed")
    message = heard(paid, 3)
    assert told(message) == ("RefundReversed", "PAID", "64900", False)
    assert (message["CancelId"], message["CancelState"]) == (answer["cancel_id"], "REVERSED")


def test_a_dispute_is_told_and_stands_in_the_way_of_a_cancel(paid, world):
    world.sandbox.stripe.dispute(world.session(7).gateway_id)
    message = heard(paid, 2)
    assert (told(message), message.get("CancelId")) == (("Disputed", "PAID", "64900", True), None)
    assert paid.call("PayStatus", **ORDER)["disputed"] is True
    assert failed(part(paid, 4900)) == ("PgbRefused", "NOT_CANCELLABLE")


def test_an_unpaid_payment_is_ended_and_told_without_a_cancel(shop, world):
    start(shop)
    with world.working():
        assert failed(part(shop, 4900)) == ("PgbRefused", "NOT_PAID")
        assert facts(whole(shop, RequestId="refund-2")) == ("Done", "CANCELLED", "0", "0")
        message = heard(shop, 1)
    assert (told(message), message.get("CancelId")) == (("CancelComplete", "CANCELLED", "0", False), None)


def test_a_refund_in_the_gateways_console_is_told_with_its_origin(paid, world):
    world.sandbox.stripe.refund(world.session(7).gateway_id, 900)
    message = heard(paid, 2)
    assert told(message) == ("CancelComplete", "PARTIALLY_CANCELLED", "64000", False)
    assert of_cancel(message) == ("", "900", "0", "DONE", "GATEWAY", "")


@pytest.mark.parametrize("name", ["PartialCancel", "FullCancel"])
def test_a_signed_cancel_is_repeated_by_its_id(paid, world, live_server, name):
    paid.at(live_server.url, secret=SIGNING_SECRET)
    ask = part if name == "PartialCancel" else whole
    args = [4900] if name == "PartialCancel" else []
    first, second = ask(paid, *args), ask(paid, *args)
    assert (first["cancel_id"], len(world.refunds())) == (second["cancel_id"], 1)
