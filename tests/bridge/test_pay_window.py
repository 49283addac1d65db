"""What Inicis's window is opened with: for whom, for which payment, and what decides about the money."""

import json
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import pytest
import time_machine
from django.test import Client

from installments import lookup as notices
from installments.models import Bearer
from merchants.codes import GatewayCode, Mode, ReviewState
from merchants.keys import hash_api_key
from merchants.lookup import clear_cache
from merchants.models import CardIssuer, IssuerReview
from tests.bridge.test_authentication import OTHER_KEY
from tests.door import signed
from tests.factories import API_KEY, SIGNING_SECRET, MerchantFactory, ShopFactory
from tests.installments.factories import NoticeFactory
from tests.payments.factories import OrderFactory, PaidSessionFactory, PaymentSessionFactory

PATH = "/api/v1/inicis/pc-payment-parameters"
SIGN_KEY = "SU5JTElURV9UUklQTEVERVNfS0VZU1RS"
INICIS = {"sign_key": SIGN_KEY, "iniapi_key": "ItEQKi3rY7uvDS8l", "iniapi_iv": "HYb3yQ4f65QL89==", "hash_key": "3CB8"}
NOW = datetime(2026, 12, 15, 3, 0, 0, 123000, tzinfo=UTC)
RETURN = "https://shop.example/inicis/return"


@pytest.fixture(autouse=True)
def _december():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def shop(db):
    return ShopFactory(joiner_id=1001)


@pytest.fixture
def merchant(db):
    return MerchantFactory(gateway=GatewayCode.INICIS, mid="INIpayTest", credentials=INICIS)


@pytest.fixture
def session(shop, merchant):
    """64,900 won at Inicis, not paid yet; order 1."""
    return PaymentSessionFactory(order=OrderFactory(shop=shop, order_id=1), merchant=merchant, page_url="")


@pytest.fixture
def ask(shop):
    def post(key=API_KEY, order_id=1, headers=None, **changes):
        keys = {"db_type": "KR1", "joiner_id": 1001, "nation_code": "KR", "order_id": order_id, "return_url": RETURN}
        clear_cache()
        notices.clear_cache()
        body = json.dumps({**keys, **changes})
        given = {"Authorization": f"Bearer {key}"} if key else signed(body, SIGNING_SECRET)
        return Client().post(PATH, body, content_type="application/json", headers=given)

    return post


@pytest.fixture
def code(ask):
    """The status and code with which it is refused."""

    def refused(*args, **changes):
        response = ask(*args, **changes)
        assert "parameters" not in response.json()
        return response.status_code, response.json()["error_code"]

    return refused


def change(row, **values):
    type(row).objects.filter(pk=row.pk).update(**values)


def test_the_window_is_opened_with_the_payments_own_values(ask, session):
    answer = ask(price="1", amount=1, mid="other").json()
    form = answer["parameters"]
    assert (form["oid"], form["price"], form["mid"]) == (session.reference, "64900", "INIpayTest")
    assert form["timestamp"] == str(int(NOW.timestamp()) * 1000 + 123)
    proven = f"oid={session.reference}&price=64900&signKey={SIGN_KEY}&timestamp={form['timestamp']}"
    assert form["verification"] == sha256(proven.encode()).hexdigest()
    assert (form["buyername"], form["buyertel"], form["buyeremail"]) == (
        "홍길동", "010-9876-1234", "hong.gildong@example.com",
    )  # fmt: skip
    assert (form["returnUrl"], form["goodname"], form["gopaymethod"]) == (RETURN, "명함 200매", "Card")
    assert answer["payment_id"] == session.reference
    assert answer["relay_url"].endswith(f"/PGBReturn/Return/{session.return_token}")


def test_no_key_of_the_merchant_is_in_the_answer(ask, session):
    text = ask().content.decode()
    assert not [key for key in INICIS.values() if key in text]


@pytest.fixture
def live_merchant(db):
    """The same MID, with real money: it serves the card issuers that passed it."""
    return MerchantFactory(gateway=GatewayCode.INICIS, mid="INIpayTest", mode=Mode.LIVE, credentials=INICIS)


