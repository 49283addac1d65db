"""The pages of the back office, as a browser without scripts sees them."""

import json
import logging
import os

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core import mail
from django.urls import reverse
from django.utils.log import AdminEmailHandler

from merchants.keys import hash_api_key
from merchants.models import Merchant, MethodConnection, PaymentMethod, Shop
from tests.factories import (
    API_KEY,
    SIGNING_SECRET,
    STRIPE_CREDENTIALS,
    ConnectionFactory,
    MerchantFactory,
    ShopFactory,
)

pytestmark = pytest.mark.django_db

NEW_KEY = "a-new-api-key-of-forty-characters-01234567"
NEW_SECRET = "whsec_" + "QUJDRA" * 8
SECRETS = [API_KEY, hash_api_key(API_KEY), SIGNING_SECRET, NEW_KEY, hash_api_key(NEW_KEY), NEW_SECRET]
SECRETS += STRIPE_CREDENTIALS.values()
SHOP = {
    "db_type": "KR1",
    "joiner_id": "1001",
    "nations": "KR, JP",
    "currency": "KRW",
    "completion_url": "https://shop.example/complete",
    "redirect_hosts": "shop.example,m.shop.example",
    "is_active": "on",
}
MERCHANT = {
    "code": "stripe-kr",
    "gateway": "stripe",
    "mid": "acct_1",
    "mode": "test",
    "currency": "KRW",
    "is_active": "on",
    "new_credentials": json.dumps(STRIPE_CREDENTIALS),
}
CONNECTION = {
    "db_type": "KR1",
    "joiner_id": "",
    "nation": "KR",
    "method": "CARD",
    "device": "any",
    "connected": "on",
    "in_use": "on",
    "priority": "1",
    "min_amount": "0",
}


