"""Shops, keys and merchants, answered from a copy at most 5 s old."""

import threading

import pytest
from django.utils import timezone

from merchants import lookup
from merchants.keys import hash_api_key
from merchants.models import Merchant, MethodConnection, Shop
from tests.factories import (
    API_KEY,
    ConnectionFactory,
    MerchantFactory,
    ShopFactory,
)

pytestmark = pytest.mark.django_db

NOW = timezone.now()


class TestShops:
    def test_own_row_before_that_of_every_joiner(self):
        everyone, own = ShopFactory(joiner_id=None), ShopFactory(joiner_id=1)
        ShopFactory(joiner_id=1, db_type="KR2")
        assert lookup.find_shop("KR1", 1) == own
        assert lookup.find_shop("KR1", 2) == everyone

    def test_unknown(self):
        ShopFactory(joiner_id=1)
        assert lookup.find_shop("KR1", 2) is None
        assert lookup.find_shop("kr1", 1) is None

    def test_switched_off(self):
        ShopFactory(joiner_id=None)
        ShopFactory(joiner_id=1, is_active=False)
        assert lookup.find_shop("KR1", 1) is None

    def test_active_ones(self):
        shop = ShopFactory()
        ShopFactory(is_active=False)
        assert lookup.active_shops() == [shop]

    def test_by_present_and_old_key(self):
        old = "the-old-api-key-of-forty-characters-0123456"
        first = ShopFactory(api_key_old_hash=hash_api_key(old))
        second = ShopFactory(api_key_old_hash=hash_api_key(API_KEY))
        ShopFactory(is_active=False)
        assert lookup.shops_by_api_key(API_KEY) == [first, second]
        assert lookup.shops_by_api_key(old) == [first]
        assert lookup.shops_by_api_key("") == []
        assert lookup.shops_by_api_key(first.api_key_hash) == []

    def test_shop_without_a_key_is_opened_by_none(self):
        ShopFactory(api_key_hash="")
        assert lookup.shops_by_api_key("") == []


class TestMerchants:
    def test_by_token_even_if_closed(self):
        merchant = MerchantFactory(is_active=False)
        assert lookup.merchant_by_token(merchant.webhook_token) == merchant
        assert lookup.merchant_by_token("") is None

    def test_of_a_gateway_even_if_closed(self):
        merchants = [MerchantFactory(), MerchantFactory(is_active=False)]
        MerchantFactory(gateway="inicis")
        assert lookup.merchants_of("stripe") == merchants


class TestCache:
    @pytest.fixture
    def clock(self, monkeypatch):
        times = [1000.0]
        monkeypatch.setattr(lookup.time, "monotonic", lambda: times[0])
        return times

    def test_three_queries_however_many_rows_and_questions(self, django_assert_num_queries):
        ConnectionFactory.create_batch(10)
        shop = ShopFactory(joiner_id=1001)
        with django_assert_num_queries(3):
            for _ in range(3):
                connection = lookup.find_connection(
                    shop=shop, joiner_id=1001, nation="KR", method="CARD", device="pc", amount=1, at=NOW
                )
                assert connection.merchant.code
                assert connection.method.lifetime_minutes == 40
                assert lookup.find_shop("KR1", 1001)
                assert lookup.merchants_of("stripe")

    def test_an_order_page_needs_two_of_them(self, django_assert_num_queries):
        shop, connection = ShopFactory(joiner_id=1001), ConnectionFactory()
        with django_assert_num_queries(2):
            assert lookup.find_shop("KR1", 1001) == shop
            assert lookup.issuers_of(connection.merchant) is None
            assert lookup.is_sub_method("POINT")

    def test_is_five_seconds_old_at_most(self, clock):
        shop = ShopFactory(joiner_id=1)
        assert lookup.find_shop("KR1", 1)
        Shop.objects.update(is_active=False)
        clock[0] += 4.99
        assert lookup.find_shop("KR1", 1) == shop
        clock[0] += 0.01
        assert lookup.find_shop("KR1", 1) is None

    def test_age_counts_from_before_the_reading(self, clock, monkeypatch):
        reading = lookup.Shop.objects.all

        def slow_reading():
            clock[0] += 3
            return reading()

        ShopFactory(joiner_id=1)
        monkeypatch.setattr(lookup.Shop.objects, "all", slow_reading)
        assert lookup.find_shop("KR1", 1)
        monkeypatch.setattr(lookup.Shop.objects, "all", reading)
        Shop.objects.update(is_active=False)
        clock[0] += 2
        assert lookup.find_shop("KR1", 1) is None

    def test_failed_reading_is_not_kept(self, monkeypatch):
        shop = ShopFactory(joiner_id=1)
        with monkeypatch.context() as patch:
            patch.setattr(lookup.MethodConnection.objects, "select_related", lambda *names: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                lookup.find_shop("KR1", 1)
        assert lookup.find_shop("KR1", 1) == shop

    def test_many_threads_read_once(self, monkeypatch):
        started, reads = threading.Barrier(8), []

        def read():
            reads.append(1)
            threading.Event().wait(0.05)
            return lookup.Configuration(lookup.time.monotonic())

        def ask():
            started.wait()
            lookup.active_shops()

        monkeypatch.setattr(lookup, "read", read)
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(reads) == 1

    def test_holds_no_secret_in_the_clear(self):
        ConnectionFactory()
        ShopFactory()
        assert lookup.active_shops()
        held = repr([vars(row) for model in (Shop, Merchant, MethodConnection) for row in model.objects.all()])
        configuration = lookup._configuration()
        held += repr([vars(row) for row in [*configuration.merchants, *configuration.shops.values()]])
        assert "sk_test" not in held
        assert "whsec_" not in held
