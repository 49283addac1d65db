"""The form of a merchant: one per gateway, with that console's words; keys go in and never come out."""

import pytest

from merchants.codes import GatewayCode
from merchants.consoles import CONSOLES
from merchants.key_rules import key_problems, mid_problem
from merchants.models import Merchant
from merchants.rules import CREDENTIALS, credential_names
from tests.factories import STRIPE_CREDENTIALS, MerchantFactory
from tests.merchants.forms import INICIS_KEYS, TOSS_KEYS, filled, key_inputs
from tests.merchants.pages import errors

pytestmark = pytest.mark.django_db

BOOTPAY_OLD = {"application_id": "59a7e647396fa64fcad4a8c2", "private_key": "4CQXyM7JLDvNZqk5o5Hn0ujVY2Pexh"}
WRONG = [
    ("stripe", "test", {"secret_key": "pk_test_typed_here"}, "secret_key", "Publishable"),
    ("stripe", "test", {"secret_key": "whsec_typed_here"}, "secret_key", "웹훅"),
    ("stripe", "test", {"secret_key": "sk_org_typed_here"}, "secret_key", "sk_test_"),
    ("stripe", "live", {"secret_key": "sk_test_typed_here"}, "secret_key", "테스트 키입니다"),
    ("stripe", "live", {"secret_key": "rk_test_typed_here"}, "secret_key", "테스트 키입니다"),
    ("stripe", "test", {"secret_key": "sk_live_typed_here"}, "secret_key", "실거래 키입니다"),
    ("stripe", "test", {"webhook_secret": "sk_test_typed_here"}, "webhook_secret", "whsec_"),
    ("stripe", "test", {"webhook_secret_old": "typed_here"}, "webhook_secret_old", "whsec_"),
    ("stripe", "test", {"secret_key": "sk_test_typed here"}, "secret_key", "공백"),
    ("stripe", "test", {"secret_key": "sk_test_typed_here가"}, "secret_key", "공백"),
    ("tosspayments", "live", {"secret_key": "test_sk_typed_here"}, "secret_key", "테스트 키입니다"),
    ("tosspayments", "test", {"client_key": "live_ck_typed_here"}, "client_key", "실거래 키입니다"),
    ("tosspayments", "test", {"secret_key": "test_ck_typed_here"}, "secret_key", "시크릿 키는"),
    ("tosspayments", "test", {"client_key": "test_sk_typed_here"}, "client_key", "클라이언트 키는"),
    ("tosspayments", "test", {"client_key": "test_gck_typed_here"}, "client_key", "결제위젯 키"),
    ("inicis", "live", {"iniapi_iv": "typed_here_short"[:-1]}, "iniapi_iv", "16자"),
    ("inicis", "live", {"iniapi_key": "typed_here_is_too_long"}, "iniapi_key", "16자"),
    ("inicis", "live", {"iniapi_iv": INICIS_KEYS["iniapi_key"]}, "iniapi_iv", "같은 값"),
    ("portone_v1", "test", {"imp_code": "12345678"}, "imp_code", "imp"),
    ("portone_v2", "test", {"store_id": "ae356798"}, "store_id", "store-"),
    ("portone_v2", "test", {"webhook_secret": "typed_here"}, "webhook_secret", "whsec_"),
]


def test_every_gateway_has_its_consoles_words_for_exactly_its_keys():
    assert {code: set(console.keys) for code, console in CONSOLES.items()} == {
        code: credential_names(code) for code in CREDENTIALS
    }