def test_the_script_is_that_of_the_merchants_mode(ask, session, live_merchant):
    assert ask().json()["script_url"] == "https://stgstdpay.inicis.com/stdjs/INIStdPay.js"
    change(session, merchant=live_merchant)
    assert ask().json()["script_url"] == "https://stdpay.inicis.com/stdjs/INIStdPay.js"


def test_a_signed_request_may_ask_and_a_page_may_not(ask, code, session, shop):
    assert ask(key="").json()["is_success"] is True
    assert code(shop.publishable_key) == (403, "FORBIDDEN")
    assert code("wrong") == (401, "UNAUTHORIZED")


def test_only_its_own_shop_may_ask(code, session):
    ShopFactory(joiner_id=1002, api_key_hash=hash_api_key(OTHER_KEY))
    assert code(OTHER_KEY) == (403, "FORBIDDEN")
    assert code(OTHER_KEY, joiner_id=1002) == (403, "FORBIDDEN")


def test_another_shop_does_not_see_the_order(code, session):
    ShopFactory(db_type="KR2", joiner_id=1001)
    assert code(db_type="KR2") == (200, "ORDER_NOT_FOUND")


@pytest.mark.parametrize("changes", [{"order_id": 2}, {"claim_id": 1}])
def test_an_order_without_a_payment_is_not_found(code, session, changes):
    assert code(**changes) == (200, "ORDER_NOT_FOUND")


def test_a_claims_additional_payment_has_its_own_window(ask, shop, merchant, session):
    order = OrderFactory(shop=shop, order_id=1, claim_id=7)
    claim = PaymentSessionFactory(order=order, merchant=merchant, amount=5000)
    form = ask(claim_id=7).json()["parameters"]
    assert (form["oid"], form["price"]) == (claim.reference, "5000")


@pytest.mark.parametrize(
    ("stage", "refused"),
    [
        ("CONFIRMING", "PAYMENT_IN_PROGRESS"), ("WAITING_DEPOSIT", "PAYMENT_IN_PROGRESS"), ("REVIEW", "IN_REVIEW"),
        ("FAILED", "PAYMENT_ENDED"), ("EXPIRED", "PAYMENT_ENDED"), ("CANCELLED", "PAYMENT_ENDED"),
    ],
)  # fmt: skip
def test_only_an_open_payment_has_a_window(code, session, stage, refused):
    change(session, stage=stage)
    assert code() == (200, refused)


def test_a_paid_order_has_none(code, shop, merchant, session):
    change(session, stage="EXPIRED")
    PaidSessionFactory(order=session.order, merchant=merchant)
    assert code() == (200, "ALREADY_PAID")


def test_neither_has_one_that_is_being_closed_or_is_out_of_time(ask, code, session):
    change(session, expires_at=NOW + timedelta(milliseconds=1))
    assert ask().json()["is_success"] is True
    change(session, expires_at=NOW)
    assert code() == (200, "PAYMENT_ENDED")
    change(session, expires_at=NOW + timedelta(hours=1), close_wanted=True)
    assert code() == (200, "PAYMENT_ENDED")


@pytest.mark.parametrize(
    "changes", [{"gateway": "stripe"}, {"method": "NAVERPAY"}, {"currency": "USD"}, {"tax_free": 100}]
)
def test_what_the_window_cannot_do_is_said(code, session, changes):
    change(session, **changes)
    assert code() == (200, "NO_WINDOW")


@pytest.mark.parametrize("missing", ["name", "tel", "email"])
def test_inicis_needs_to_know_the_buyer(ask, session, missing):
    session.buyer = {name: value for name, value in session.buyer.items() if name != missing}
    session.save()
    response = ask()
    assert (response.status_code, response.json()["error_code"]) == (400, "INVALID_REQUEST")
    assert f"Buyer{missing.capitalize()}" in response.json()["error_message"]


