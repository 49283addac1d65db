"""Merchants: what the database refuses whoever writes, and what a form or a file is told."""

import pytest
from django.core.exceptions import ValidationError
from django.db.models import ProtectedError

from merchants.models import Merchant, MethodConnection
from tests.factories import (
    ConnectionFactory,
    MerchantFactory,
    ShopFactory,
)
from tests.merchants.refusals import codes, refused

pytestmark = pytest.mark.django_db


class TestMerchant:
    def test_code_is_unique(self):
        MerchantFactory(code="a")
        refused("merchants_merchant_code", MerchantFactory, code="a")

    def test_webhook_token_is_unique(self):
        merchant = MerchantFactory()
        refused("webhook_token", MerchantFactory, webhook_token=merchant.webhook_token)

    @pytest.mark.parametrize("token", ["", "x" * 7, "x" * 8 + "/", "x" * 8 + "\n"])
    def test_webhook_token_is_unguessable(self, token):
        refused("webhook_token_unguessable", MerchantFactory, webhook_token=token)
        assert codes(MerchantFactory.build(webhook_token=token)) & {
            "webhook_token: webhook_token",
            "webhook_token: blank",
        }

    def test_webhook_tokens_differ_and_are_long(self):
        tokens = {MerchantFactory.build().webhook_token for _ in range(20)}
        assert len(tokens) == 20
        assert min(map(len, tokens)) == 32

    def test_one_per_gateway_mid_mode_and_currency(self):
        same = {"mid": "acct_1", "mode": "test", "currency": "KRW"}
        MerchantFactory(**same)
        MerchantFactory(**same | {"gateway": "inicis"})
        MerchantFactory(**same | {"mode": "live"})
        MerchantFactory(**same | {"currency": "JPY"})
        refused("one_merchant_per_mid", MerchantFactory, **same)
        assert codes(MerchantFactory.build(**same)) == {"__all__: merchant_mid"}

    def test_mode_is_known(self):
        refused("merchant_mode_known", MerchantFactory, mode="prod")

    def test_currency_is_a_code(self):
        refused("merchant_currency_is_code", MerchantFactory, currency="krw")
        assert "currency: currency" in codes(MerchantFactory.build(currency="KWR"))

    def test_credentials_are_there(self):
        refused("merchant_has_credentials", Merchant.objects.create, code="a", mode="test", currency="KRW")
        refused("sealed_credentials", MerchantFactory, credentials=None)

    @pytest.mark.parametrize(
        "change", [{"gateway": "inicis"}, {"mid": "other"}, {"mode": "live"}, {"currency": "JPY"}], ids=str
    )
    def test_used_one_keeps_what_payments_rely_on(self, use, change):
        merchant = MerchantFactory()
        [(name, value)] = change.items()
        use(merchant)
        setattr(merchant, name, value)
        assert codes(merchant) == {"__all__: fixed_once_used"}
        with pytest.raises(ValidationError, match="바꿀 수 없습니다"):
            merchant.save()
        assert not Merchant.objects.filter(**change).exists()

    def test_used_one_may_change_the_rest(self, use):
        merchant = MerchantFactory()
        use(merchant)
        merchant.code, merchant.is_active, merchant.credentials = "renamed", False, {"secret_key": "new"}
        merchant.full_clean()
        merchant.save()
        assert Merchant.objects.filter(code="renamed", is_active=False).exists()

    def test_unused_one_may_change(self):
        merchant = MerchantFactory()
        merchant.mid, merchant.mode = "other", "live"
        merchant.full_clean()
        merchant.save()
        assert Merchant.objects.filter(mid="other", mode="live").exists()

    def test_is_used(self, use):
        merchant, other = MerchantFactory.create_batch(2)
        use(merchant)
        assert merchant.is_used()
        assert not other.is_used()
        assert not Merchant().is_used()

    @pytest.mark.parametrize("change", [{"currency": "JPY"}, {"gateway": "inicis"}], ids=str)
    def test_change_must_fit_its_connections(self, change):
        ShopFactory()
        connection = ConnectionFactory()
        merchant = connection.merchant
        [(name, value)] = change.items()
        setattr(merchant, name, value)
        assert codes(merchant) == {"__all__: connection_unfit"}
        MethodConnection.objects.update(connected=False)
        merchant.full_clean()

    def test_used_one_is_not_deleted(self, use):
        merchant = MerchantFactory()
        use(merchant)
        with pytest.raises(ProtectedError):
            merchant.delete()

    def test_connected_one_is_not_deleted(self):
        with pytest.raises(ProtectedError):
            ConnectionFactory().merchant.delete()