class TestAdding:
    def test_gateway_is_chosen_first(self, page):
        text = page(Merchant, view="add").content.decode()
        for code in GatewayCode:
            assert f"?gateway={code}" in text
        assert "id_key_" not in text

    @pytest.mark.parametrize("gateway", ["", "no", "\0"])
    def test_unknown_gateway_is_asked_again(self, page, gateway):
        text = page(Merchant, data=filled("stripe"), query={"gateway": gateway}).content.decode()
        assert "?gateway=stripe" in text
        assert not Merchant.objects.exists()

    @pytest.mark.parametrize("gateway", GatewayCode)
    def test_form_has_an_input_for_each_key_under_its_consoles_name(self, page, gateway):
        text = page(Merchant, view="add", query={"gateway": gateway}).content.decode()
        assert {name for name in key_inputs(text) if name.startswith("key_")} == {
            f"key_{name}" for name in credential_names(gateway)
        }
        for label in CONSOLES[gateway].keys.values():
            assert f"{label}" in text
        assert str(CONSOLES[gateway].where) in text

    def test_inicis_is_added(self, page):
        page(Merchant, data=filled("inicis"), query={"gateway": "inicis"})
        merchant = Merchant.objects.get()
        assert (merchant.gateway, merchant.mid, merchant.mode) == ("inicis", "SIRtqoon01", "live")
        assert merchant.credentials == INICIS_KEYS

    def test_page_of_the_new_one_is_shown_next(self, page):
        answer = page(Merchant, data=filled("stripe"), query={"gateway": "stripe"})
        assert answer.redirect_chain[-1][0].endswith(f"/merchant/{Merchant.objects.get().pk}/change/")

    def test_missing_keys_are_named_at_their_inputs(self, page):
        data = filled("inicis", key_sign_key="", key_iniapi_iv="")
        answer = page(Merchant, data=data, query={"gateway": "inicis"})
        assert set(errors(answer)) == {"key_sign_key", "key_iniapi_iv"}

    def test_keys_that_were_not_saved_are_asked_for_again(self, page):
        answer = page(Merchant, data=filled("inicis", key_sign_key=""), query={"gateway": "inicis"})
        helps = {name: str(field.help_text) for name, field in answer.context["adminform"].form.fields.items()}
        assert "다시 입력하세요" in helps["key_iniapi_iv"]
        assert "다시 입력하세요" not in helps["key_sign_key"]

    def test_one_of_two_pairs_is_enough(self, page):
        data = filled("bootpay", keys=BOOTPAY_OLD)
        page(Merchant, data=data, query={"gateway": "bootpay"})
        assert Merchant.objects.get().credentials == BOOTPAY_OLD

    @pytest.mark.parametrize("keys", [{}, {"client_key": "typed_here"}])
    def test_half_a_pair_is_not(self, page, keys):
        answer = page(Merchant, data=filled("bootpay", keys=keys), query={"gateway": "bootpay"})
        assert set(errors(answer)) == {"key_client_key", "key_secret_key"} - {f"key_{name}" for name in keys}

    def test_same_mid_twice_is_refused(self, page):
        MerchantFactory(gateway="stripe", mid="acct_1", mode="test", currency="KRW")
        answer = page(Merchant, data=filled("stripe"), query={"gateway": "stripe"})
        assert "이미 있습니다" in errors(answer)["__all__"][0]

    @pytest.mark.parametrize(
        ("gateway", "changes", "message"),
        [
            ("stripe", {"mid": "my-shop"}, "acct_"),
            ("inicis", {"mid": "INIpayTest"}, "테스트 MID"),
            ("inicis", {"mid": "SIRtqoon0001"}, "10자"),
        ],
    )
    def test_mid_that_cannot_be_one_is_refused(self, page, gateway, changes, message):
        answer = page(Merchant, data=filled(gateway, **changes), query={"gateway": gateway})
        assert message in errors(answer)["mid"][0]

    def test_open_test_mid_is_fine_for_tests(self):
        assert mid_problem("inicis", "test", "INIpayTest") == ""

    @pytest.mark.parametrize(("gateway", "mode", "keys", "name", "message"), WRONG)
    def test_wrong_key_is_seen_at_once_and_not_repeated(self, page, gateway, mode, keys, name, message):
        inputs = {f"key_{key}": value for key, value in keys.items()}
        answer = page(Merchant, data=filled(gateway, mode=mode, **inputs), query={"gateway": gateway})
        assert message in errors(answer)[f"key_{name}"][0]
        assert "typed" not in answer.content.decode()
        assert not Merchant.objects.exists()

    @pytest.mark.parametrize(
        ("gateway", "mode", "keys"),
        [
            ("stripe", "live", {"secret_key": "rk_live_x", "webhook_secret": "whsec_x"}),
            ("tosspayments", "test", TOSS_KEYS),
            ("tosspayments", "live", {"client_key": "live_gck_x", "secret_key": "live_gsk_x"}),
            ("inicis", "live", INICIS_KEYS),
            ("portone_v1", "test", {"imp_code": "imp00000000"}),
            ("portone_v2", "test", {"store_id": "store-ae356798", "webhook_secret": "whsec_x"}),
            ("bootpay", "test", BOOTPAY_OLD),
        ],
    )
    def test_right_keys_pass(self, gateway, mode, keys):
        assert key_problems(gateway, mode, keys) == {}


