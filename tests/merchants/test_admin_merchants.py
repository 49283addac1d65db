"""The back office page of a merchant."""

import json
import logging
import os

import pytest
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.urls import reverse
from django.utils.log import AdminEmailHandler

from merchants.models import Merchant
from tests.factories import (
    STRIPE_CREDENTIALS,
    MerchantFactory,
)
from tests.merchants.pages import SECRETS, errors

pytestmark = pytest.mark.django_db

MERCHANT = {
    "code": "stripe-kr",
    "gateway": "stripe",
    "mid": "acct_1",
    "mode": "test",
    "currency": "KRW",
    "is_active": "on",
    "new_credentials": json.dumps(STRIPE_CREDENTIALS),
}


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
