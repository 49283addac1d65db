"""The back office page of a merchant: no secret leaves it, and what is used is kept."""

import logging
import os

import pytest
from auditlog.models import LogEntry as Change
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.urls import reverse
from django.utils.log import AdminEmailHandler

from merchants.models import Merchant
from tests.factories import STRIPE_CREDENTIALS, ConnectionFactory, MerchantFactory
from tests.merchants.forms import filled
from tests.merchants.pages import SECRETS
from tests.payments.factories import NotificationFactory

pytestmark = pytest.mark.django_db


class TestSecrets:
    def test_page_opens_when_the_field_key_is_lost(self, page, settings):
        merchant = MerchantFactory()
        settings.PGB_FIELD_KEYS = [os.urandom(32)]
        assert "PGB_FIELD_KEYS" in page(Merchant, merchant).content.decode()
        page(Merchant, merchant, filled("stripe", keys={}, note="x"))
        merchant.refresh_from_db()
        assert merchant.note == "x"
        page(Merchant, merchant, filled("stripe"))
        merchant.refresh_from_db()
        assert merchant.credentials == STRIPE_CREDENTIALS

    def test_history_and_delete_pages(self, page):
        merchant = MerchantFactory()
        page(Merchant, merchant, filled("stripe"))
        page(Merchant, merchant, view="history")
        page(Merchant, merchant, view="delete")
        log = str(list(LogEntry.objects.values())) + str(list(Change.objects.values()))
        assert not [secret for secret in SECRETS if secret in log]

    def test_secrets_stay_out_of_error_reports(self, admin_client, settings, monkeypatch):
        settings.ADMINS = [("Staff", "staff@example.com")]
        monkeypatch.setattr(Merchant, "save", lambda *args, **kwargs: 1 / 0)
        monkeypatch.setattr(logging.getLogger("django.request"), "handlers", [AdminEmailHandler()])
        admin_client.raise_request_exception = False
        answer = admin_client.post(
            reverse("admin:merchants_merchant_add", query={"gateway": "stripe"}), filled("stripe")
        )
        assert answer.status_code == 500
        assert "ZeroDivisionError" in mail.outbox[0].body
        assert not [secret for secret in SECRETS if secret in mail.outbox[0].body]


class TestDeleting:
    def test_unused_one_is_deleted_with_its_checks(self, page):
        merchant = MerchantFactory()
        merchant.checks.create(requested_by="kim", state="WORKS")
        page(Merchant, merchant, {"post": "yes"}, view="delete")
        assert not Merchant.objects.exists()

    @pytest.mark.parametrize("post", [None, {"post": "yes"}])
    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda merchant, use: use(merchant), "결제"),
            (lambda merchant, use: ConnectionFactory(merchant=merchant), "결제수단 연결"),
            (lambda merchant, use: NotificationFactory(session=None, merchant=merchant), "웹훅 수신내역"),
        ],
    )
    def test_used_one_stays_and_its_page_says_why(self, page, use, make, words, post):
        merchant = MerchantFactory()
        make(merchant, use)
        answer = page(Merchant, merchant, post, view="delete")
        assert f"이 가맹점은 지울 수 없습니다. 쓰인 곳: {words}." in answer.content.decode()
        assert answer.redirect_chain[-1][0].endswith("/change/")
        assert Merchant.objects.filter(pk=merchant.pk).exists()

    def test_several_are_not_deleted_at_once(self, page, admin_client):
        merchant = MerchantFactory()
        chosen = {"action": "delete_selected", "_selected_action": [merchant.pk], "post": "yes"}
        admin_client.post(reverse("admin:merchants_merchant_changelist"), chosen)
        assert Merchant.objects.exists()
