"""The calls that PGB does not serve yet, by design: exactly what the kits send, against a stand-in."""

import pytest
from standardwebhooks.webhooks import Webhook

from tests.factories import API_KEY, SIGNING_SECRET
from tests.shop_kit.kit import CANCEL, CUT, said

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