@pytest.fixture
def admin_client(client):
    """A superuser without a password: hashing one takes longer than these tests."""
    client.force_login(User.objects.create(username="staff", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def page(admin_client, caplog):
    """Opens pages as a superuser; none of them, and nothing logged, holds a secret."""
    caplog.set_level(logging.DEBUG)

    def open_page(model, row=None, data=None, view="change"):
        name = view if row else "add" if data is not None or view == "add" else "changelist"
        url = reverse(f"admin:merchants_{model.__name__.lower()}_{name}", args=[row.pk] if row else [])
        answer = admin_client.get(url) if data is None else admin_client.post(url, data, follow=True)
        text = answer.content.decode()
        leaks = [secret for secret in SECRETS if secret in text or secret in caplog.text]
        assert not leaks
        assert answer.status_code == 200
        return answer

    return open_page


def errors(answer):
    return {name: list(found) for name, found in answer.context["adminform"].form.errors.items()}


@pytest.mark.parametrize("model", [Shop, Merchant, PaymentMethod, MethodConnection])
def test_lists_and_empty_forms(page, model):
    assert str(model._meta.verbose_name) in page(model).content.decode()
    page(model, view="add")


@pytest.mark.parametrize(
    ("model", "query"),
    [
        (Shop, {"q": "KR1"}),
        (Shop, {"is_active__exact": "1"}),
        (Merchant, {"q": "acct", "gateway__exact": "stripe"}),
        (MethodConnection, {"q": "1001", "merchant__gateway__exact": "stripe", "method__code__exact": "CARD"}),
        (MethodConnection, {"nation": "KR", "connected__exact": "1", "in_use__exact": "1"}),
    ],
)
def test_lists_are_searched_and_filtered(admin_client, model, query):
    ShopFactory(joiner_id=1001)
    ConnectionFactory(joiner_id=1001)
    answer = admin_client.get(reverse(f"admin:merchants_{model.__name__.lower()}_changelist"), query)
    assert answer.status_code == 200
    assert len(answer.context["cl"].result_list) == 1


@pytest.mark.parametrize("factory", [ShopFactory, MerchantFactory, ConnectionFactory])
def test_lists_ask_a_constant_number_of_queries(admin_client, django_assert_num_queries, factory):
    url = reverse(f"admin:merchants_{factory._meta.model.__name__.lower()}_changelist")
    factory()
    admin_client.get(url)
    counts = []
    for _ in range(2):
        with django_assert_num_queries(12, exact=False) as few:
            admin_client.get(url)
        counts.append(len(few))
        factory.create_batch(5)
    assert counts[0] == counts[1]


class TestShop:
    def test_is_added(self, page):
        page(Shop, data=SHOP | {"new_api_key": NEW_KEY, "new_signing_secret": NEW_SECRET})
        shop = Shop.objects.get()
        assert (shop.db_type, shop.joiner_id, shop.nations) == ("KR1", 1001, ["KR", "JP"])
        assert shop.redirect_hosts == ["shop.example", "m.shop.example"]
        assert (shop.api_key_hash, shop.api_key_old_hash) == (hash_api_key(NEW_KEY), "")
        assert (shop.signing_secret, shop.signing_secret_old) == (NEW_SECRET, None)

    def test_needs_a_signing_secret(self, page):
        assert list(errors(page(Shop, data=SHOP))) == ["new_signing_secret"]

    def test_keys_stay_when_nothing_is_entered(self, page):
        shop = ShopFactory()
        page(Shop, shop, SHOP)
        shop.refresh_from_db()
        assert shop.completion_url == SHOP["completion_url"]
        assert (shop.api_key_hash, shop.signing_secret) == (hash_api_key(API_KEY), SIGNING_SECRET)

    def test_new_key_and_secret_keep_the_old_ones_beside_them(self, page):
        shop = ShopFactory()
        page(Shop, shop, SHOP | {"new_api_key": NEW_KEY, "new_signing_secret": NEW_SECRET})
        shop.refresh_from_db()
        assert (shop.api_key_hash, shop.api_key_old_hash) == (hash_api_key(NEW_KEY), hash_api_key(API_KEY))
        assert (shop.signing_secret, shop.signing_secret_old) == (NEW_SECRET, SIGNING_SECRET)

    def test_old_key_and_secret_are_dropped(self, page):
        shop = ShopFactory(api_key_old_hash=hash_api_key(NEW_KEY), signing_secret_old=NEW_SECRET)
        page(Shop, shop, SHOP | {"drop_old_api_key": "on", "drop_old_signing_secret": "on"})
        shop.refresh_from_db()
        assert (shop.api_key_old_hash, shop.signing_secret_old) == ("", None)
        assert (shop.api_key_hash, shop.signing_secret) == (hash_api_key(API_KEY), SIGNING_SECRET)

    def test_replaced_and_dropped_at_once(self, page):
        shop = ShopFactory()
        changes = {"new_api_key": NEW_KEY, "new_signing_secret": NEW_SECRET}
        page(Shop, shop, SHOP | changes | {"drop_old_api_key": "on", "drop_old_signing_secret": "on"})
        shop.refresh_from_db()
        assert (shop.api_key_old_hash, shop.signing_secret_old) == ("", None)

    def test_identity_does_not_change(self, page):
        shop = ShopFactory(joiner_id=1)
        page(Shop, shop, SHOP | {"db_type": "KR2", "joiner_id": "2"})
        shop.refresh_from_db()
        assert (shop.db_type, shop.joiner_id) == ("KR1", 1)

    @pytest.mark.parametrize(
        ("changes", "name", "message"),
        [
            ({"nations": "KR,UK"}, "nations", "2번째 값: ISO 3166 국가 코드"),
            ({"nations": ""}, "nations", "필수"),
            ({"currency": "WON"}, "currency", "통화 코드"),
            ({"completion_url": "http://shop.example/"}, "completion_url", "loopback"),
            ({"redirect_hosts": "https://shop.example"}, "redirect_hosts", "호스트 이름"),
            ({"new_api_key": NEW_KEY[:20]}, "new_api_key", "32자"),
            ({"new_signing_secret": NEW_SECRET[:20]}, "new_signing_secret", "whsec_"),
        ],
    )
    def test_wrong_input(self, page, changes, name, message):
        answer = page(Shop, ShopFactory(), SHOP | {"new_api_key": NEW_KEY} | changes)
        assert list(errors(answer)) == [name]
        assert message in errors(answer)[name][0]
        assert NEW_KEY[:20] not in answer.content.decode()

    def test_the_same_shop_twice(self, page):
        ShopFactory(joiner_id=1001)
        answer = page(Shop, data=SHOP | {"new_signing_secret": NEW_SECRET})
        assert errors(answer) == {"__all__": ["같은 DBType과 JoinerId의 상점이 이미 있습니다."]}

    def test_page_opens_when_the_field_key_is_lost(self, page, settings):
        shop = ShopFactory()
        settings.PGB_FIELD_KEYS = [os.urandom(32)]
        assert "PGB_FIELD_KEYS" in page(Shop, shop).content.decode()
        page(Shop, shop, SHOP | {"new_signing_secret": NEW_SECRET})
        shop.refresh_from_db()
        assert (shop.signing_secret, shop.signing_secret_old) == (NEW_SECRET, None)


class TestMerchant:
    def test_is_added(self, page):
        page(Merchant, data=MERCHANT)
        merchant = Merchant.objects.get()
        assert (merchant.gateway, merchant.mid, merchant.credentials) == ("stripe", "acct_1", STRIPE_CREDENTIALS)

    def test_shows_the_end_of_its_keys_and_the_webhook_address(self, page, settings):
        merchant = MerchantFactory()
        text = page(Merchant, merchant).content.decode()
        assert "secret_key ····cdef, webhook_secret ····cdef" in text
        assert f"{settings.PGB_PUBLIC_URL}/PGBReturn/Webhook/stripe/{merchant.webhook_token}" in text

    def test_short_key_is_not_shown_at_all(self, page):
        merchant = MerchantFactory(credentials={"secret_key": "short-key-12345", "webhook_secret": "x"})
        text = page(Merchant, merchant).content.decode()
        assert "secret_key ····," in text
        assert "2345" not in text

    def test_keys_stay_when_nothing_is_entered(self, page):
        merchant = MerchantFactory()
        page(Merchant, merchant, MERCHANT | {"new_credentials": "", "code": "renamed"})
        merchant.refresh_from_db()
        assert (merchant.code, merchant.credentials) == ("renamed", STRIPE_CREDENTIALS)

    def test_given_names_are_replaced_and_null_removes(self, page):
        merchant = MerchantFactory()
        page(Merchant, merchant, MERCHANT | {"new_credentials": '{"webhook_secret_old": "whsec_old"}'})
        merchant.refresh_from_db()
        assert merchant.credentials == STRIPE_CREDENTIALS | {"webhook_secret_old": "whsec_old"}
        changes = '{"webhook_secret_old": null, "webhook_secret": "whsec_new"}'
        page(Merchant, merchant, MERCHANT | {"new_credentials": changes})
        merchant.refresh_from_db()
        assert merchant.credentials == STRIPE_CREDENTIALS | {"webhook_secret": "whsec_new"}

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "필수"),
            ("sk_live_typed_here", "JSON"),
            ('["sk_live_typed_here"]', "JSON"),
            ('{"secret_key": "sk_live_typed_here"}', "webhook_secret"),
            ('{"secret_key": "sk_live_typed_here", "webhook_secret": 1}', "비어 있지 않은"),
            ('{"secret_key": "sk_live_typed_here", "webhook_secret": "x", "mid": "y"}', "mid"),
        ],
    )
    def test_wrong_credentials(self, page, text, message):
        answer = page(Merchant, data=MERCHANT | {"new_credentials": text})
        assert list(errors(answer)) == ["new_credentials"]
        assert message in errors(answer)["new_credentials"][0]
        assert "typed_here" not in answer.content.decode()
        assert not Merchant.objects.exists()

    def test_other_gateway_needs_its_own_keys(self, page):
        merchant = MerchantFactory()
        answer = page(Merchant, merchant, MERCHANT | {"gateway": "tosspayments", "new_credentials": ""})
        assert list(errors(answer)) == ["new_credentials"]
        keys = {"client_key": "c", "secret_key": "s"}
        page(Merchant, merchant, MERCHANT | {"gateway": "tosspayments", "new_credentials": json.dumps(keys)})
        merchant.refresh_from_db()
        assert (merchant.gateway, merchant.credentials) == ("tosspayments", keys)

    def test_used_one_keeps_what_it_is(self, page, use):
        merchant = MerchantFactory(mid="acct_used")
        use(merchant)
        data = {**MERCHANT, "gateway": "inicis", "mid": "x", "mode": "live", "currency": "JPY", "new_credentials": ""}
        page(Merchant, merchant, data | {"code": "renamed"})
        merchant.refresh_from_db()
        assert (merchant.gateway, merchant.mid, merchant.mode) == ("stripe", "acct_used", "test")
        assert (merchant.currency, merchant.code) == ("KRW", "renamed")

    def test_used_one_is_not_deleted(self, page, use):
        merchant = MerchantFactory()
        use(merchant)
        page(Merchant, merchant, {"post": "yes"}, view="delete")
        assert Merchant.objects.filter(pk=merchant.pk).exists()

    def test_page_opens_when_the_field_key_is_lost(self, page, settings):
        merchant = MerchantFactory()
        settings.PGB_FIELD_KEYS = [os.urandom(32)]
        assert "PGB_FIELD_KEYS" in page(Merchant, merchant).content.decode()
        page(Merchant, merchant, MERCHANT)
        merchant.refresh_from_db()
        assert merchant.credentials == STRIPE_CREDENTIALS

    def test_history_and_delete_pages(self, page):
        merchant = MerchantFactory()
        page(Merchant, merchant, MERCHANT)
        page(Merchant, merchant, view="history")
        page(Merchant, merchant, view="delete")
        log = str(list(LogEntry.objects.values()))
        assert not [secret for secret in SECRETS if secret in log]

    def test_secrets_stay_out_of_error_reports(self, admin_client, settings, monkeypatch):
        settings.ADMINS = [("Staff", "staff@example.com")]
        monkeypatch.setattr(Merchant, "save", lambda *args, **kwargs: 1 / 0)
        monkeypatch.setattr(logging.getLogger("django.request"), "handlers", [AdminEmailHandler()])
        admin_client.raise_request_exception = False
        answer = admin_client.post(reverse("admin:merchants_merchant_add"), MERCHANT)
        assert answer.status_code == 500
        assert "ZeroDivisionError" in mail.outbox[0].body
        assert not [secret for secret in SECRETS if secret in mail.outbox[0].body]


