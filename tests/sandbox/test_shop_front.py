"""The demo shop's pages, against a stand-in for PGB's PayStart."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from pytest_django import Settings

from bridge.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import SIGNING_SECRET
from tests.sandbox.receiver import Receiver
from tests.sandbox.test_shop import deliver, message

ORDER = {"db_type": "KR1", "joiner_id": "1001", "amount": "64900", "description": "명함", "method": "CARD"}


@pytest.fixture
def pgb(receiver: Receiver, settings: Settings) -> Receiver:
    """Stands where PGB would be: answers PayStart."""
    settings.PGB_PUBLIC_URL = receiver.url
    return receiver


def order(sandbox: Sandbox, **more: str) -> requests.Response:
    return requests.post(f"{sandbox.url}/shop/order", data=ORDER | more, allow_redirects=False, timeout=5)


def test_the_front_page_offers_an_order_in_each_shop(sandbox: Sandbox) -> None:
    shown = requests.get(sandbox.url, timeout=5)
    assert shown.url == f"{sandbox.url}/shop/"
    assert shown.text.count('action="/shop/order"') == 1 and "KR1" in shown.text
    assert "KAKAOPAY" in shown.text and "KONBINI" not in shown.text
    deliver(sandbox, message())
    assert "KR1 7" in requests.get(f"{sandbox.url}/shop/", timeout=5).text


def test_the_order_sheet_embeds_the_popup_of_pgb(sandbox: Sandbox, pgb: Receiver) -> None:
    own = {"db_type": "KR1", "joiner_id": 1001, "nation": "KR", "currency": "KRW"}
    sandbox.shop.add_account(**own, api_key="key", signing_secret=SIGNING_SECRET, publishable_key="pgb_pub_1")
    shown = requests.get(f"{sandbox.url}/shop/order-sheet", timeout=5).text
    assert f'src="{pgb.url}/static/installments/interest-free.js"' in shown
    assert shown.count('data-key="pgb_pub_1"') == 3 and 'data-amount="64900"' in shown
    assert "/shop/order-sheet" in requests.get(f"{sandbox.url}/shop/", timeout=5).text


def test_an_order_goes_to_the_page_that_pgb_names(sandbox: Sandbox, pgb: Receiver) -> None:
    pgb.answers = [(200, json.dumps({"IsSuccess": True, "RedirectUrl": "http://pay/1"}).encode())] * 2
    ids = []
    for _ in range(2):
        answer = order(sandbox)
        assert (answer.status_code, answer.headers["Location"]) == (303, "http://pay/1")
        ids.append(pgb.received[-1].json["OrderId"])
    call = pgb.received[0]
    assert (call.path, call.headers["Authorization"]) == ("/PGB/PayStart", "Bearer key")
    assert ids[0] != ids[1] and max(ids) < 2**31
    assert call.json == {
        "DBType": "KR1",
        "OrderId": ids[0],
        "JoinerId": 1001,
        "NationCode": "KR",
        "PayType": "CARD",
        "TotalPrice": "64900",
        "OrderDescription": "명함",
        "RedirectUrl": f"{sandbox.url}/shop/thanks?DBType=KR1",
        "BuyerName": "홍길동",
        "BuyerTel": "010-0000-0000",
        "BuyerEmail": "hong@buyer.example",
    }


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, {"IsSuccess": False, "ErrorCode": "ALREADY_PAID", "ErrorMessage": "<b>paid"}), "ALREADY_PAID"),
        ((500, "<html>"), "500"),
        ((200, []), "200"),
    ],
)
def test_a_refusal_is_shown(sandbox: Sandbox, pgb: Receiver, answer: Any, words: str) -> None:
    status, data = answer
    pgb.answers = [(status, data.encode() if isinstance(data, str) else json.dumps(data).encode())]
    shown = order(sandbox)
    assert shown.status_code == 502
    assert words in shown.text and "<b>paid" not in shown.text


def test_pgb_is_away(sandbox: Sandbox, settings: Settings) -> None:
    settings.PGB_PUBLIC_URL = "http://127.0.0.1:9"
    assert "Connection refused" in order(sandbox).text


def test_unknown_shops_and_pages(sandbox: Sandbox) -> None:
    assert order(sandbox, db_type="XX").status_code == 404
    assert requests.get(f"{sandbox.url}/shop/nothing", timeout=5).status_code == 404


def thanks(sandbox: Sandbox, **wrong: str) -> str:
    values = {"PaymentId": "REF1", "OrderId": "7", "ClaimId": "0", "Stage": "PAID", "Timestamp": "1760000000"}
    key = base64.b64decode(SIGNING_SECRET.removeprefix("whsec_"))
    signature = hmac.new(key, ".".join(values.values()).encode(), hashlib.sha256).hexdigest()
    query = urlencode({"DBType": "KR1", **values, "Signature": signature, **wrong})
    return requests.get(f"{sandbox.url}/shop/thanks?{query}", timeout=5).text


def test_thanks_waits_for_the_message(sandbox: Sandbox) -> None:
    shown = thanks(sandbox)
    assert "서명 확인됨" in shown and 'http-equiv="refresh"' in shown
    deliver(sandbox, message())
    shown = thanks(sandbox)
    assert "64900 KRW" in shown and 'http-equiv="refresh"' not in shown


@pytest.mark.parametrize(
    "wrong", [{"Stage": "FAILED"}, {"Signature": "0"}, {"Signature": "ü"}, {"OrderId": "x"}, {"DBType": "XX"}]
)
def test_thanks_believes_only_a_good_signature(sandbox: Sandbox, wrong: dict[str, str]) -> None:
    assert "서명이 맞지 않음" in thanks(sandbox, **wrong)
