"""Methods and connections: what the database refuses whoever writes, and what a form or a file is told."""

from datetime import timedelta

import pytest
from django.db.models import ProtectedError
from django.utils import timezone, translation

from merchants.models import MethodConnection, PaymentMethod
from tests.factories import (
    ConnectionFactory,
    MerchantFactory,
    PaymentMethodFactory,
    ShopFactory,
)
from tests.merchants.refusals import codes, refused

pytestmark = pytest.mark.django_db

NOW = timezone.now()


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
    @pytest.mark.parametrize(
        ("whose", "name"),
        [
            ({"db_type": None}, "모든 DBType"),
            ({"db_type": "KR1"}, "KR1/전체"),
            ({"db_type": "KR1", "joiner_id": 1001}, "KR1/1001"),
        ],
    )
    def test_its_name_says_whose_order_pages_it_is_for(self, whose, name):
        merchant = MerchantFactory.build(code="stripe-main")
        row = MethodConnection(nation="KR", method_id="CARD", device="any", merchant=merchant, **whose)
        with translation.override("ko"):
            assert str(row) == f"{name} · KR · CARD · 모든 기기 → stripe-main"

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