class TestChanging:
    def test_shows_the_end_of_each_key_beside_its_input(self, page):
        text = page(Merchant, MerchantFactory()).content.decode()
        assert text.count("등록됨: ····cdef") == 2

    def test_short_key_is_not_shown_at_all(self, page):
        merchant = MerchantFactory(credentials={"secret_key": "short-key-12345", "webhook_secret": "x"})
        text = page(Merchant, merchant).content.decode()
        assert "등록됨: ···· ·" in text
        assert "2345" not in text

    def test_keys_stay_when_nothing_is_entered(self, page):
        merchant = MerchantFactory()
        before = merchant.credentials_changed_at
        page(Merchant, merchant, filled("stripe", keys={}, code="renamed"))
        merchant.refresh_from_db()
        assert (merchant.code, merchant.credentials) == ("renamed", STRIPE_CREDENTIALS)
        assert merchant.credentials_changed_at == before

    def test_entered_keys_replace_and_the_others_stay(self, page):
        merchant = MerchantFactory()
        page(Merchant, merchant, filled("stripe", keys={"webhook_secret_old": "whsec_old"}))
        merchant.refresh_from_db()
        assert merchant.credentials == STRIPE_CREDENTIALS | {"webhook_secret_old": "whsec_old"}

    def test_key_that_is_not_needed_can_be_dropped(self, page):
        merchant = MerchantFactory(credentials=STRIPE_CREDENTIALS | {"webhook_secret_old": "whsec_old"})
        assert "drop_webhook_secret_old" in page(Merchant, merchant).content.decode()
        page(Merchant, merchant, filled("stripe", keys={}, drop_webhook_secret_old="on"))
        merchant.refresh_from_db()
        assert merchant.credentials == STRIPE_CREDENTIALS
        assert "drop_" not in "".join(key_inputs(page(Merchant, merchant).content.decode()))

    def test_needed_key_cannot_be_dropped(self, page):
        merchant = MerchantFactory()
        page(Merchant, merchant, filled("stripe", keys={}, drop_secret_key="on"))
        merchant.refresh_from_db()
        assert merchant.credentials == STRIPE_CREDENTIALS

    def test_one_pair_gives_way_to_the_other(self, page):
        pair = {"client_key": "a-client-key-of-bootpay", "secret_key": "a-secret-key-of-bootpay"}
        merchant = MerchantFactory(gateway="bootpay", mid="b1", credentials=BOOTPAY_OLD)
        drop = {"drop_application_id": "on", "drop_private_key": "on"}
        page(Merchant, merchant, filled("bootpay", keys=pair, **drop))
        merchant.refresh_from_db()
        assert merchant.credentials == pair

    def test_stored_keys_must_fit_the_new_mode(self, page):
        merchant = MerchantFactory(mid="acct_1")
        answer = page(Merchant, merchant, filled("stripe", keys={}, mode="live"))
        assert "테스트 키입니다" in errors(answer)["key_secret_key"][0]
        page(Merchant, merchant, filled("stripe", mode="live", keys={"secret_key": "sk_live_0123456789"}))
        merchant.refresh_from_db()
        assert (merchant.mode, merchant.credentials["secret_key"]) == ("live", "sk_live_0123456789")

    def test_gateway_stays(self, page):
        merchant = MerchantFactory()
        page(Merchant, merchant, filled("stripe") | {"gateway": "inicis"}, query={"gateway": "inicis"})
        merchant.refresh_from_db()
        assert merchant.gateway == "stripe"

    def test_used_one_keeps_what_it_is_and_says_why(self, page, use):
        merchant = MerchantFactory(mid="acct_used")
        use(merchant)
        page(Merchant, merchant, filled("stripe", keys={}, mid="acct_x", mode="live", currency="JPY", code="renamed"))
        merchant.refresh_from_db()
        assert (merchant.mid, merchant.mode, merchant.currency) == ("acct_used", "test", "KRW")
        assert merchant.code == "renamed"
        assert "결제에 쓰인 가맹점이라" in page(Merchant, merchant).content.decode()