class TestConnection:
    def test_is_added(self, page):
        ShopFactory()
        merchant = MerchantFactory()
        page(MethodConnection, data=CONNECTION | {"merchant": merchant.pk})
        connection = MethodConnection.objects.get()
        assert (connection.db_type, connection.joiner_id, connection.merchant) == ("KR1", None, merchant)
        page(MethodConnection, connection)

    def test_empty_db_type_is_the_whole_nation(self, page):
        ShopFactory()
        page(MethodConnection, data=CONNECTION | {"db_type": "", "merchant": MerchantFactory().pk})
        assert MethodConnection.objects.get().db_type is None

    @pytest.mark.parametrize(
        ("changes", "name", "message"),
        [
            ({"db_type": "", "joiner_id": "1"}, "__all__", "DBType도"),
            ({"max_amount": "5", "min_amount": "6"}, "__all__", "최대 금액"),
            ({"min_amount": "-1"}, "__all__", "0 이상"),
            (
                {"starts_at_0": "2026-02-01", "starts_at_1": "00:00", "ends_at_0": "2026-01-01", "ends_at_1": "00:00"},
                "__all__",
                "종료",
            ),
            ({"nation": "kr"}, "nation", "국가 코드"),
            ({"nation": "JP"}, "__all__", "상점이 없습니다"),
            ({"method": "POINT"}, "method", "부결제수단"),
        ],
    )
    def test_wrong_input(self, page, changes, name, message):
        ShopFactory()
        answer = page(MethodConnection, data=CONNECTION | {"merchant": MerchantFactory().pk} | changes)
        assert message in errors(answer)[name][0]
        assert not MethodConnection.objects.exists()

    def test_other_currency(self, page):
        ShopFactory()
        answer = page(MethodConnection, data=CONNECTION | {"merchant": MerchantFactory(currency="JPY").pk})
        assert errors(answer) == {"merchant": ["가맹점의 통화(JPY)가 상점의 통화(KRW)와 다릅니다."]}

    def test_gateway_without_class(self, page):
        ShopFactory()
        merchant = MerchantFactory(gateway="inicis")
        answer = page(MethodConnection, data=CONNECTION | {"merchant": merchant.pk})
        assert "KG이니시스와(과) 통신하지 못합니다" in errors(answer)["merchant"][0]


class TestMethod:
    def test_is_changed(self, page):
        method = PaymentMethod.objects.get(code="CARD")
        data = {"code": "X", "name": "카드", "is_main": "on", "lifetime_minutes": "30", "display_order": "1"}
        page(PaymentMethod, method, data)
        method.refresh_from_db()
        assert (method.name, method.lifetime_minutes) == ("카드", 30)

    def test_lifetime_is_at_least_a_minute(self, page):
        method = PaymentMethod.objects.get(code="CARD")
        data = {"name": "카드", "is_main": "on", "lifetime_minutes": "0", "display_order": "1"}
        assert "1분 이상" in str(errors(page(PaymentMethod, method, data)))
