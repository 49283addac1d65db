"""The functions of order pages: what they answer, for whom, and what they cost."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from merchants.codes import GatewayCode, Mode, ReviewState
from merchants.lookup import clear_cache
from merchants.models import CardIssuer, IssuerReview, PaymentMethod
from tests.door import signed
from tests.factories import API_KEY, SIGNING_SECRET, ConnectionFactory, MerchantFactory, ShopFactory
from tests.sql import statements

CONNECTIONS, MERCHANT = "/api/v1/payment-methods/connections", "/api/v1/merchants/lookup"
PG_INFO, ACCOUNT_MID = "/api/v1/pg-info", "/api/v1/account-verification-mid"
POSTS = [CONNECTIONS, MERCHANT, PG_INFO]


@pytest.fixture
def shop(db, settings):
    settings.PGB_SHOP_CALLS_PER_MINUTE = settings.PGB_PUBLIC_CALLS_PER_MINUTE = 1_000_000
    settings.PGB_GATEWAYS = {code: code for code in GatewayCode.values}
    return ShopFactory(joiner_id=1001)


@pytest.fixture
def ask(shop):
    """Asks as the shop's server does; a change to ``...`` leaves the key out."""

    def post(path, status=200, **changes):
        keys = {"db_type": "KR1", "joiner_id": 1001, "nation_code": "KR", **changes}
        body = {name: value for name, value in keys.items() if value is not ...}
        clear_cache()
        headers = {"Authorization": f"Bearer {API_KEY}"}
        client = Client(raise_request_exception=False)
        if path == ACCOUNT_MID:
            response = client.get(path, body, headers=headers)
        else:
            response = client.post(path, json.dumps(body), content_type="application/json", headers=headers)
        assert response.status_code == status, response.content
        answer = response.json()
        assert list(answer)[:3] == ["is_success", "error_code", "error_message"]
        assert answer["is_success"] is (answer["error_code"] == "")
        assert response["X-Request-Id"]
        return answer

    return post


class TestConnections:
    @pytest.mark.parametrize("connected", [True, False])
    @pytest.mark.parametrize("in_use", [True, False])
    def test_both_flags_are_those_of_the_connection(self, ask, connected, in_use):
        ConnectionFactory(connected=connected, in_use=in_use)
        answer = ask(CONNECTIONS, pay_type="CARD")
        assert (answer["is_main"], answer["connected"], answer["in_use"]) == (True, connected, in_use)

    def test_two_halves_are_not_a_whole(self, ask):
        ConnectionFactory(connected=True, in_use=False)
        ConnectionFactory(connected=False, in_use=True)
        answer = ask(CONNECTIONS, pay_type="CARD")
        assert (answer["connected"], answer["in_use"]) == (True, False)

    def test_a_sub_method_never_goes_to_a_gateway(self, ask):
        ConnectionFactory()
        answer = ask(CONNECTIONS, pay_type="POINT")
        assert (answer["is_main"], answer["connected"], answer["in_use"]) == (False, False, False)

    def test_a_method_that_was_made_a_sub_method_is_no_longer_connected(self, ask):
        ConnectionFactory()
        PaymentMethod.objects.filter(code="CARD").update(is_main=False)
        answer = ask(CONNECTIONS, pay_type="CARD")
        assert (answer["is_main"], answer["connected"], answer["in_use"]) == (False, False, False)

    def test_a_method_that_nobody_knows_is_not_connected(self, ask):
        assert ask(CONNECTIONS, pay_type="SEASHELLS")["connected"] is False

    def test_the_code_may_be_in_any_letter_case(self, ask):
        ConnectionFactory()
        assert ask(CONNECTIONS, pay_type="card", nation_code="kr") | {"error_message": ""} == {
            "is_success": True, "error_code": "", "error_message": "",
            "pay_type": "CARD", "is_main": True, "connected": True, "in_use": True,
        }  # fmt: skip

    def test_a_more_specific_row_that_is_off_switches_the_method_off(self, ask):
        ConnectionFactory()
        ConnectionFactory(joiner_id=1001, in_use=False)
        assert ask(CONNECTIONS, pay_type="CARD")["in_use"] is False

    def test_it_is_on_if_it_is_on_for_some_amount(self, ask):
        ConnectionFactory()
        ConnectionFactory(joiner_id=1001, in_use=False, min_amount=100_000)
        assert ask(CONNECTIONS, pay_type="CARD")["in_use"] is True

    def test_device_gateway_and_period_count(self, ask):
        ConnectionFactory(device="mobile")
        assert ask(CONNECTIONS, pay_type="CARD")["connected"] is False
        assert ask(CONNECTIONS, pay_type="CARD", device="mobile")["connected"] is True
        assert ask(CONNECTIONS, pay_type="CARD", device="mobile", pg_type="inicis")["connected"] is False
        ConnectionFactory(method__code="BANK", ends_at=timezone.now())
        assert ask(CONNECTIONS, pay_type="BANK")["connected"] is False

    def test_options_that_are_null_count_as_absent(self, ask):
        ConnectionFactory()
        assert ask(CONNECTIONS, pay_type="CARD", pg_type=None)["connected"] is True