@pytest.mark.parametrize(
    "url", ["https://evil.example/", "http://shop.example/", "//shop.example/", "/inicis", "https://shop.example@evil.example/"]
)  # fmt: skip
def test_inicis_comes_back_to_the_shops_own_hosts_only(code, session, url):
    assert code(return_url=url) == (200, "REDIRECT_NOT_ALLOWED")


def test_on_loopback_it_may_be_plain_http(ask, session, shop):
    change(shop, redirect_hosts=["127.0.0.1"])
    assert ask(return_url="http://127.0.0.1:9000/return").json()["is_success"] is True


@pytest.mark.parametrize("changes", [{"order_id": 0}, {"order_id": "x"}, {"return_url": ""}, {"claim_id": -1}])
def test_a_wrong_key_is_named(ask, changes):
    response = ask(**changes)
    assert response.status_code == 400
    assert f"{next(iter(changes))}: " in response.json()["error_message"]


class TestInterestFree:
    """The months that the shop itself pays for, today, for this amount."""

    @pytest.fixture
    def nointerest(self, ask, session):
        return lambda: ask().json()["parameters"].get("nointerest")

    def test_they_come_from_the_notices_that_the_shop_bears(self, nointerest):
        NoticeFactory(bearer=Bearer.SHOP, months=3)
        NoticeFactory(bearer=Bearer.SHOP, months=2)
        NoticeFactory(bearer=Bearer.SHOP, months=5, issuer_id="HANA", gateway="inicis")
        NoticeFactory(bearer=Bearer.ISSUER, months=6)
        NoticeFactory(bearer=Bearer.SHOP, months=10, buyer_turns=4)
        NoticeFactory(bearer=Bearer.SHOP, months=12, gateway="tosspayments")
        NoticeFactory(bearer=Bearer.SHOP, months=12, in_use=False)
        NoticeFactory(bearer=Bearer.SHOP, months=12, nation="JP")
        NoticeFactory(bearer=Bearer.SHOP, months=12, issuer_id="TOSSBANK")  # Inicis has no number for it
        assert nointerest() == "12-2:3,34-5"

    def test_without_one_nothing_is_said(self, ask, session):
        NoticeFactory(bearer=Bearer.ISSUER)
        assert not {"nointerest", "quotabase"} & set(ask().json()["parameters"])

    @pytest.mark.parametrize(("amount", "said"), [(49_999, None), (50_000, "12-3")])
    def test_from_50000_won_on(self, nointerest, session, amount, said):
        NoticeFactory(bearer=Bearer.SHOP, min_amount=0)
        change(session, amount=amount)
        assert nointerest() == said

    @pytest.mark.parametrize(("amount", "said"), [(99_999, None), (100_000, "12-3"), (200_001, None)])
    def test_within_the_notices_amounts(self, nointerest, session, amount, said):
        NoticeFactory(bearer=Bearer.SHOP, min_amount=100_000, max_amount=200_000)
        change(session, amount=amount)
        assert nointerest() == said

    @pytest.mark.parametrize(
        ("hour", "said"),
        [("2026-11-30T14:59:59Z", None), ("2026-11-30T15:00:00Z", "12-3"), ("2026-12-31T14:59:59Z", "12-3"),
         ("2026-12-31T15:00:00Z", None)],
    )  # fmt: skip
    def test_on_its_days_in_korea(self, nointerest, session, hour, said):
        NoticeFactory(bearer=Bearer.SHOP, starts_on=date(2026, 12, 1), ends_on=date(2026, 12, 31))
        change(session, expires_at=NOW + timedelta(days=60))
        with time_machine.travel(hour, tick=False):
            assert nointerest() == said

    def test_of_issuers_that_can_be_paid_with(self, nointerest, session, live_merchant):
        NoticeFactory(bearer=Bearer.SHOP)
        NoticeFactory(bearer=Bearer.SHOP, issuer_id="HANA")
        change(session, merchant=live_merchant)
        IssuerReview.objects.create(
            merchant=live_merchant, issuer=CardIssuer.objects.get(code="HANA"), state=ReviewState.PASSED
        )
        assert nointerest() == "34-3"
