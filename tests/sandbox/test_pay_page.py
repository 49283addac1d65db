"""The hosted pay page, as a browser uses it."""

import time
from typing import Any

import pytest
import requests
import stripe
import time_machine

from bridge.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import params
from tests.sandbox.receiver import Receiver


@pytest.fixture
def page(client: stripe.StripeClient) -> str:
    return open_page(client)


def open_page(client: stripe.StripeClient, **more: Any) -> str:
    return str(client.v1.checkout.sessions.create(params(**more)).url)


def press(url: str, button: str, **headers: str) -> requests.Response:
    return requests.post(url, data={"do": button}, headers=headers, allow_redirects=False, timeout=15)


def text(url: str, **headers: str) -> str:
    return requests.get(url, headers=headers, timeout=5).text


def test_it_shows_what_is_bought_for_how_much(client: stripe.StripeClient) -> None:
    shown = text(open_page(client, amount=1234567))
    assert "1,234,567 KRW" in shown and "명함 200매" in shown and "REF1" in shown
    assert "12.34 USD" in text(open_page(client, amount=1234, currency="usd"))


@pytest.mark.parametrize(("locale", "word"), [("ko", "결제하기"), ("ja", "支払う"), ("en", "Pay"), ("fr", "Pay")])
def test_it_speaks_the_sessions_language(client: stripe.StripeClient, locale: str, word: str) -> None:
    assert f">{word}</button>" in text(open_page(client, locale=locale))


def test_it_else_speaks_the_browsers_language(page: str) -> None:
    assert ">支払う</button>" in text(page, **{"Accept-Language": "de, ja;q=0.8"})
    assert ">결제하기</button>" in text(page)


def test_text_from_outside_is_escaped(client: stripe.StripeClient) -> None:
    assert "<script>" not in text(open_page(client, reference="<script>alert(1)</script>"))


def test_pay_sends_back_after_the_webhook(sandbox: Sandbox, page: str, receiver: Receiver) -> None:
    answer = press(page, "pay")
    session = sandbox.stripe.find("REF1")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"http://127.0.0.1:8000/back?s={session.id}"
    assert receiver.types() == ["checkout.session.completed"]
    assert (session.status, session.payment_status) == ("complete", "paid")


def test_pay_twice_pays_once(sandbox: Sandbox, page: str) -> None:
    press(page, "pay")
    again = press(page, "pay")
    assert again.status_code == 409
    assert "결제하기" not in again.text
    assert sandbox.stripe.books.paid("REF1") == 64900
    assert len(sandbox.stripe.books.payments) == 1


def test_decline_stays_open(sandbox: Sandbox, page: str, client: stripe.StripeClient) -> None:
    answer = press(page, "decline")
    assert answer.status_code == 200 and "거절" in answer.text
    session: Any = client.v1.checkout.sessions.retrieve(
        sandbox.stripe.find("REF1").id, {"expand": ["payment_intent.latest_charge"]}
    )
    assert (session.status, session.payment_intent.status) == ("open", "requires_payment_method")
    assert session.payment_intent.last_payment_error.code == "card_declined"
    assert session.payment_intent.latest_charge.paid is False
    press(page, "pay")
    assert client.v1.payment_intents.retrieve(session.payment_intent.id).status == "succeeded"


def test_cancel_goes_back_and_changes_nothing(sandbox: Sandbox, page: str) -> None:
    answer = press(page, "cancel")
    assert (answer.status_code, answer.headers["Location"]) == (303, "http://127.0.0.1:8000/cancelled")
    assert sandbox.stripe.find("REF1").status == "open"


def test_close_says_nothing_to_anybody(sandbox: Sandbox, page: str, receiver: Receiver) -> None:
    assert press(page, "close").status_code == 200
    sandbox.settle()
    assert sandbox.stripe.find("REF1").status == "open"
    assert receiver.received == []


@pytest.mark.parametrize(
    ("button", "status", "kind"),
    [("arrived", "paid", "async_payment_succeeded"), ("failed", "unpaid", "async_payment_failed")],
)
def test_pay_later(
    sandbox: Sandbox, client: stripe.StripeClient, receiver: Receiver, button: str, status: str, kind: str
) -> None:
    page = open_page(client, currency="jpy", amount=3300, locale="ja")
    assert "コンビニ" in text(page)
    answer = press(page, "later")
    assert answer.status_code == 200 and "入金待ち" in answer.text
    session: Any = client.v1.checkout.sessions.retrieve(sandbox.stripe.find("REF1").id, {"expand": ["payment_intent"]})
    assert (session.status, session.payment_status) == ("complete", "unpaid")
    assert session.payment_intent.next_action.type == "konbini_display_details"
    press(page, button)
    assert sandbox.stripe.find("REF1").payment_status == status
    assert receiver.types()[-1] == f"checkout.session.{kind}"
    assert press(page, button).status_code == 409


def test_paying_later_is_for_konbini_only(client: stripe.StripeClient, page: str) -> None:
    assert "편의점" not in text(page)
    assert press(page, "later").status_code == 409
    konbini_only = open_page(client, currency="jpy", amount=3300, allowed_payment_method_types=["konbini"], locale="ja")
    assert ">支払う<" not in text(konbini_only)
    assert press(konbini_only, "pay").status_code == 409


def test_an_expired_page_takes_no_money(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    with time_machine.travel(time.time(), tick=False) as traveller:
        page = open_page(client, expires_at=int(time.time()) + 1860)
        traveller.shift(1860)
        assert press(page, "pay").status_code == 409
        assert "지났습니다" in text(page)
    assert sandbox.stripe.books.paid("REF1") == 0


def test_unknown_pages_and_buttons(sandbox: Sandbox, page: str) -> None:
    assert requests.get(f"{sandbox.url}/c/pay/cs_test_none", timeout=5).status_code == 404
    assert press(page, "explode").status_code == 200
    assert sandbox.stripe.find("REF1").status == "open"


def test_fault_return_before_the_webhook(sandbox: Sandbox, page: str, receiver: Receiver) -> None:
    sandbox.faults.add("return", "before_webhook", seconds=30)
    with time_machine.travel(time.time(), tick=False) as traveller:
        assert press(page, "pay").status_code == 303
        sandbox.settle()
        assert receiver.received == []
        traveller.shift(30)
        sandbox.settle()
        assert len(receiver.received) == 1


def test_fault_the_buyer_never_comes_back(sandbox: Sandbox, page: str, receiver: Receiver) -> None:
    sandbox.faults.add("return", "drop", match={"reference": "REF1"})
    answer = press(page, "pay")
    assert answer.status_code == 200 and "Location" not in answer.headers
    assert sandbox.stripe.find("REF1").payment_status == "paid"