class TestMerchant:
    def test_who_charges_is_told_without_a_key(self, ask):
        merchant = ConnectionFactory(min_amount=1000, max_amount=2_000_000).merchant
        assert ask(MERCHANT, pay_type="CARD", amount=64900) == {
            "is_success": True,
            "error_code": "",
            "error_message": "",
            "pay_type": "CARD",
            "names": {"ko": "신용카드", "ja": PaymentMethod.objects.get(code="CARD").name_ja, "en": "Card"},
            "pg_type": "stripe",
            "mid": merchant.mid,
            "mode": "test",
            "currency": "KRW",
            "min_amount": 1000,
            "max_amount": 2_000_000,
            "card_issuers": None,
        }

    def test_no_merchant_means_that_the_payment_is_impossible(self, ask):
        ConnectionFactory(merchant__is_active=False)
        answer = ask(MERCHANT, pay_type="CARD")
        assert answer["error_code"] == "NO_MERCHANT"
        assert "the payment is impossible" in answer["error_message"]
        assert "mid" not in answer

    @pytest.mark.parametrize("pay_type", ["BANK", "POINT", "SEASHELLS"])
    def test_without_a_connection_that_is_told(self, ask, pay_type):
        ConnectionFactory()
        assert ask(MERCHANT, pay_type=pay_type)["error_code"] == "METHOD_NOT_CONNECTED"

    @pytest.mark.parametrize(("amount", "code"), [(999, "NO_MERCHANT"), (1000, ""), (2000, ""), (2001, "NO_MERCHANT")])
    def test_the_amount_counts(self, ask, amount, code):
        ConnectionFactory(min_amount=1000, max_amount=2000)
        assert ask(MERCHANT, pay_type="CARD", amount=amount)["error_code"] == code

    def test_without_an_amount_the_smallest_that_can_be_charged_decides(self, ask):
        ConnectionFactory(min_amount=1000, merchant__mid="large")
        ConnectionFactory(min_amount=10, max_amount=999, merchant__mid="small")
        assert ask(MERCHANT, pay_type="CARD")["mid"] == "small"

    def test_a_live_contract_in_korea_serves_the_issuers_that_passed(self, ask):
        merchant = MerchantFactory(gateway=GatewayCode.INICIS, mode=Mode.LIVE)
        ConnectionFactory(merchant=merchant)
        assert ask(MERCHANT, pay_type="CARD")["error_code"] == "NO_MERCHANT"
        IssuerReview.objects.create(
            merchant=merchant, issuer=CardIssuer.objects.get(code="SAMSUNG"), state=ReviewState.PASSED
        )
        assert ask(MERCHANT, pay_type="CARD")["card_issuers"] == ["SAMSUNG"]


class TestPgInfo:
    def told(self, answer):
        return [offer["pay_type"] for offer in answer["offers"]]

    def test_only_what_is_connected_and_in_use(self, ask):
        ConnectionFactory(method__code="CARD")
        ConnectionFactory(method__code="BANK", connected=False)
        ConnectionFactory(method__code="VBANK", in_use=False)
        ConnectionFactory(method__code="KAKAOPAY", merchant__is_active=False)
        assert self.told(ask(PG_INFO)) == ["CARD"]

    def test_in_the_order_of_display(self, ask):
        ConnectionFactory(method__code="CARD")
        ConnectionFactory(method__code="BANK")
        assert self.told(ask(PG_INFO)) == ["CARD", "BANK"]
        ConnectionFactory(method__code="KAKAOPAY", display_order=1)
        assert self.told(ask(PG_INFO)) == ["KAKAOPAY", "CARD", "BANK"]

    def test_only_the_methods_that_are_asked_for(self, ask):
        ConnectionFactory(method__code="CARD")
        ConnectionFactory(method__code="BANK")
        assert self.told(ask(PG_INFO, pay_types=["bank", "POINT", "BANK"])) == ["BANK"]
        assert self.told(ask(PG_INFO, pay_types=[])) == []

    def test_of_several_connections_the_one_that_would_charge(self, ask):
        ConnectionFactory(priority=2, merchant__mid="second")
        ConnectionFactory(priority=1, merchant__mid="first")
        assert [offer["mid"] for offer in ask(PG_INFO)["offers"]] == ["first"]

    def test_each_range_of_amounts_that_is_charged_differently(self, ask):
        ConnectionFactory(priority=2, merchant__mid="any")
        ConnectionFactory(priority=1, min_amount=100_000, max_amount=200_000, merchant__mid="dear")
        assert [offer["mid"] for offer in ask(PG_INFO)["offers"]] == ["any", "dear"]
        assert [offer["mid"] for offer in ask(PG_INFO, amount=100_000)["offers"]] == ["dear"]
        assert [offer["mid"] for offer in ask(PG_INFO, amount=200_001)["offers"]] == ["any"]

    def test_the_shops_own_nation_only(self, ask):
        ConnectionFactory()
        answer = ask(PG_INFO, status=400, nation_code="JP")
        assert answer["error_message"] == "nation_code: this shop serves KR only"


