"""What the database refuses whoever writes, and what a form or a file is told."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from merchants.models import Merchant, MethodConnection, PaymentMethod, Shop
from tests.factories import ConnectionFactory, MerchantFactory, PaymentMethodFactory, ShopFactory

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def refused(constraint, factory, **values):
    """The database itself refuses the row, by this constraint."""
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        factory(**values)


def codes(row):
    """The codes under which cleaning a row refuses it."""
    with pytest.raises(ValidationError) as error:
        row.full_clean()
    return {f"{name}: {one.code}" for name, errors in error.value.error_dict.items() for one in errors}


class TestShop:
    def test_one_per_joiner(self):
        ShopFactory(joiner_id=1)
        ShopFactory(joiner_id=2)
        ShopFactory(joiner_id=1, db_type="KR2")
        refused("one_shop_per_joiner", ShopFactory, joiner_id=1)

    def test_one_for_every_joiner(self):
        ShopFactory(joiner_id=None)
        ShopFactory(joiner_id=None, db_type="KR2")
        refused("one_shop_for_every_joiner", ShopFactory, joiner_id=None)

    @pytest.mark.parametrize("nations", [[], ["kr"], ["KR", "J"], ["KOR"], ["KR,JP"], ["K1"], [None], ["KR", None]])
    def test_nations_are_codes(self, nations):
        refused("shop_nations_are_codes", ShopFactory, nations=nations)

    @pytest.mark.parametrize("currency", ["", "krw", "KR", "K1W"])
    def test_currency_is_a_code(self, currency):
        refused("shop_currency_is_code", ShopFactory, currency=currency)

    def test_joiner_is_not_negative(self):
        refused("joiner_id", ShopFactory, joiner_id=-1)

    def test_signing_secret_is_there(self):
        refused(
            "shop_has_signing_secret",
            Shop.objects.create,
            db_type="KR1",
            nations=["KR"],
            currency="KRW",
            redirect_hosts=[],
        )
        refused("sealed_signing_secret", ShopFactory, signing_secret=None)

    def test_cleaning_says_what_is_wrong(self):
        shop = ShopFactory.build(
            db_type="K R",
            nations=["UK"],
            currency="WON",
            completion_url="http://shop.example",
            redirect_hosts=["Shop.example"],
        )
        assert codes(shop) == {
            "db_type: name",
            "nations: item_invalid",
            "currency: currency",
            "completion_url: plain_http",
            "redirect_hosts: item_invalid",
        }

    @pytest.mark.parametrize(
        ("row", "refuses"),
        [
            ({}, True),
            ({"joiner_id": 1001}, True),
            ({"joiner_id": 2}, False),
            ({"connected": False}, False),
            ({"nation": "JP"}, False),
            ({"db_type": "KR2"}, False),
            ({"db_type": None}, False),
        ],
    )
    def test_currency_stays_while_a_connection_needs_it(self, row, refuses):
        shop = ShopFactory(joiner_id=1001)
        ConnectionFactory(**row)
        shop.full_clean()
        shop.currency = "JPY"
        if refuses:
            assert codes(shop) == {"__all__: shop_currency"}
        else:
            shop.full_clean()

    @pytest.mark.parametrize(("joiner_id", "refuses"), [(None, True), (1001, False), (2, True)])
    def test_shop_for_every_joiner_answers_for_those_without_an_own_row(self, joiner_id, refuses):
        ShopFactory(joiner_id=1001)
        rest = ShopFactory(joiner_id=None, currency="JPY")
        ConnectionFactory(joiner_id=joiner_id)
        if refuses:
            assert codes(rest) == {"__all__: shop_currency"}
        else:
            rest.full_clean()

    def test_set_api_key(self):
        shop = ShopFactory.build()
        first = shop.api_key_hash
        shop.set_api_key("another", keep_old=True)
        assert (shop.api_key_old_hash, len(shop.api_key_hash)) == (first, 64)
        shop.set_api_key("third", keep_old=False)
        assert shop.api_key_old_hash == ""


class TestMerchant:
    def test_code_is_unique(self):
        MerchantFactory(code="a")
        refused("merchants_merchant_code", MerchantFactory, code="a")

    def test_webhook_token_is_unique(self):
        merchant = MerchantFactory()
        refused("webhook_token", MerchantFactory, webhook_token=merchant.webhook_token)

    @pytest.mark.parametrize("token", ["", "x" * 21, "x" * 22 + "/", "x" * 22 + "\n"])
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


class TestPaymentMethod:
    def test_all_are_there(self):
        codes = PaymentMethod.objects.values_list("code", "is_main")
        main = ["CARD", "BANK", "VBANK", "MOBILE", "KAKAOPAY", "NAVERPAY", "PAYCO", "TOSSPAY", "SAMSUNGPAY", "KONBINI"]
        sub = ["POINT", "DEPOSIT", "GIFTCARD"]
        assert dict(codes) == dict.fromkeys(main, True) | dict.fromkeys(sub, False)
        assert PaymentMethod.objects.get(code="CARD").lifetime_minutes == 40

    def test_lifetime_is_positive(self):
        refused("method_lifetime_positive", PaymentMethodFactory, code="X", lifetime_minutes=0)

    def test_connected_one_is_not_deleted(self):
        with pytest.raises(ProtectedError):
            ConnectionFactory().method.delete()


class TestConnection:
    def test_joiner_needs_a_db_type(self):
        refused("connection_joiner_needs_db_type", ConnectionFactory, db_type=None, joiner_id=1)
        ConnectionFactory(db_type=None)

    def test_db_type_is_null_or_a_name(self):
        refused("connection_db_type_not_empty", ConnectionFactory, db_type="")

    @pytest.mark.parametrize("nation", ["", "kr", "K"])
    def test_nation_is_a_code(self, nation):
        refused("connection_nation_is_code", ConnectionFactory, nation=nation)

    def test_device_is_known(self):
        refused("connection_device_known", ConnectionFactory, device="tablet")

    @pytest.mark.parametrize(("low", "high"), [(-1, None), (-1, 5), (6, 5)])
    def test_amounts_are_in_order(self, low, high):
        refused("connection_amounts_in_order", ConnectionFactory, min_amount=low, max_amount=high)

    @pytest.mark.parametrize(("low", "high"), [(0, None), (0, 0), (5, 5)])
    def test_amounts_that_are_in_order(self, low, high):
        ConnectionFactory(min_amount=low, max_amount=high)

    @pytest.mark.parametrize("seconds", [0, -1])
    def test_period_is_in_order(self, seconds):
        end = NOW + timedelta(seconds=seconds)
        refused("connection_period_in_order", ConnectionFactory, starts_at=NOW, ends_at=end)

    def test_periods_that_are_in_order(self):
        ConnectionFactory(starts_at=NOW)
        ConnectionFactory(ends_at=NOW)
        ConnectionFactory(starts_at=NOW, ends_at=NOW + timedelta(seconds=1))

    def test_sub_method_is_refused(self):
        ShopFactory()
        assert codes(ConnectionFactory(method_id="POINT", method=None)) == {"method: sub_method"}

    def test_gateway_without_class_is_not_connected(self):
        ShopFactory()
        connection = ConnectionFactory(merchant__gateway="inicis")
        assert codes(connection) == {"merchant: no_gateway"}
        connection.connected = False
        connection.full_clean()

    @pytest.mark.parametrize(
        "row",
        [{"db_type": "KR2"}, {"nation": "JP"}, {"db_type": None, "nation": "JP"}, {"joiner_id": 2}],
        ids=str,
    )
    def test_row_that_reaches_no_shop(self, row):
        ShopFactory(joiner_id=1)
        assert codes(ConnectionFactory(**row)) == {"__all__: no_shop"}

    @pytest.mark.parametrize("row", [{}, {"joiner_id": 1001}, {"db_type": None}], ids=str)
    def test_other_currency(self, row):
        ShopFactory(joiner_id=1001)
        connection = ConnectionFactory(merchant__currency="JPY", **row)
        assert codes(connection) == {"merchant: merchant_currency"}

    def test_row_of_a_db_type_fits_every_shop(self):
        ShopFactory(joiner_id=1)
        ShopFactory(joiner_id=2, currency="JPY")
        assert codes(ConnectionFactory()) == {"merchant: merchant_currency"}
        ConnectionFactory(joiner_id=1).full_clean()
        ShopFactory(joiner_id=3, currency="JPY", nations=["JP"])
        ConnectionFactory(joiner_id=3, nation="JP", merchant__currency="JPY").full_clean()

    def test_nation_wide_row_fits_one_shop_at_least(self):
        ShopFactory(joiner_id=1)
        ShopFactory(joiner_id=2, currency="JPY", db_type="JP1")
        ConnectionFactory(db_type=None).full_clean()
        ConnectionFactory(db_type=None, merchant__currency="JPY").full_clean()
        assert codes(ConnectionFactory(db_type=None, merchant__currency="USD")) == {"merchant: merchant_currency"}

    def test_joiner_without_an_own_row_belongs_to_the_shop_of_every_joiner(self):
        ShopFactory(joiner_id=None, currency="JPY")
        ShopFactory(joiner_id=1)
        ConnectionFactory(joiner_id=1).full_clean()
        ConnectionFactory(joiner_id=2, merchant__currency="JPY").full_clean()
        assert codes(ConnectionFactory(joiner_id=2)) == {"merchant: merchant_currency"}

    def test_joiner_with_an_own_row_is_not_reached_through_the_other(self):
        ShopFactory(joiner_id=None)
        ShopFactory(joiner_id=1, nations=["JP"])
        assert codes(ConnectionFactory(joiner_id=1)) == {"__all__: no_shop"}