class TestAccountVerificationMid:
    def test_it_comes_from_the_settings(self, ask, settings):
        settings.PGB_ACCOUNT_VERIFICATION_MIDS = {"KR": "INIacct001", "KR2": "INIacct002"}
        assert ask(ACCOUNT_MID)["mid"] == "INIacct001"
        ShopFactory(db_type="KR2", joiner_id=None)
        assert ask(ACCOUNT_MID, db_type="KR2")["mid"] == "INIacct002"

    def test_it_is_said_when_none_is_set(self, ask, settings):
        settings.PGB_ACCOUNT_VERIFICATION_MIDS = {"JP": "other"}
        answer = ask(ACCOUNT_MID)
        assert answer["error_code"] == "NO_MERCHANT"
        assert "PGB_ACCOUNT_VERIFICATION_MIDS" in answer["error_message"]


GOOD = {CONNECTIONS: {"pay_type": "CARD"}, MERCHANT: {"pay_type": "CARD"}, PG_INFO: {}, ACCOUNT_MID: {}}


@pytest.mark.parametrize("path", GOOD)
def test_it_costs_at_most_two_statements_of_the_configuration(ask, path):
    ConnectionFactory.create_batch(3)
    with statements() as sent:
        ask(path, **GOOD[path])
    assert len(sent) <= 2


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"db_type": ...}, "db_type: This field is required."),
        ({"db_type": "K R"}, "db_type: "),
        ({"db_type": "x" * 21}, "db_type: "),
        ({"joiner_id": "one"}, "joiner_id: "),
        ({"joiner_id": -1}, "joiner_id: "),
        ({"joiner_id": 2**63}, "joiner_id: "),
        ({"nation_code": "Korea"}, "nation_code: "),
    ],
)
def test_a_wrong_key_is_named(ask, path, changes, says):
    assert says in ask(path, status=400, **{**GOOD[path], **changes})["error_message"]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "changes",
    [
        {"pg_type": "paypal"}, {"device": "any"}, {"device": "tv"}, {"pay_type": "", "pay_types": [""]},
        {"pay_type": "\ud800", "pay_types": ["\ud800"]}, {"pay_type": "CA RD", "pay_types": "CARD"},
        {"pay_type": ["CARD"], "pay_types": {"a": 1}}, {"pay_type": 1.5e300, "pay_types": ["CARD"] * 51},
    ],
)  # fmt: skip
def test_words_that_are_none_of_ours_are_refused(ask, path, changes):
    assert ask(path, status=400, **{**GOOD[path], **changes})["error_code"] == "INVALID_REQUEST"


@pytest.mark.parametrize("path", [MERCHANT, PG_INFO])
@pytest.mark.parametrize("amount", [0, -1, 1.5, "1e3", 10**15, "one", [], True])
def test_an_amount_is_a_whole_number_of_minor_units(ask, path, amount):
    assert "amount: " in ask(path, status=400, **{**GOOD[path], "amount": amount})["error_message"]


def test_each_shop_is_told_its_own(ask, shop):
    answer = ask(PG_INFO, joiner_id=1002)
    assert answer["error_code"] == "UNKNOWN_SHOP"
    other = ShopFactory(joiner_id=1002, api_key_hash="another")
    assert ask(PG_INFO, status=403, joiner_id=other.joiner_id)["error_code"] == "FORBIDDEN"


def test_a_signed_question_is_answered(shop):
    body = json.dumps({"db_type": "KR1", "joiner_id": 1001, "nation_code": "KR"})
    headers = signed(body, SIGNING_SECRET)
    response = Client().post(PG_INFO, body, content_type="application/json", headers=headers)
    assert response.json()["is_success"] is True
    wrong = Client().post(PG_INFO, body + " ", content_type="application/json", headers=headers)
    assert (wrong.status_code, wrong.json()["error_code"]) == (401, "UNAUTHORIZED")
