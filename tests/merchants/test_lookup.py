"""Who is calling, and which merchant charges: one line per case."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from merchants import lookup
from merchants.keys import hash_api_key
from merchants.lookup import MethodNotConnected, NoMerchant
from merchants.models import Merchant, MethodConnection, Shop
from tests.factories import API_KEY, ConnectionFactory, MerchantFactory, ShopFactory

pytestmark = pytest.mark.django_db

NOW = timezone.now()
SECOND = timedelta(seconds=1)

NATION = {"db_type": None}
DB_TYPE = {"db_type": "KR1"}
JOINER = {"db_type": "KR1", "joiner_id": 1001}
OFF, UNWIRED = {"in_use": False}, {"connected": False}
PC, MOBILE = {"device": "pc"}, {"device": "mobile"}
CLOSED = {"merchant__is_active": False}
INICIS = {"merchant__gateway": "inicis"}


def look(**asked):
    """The answer for 1,000 KRW by CARD on a PC, for KR1/1001 in Korea, unless asked otherwise."""
    shop = Shop.objects.filter(db_type="KR1").first() or ShopFactory(joiner_id=1001)
    usual = {"joiner_id": 1001, "nation": "KR", "method": "CARD", "device": "pc", "amount": 1000, "at": NOW}
    return lookup.find_connection(shop=shop, **usual | asked)


def result(rows, **asked):
    """The number of the row that charges, or the error."""
    made = [ConnectionFactory(**row) for row in rows]
    try:
        return made.index(look(**asked))
    except (MethodNotConnected, NoMerchant) as error:
        return type(error)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # the most specific row: joiner, DBType, nation
        ([], MethodNotConnected),
        ([NATION], 0),
        ([NATION, DB_TYPE], 1),
        ([NATION, DB_TYPE, JOINER], 2),
        ([JOINER, DB_TYPE, NATION], 0),
        ([NATION, JOINER], 1),
        ([NATION | {"priority": 1}, JOINER | {"priority": 9}], 1),
        # other joiners, DBTypes, nations and methods say nothing
        ([JOINER | {"joiner_id": 1002}], MethodNotConnected),
        ([JOINER | {"joiner_id": 1002}, DB_TYPE], 1),
        ([DB_TYPE | {"db_type": "KR2"}], MethodNotConnected),
        ([JOINER | {"db_type": "KR2"}], MethodNotConnected),
        ([{"nation": "JP"}], MethodNotConnected),
        ([{"method__code": "BANK"}], MethodNotConnected),
        # the exact device before any, within the same place only
        ([{}, PC], 1),
        ([PC, {}], 0),
        ([MOBILE], NoMerchant),
        ([MOBILE, {}], 1),
        ([PC | {"priority": 9}, {"priority": 1}], 0),
        ([DB_TYPE | PC, JOINER], 1),
        # then priority, then the older row
        ([{"priority": 2}, {"priority": 1}], 1),
        ([{"priority": 1}, {"priority": 1}], 0),
        # switched off
        ([OFF], MethodNotConnected),
        ([UNWIRED], MethodNotConnected),
        ([OFF, UNWIRED], MethodNotConnected),
        ([OFF | {"priority": 1}, {"priority": 2}], 1),
        ([UNWIRED | {"priority": 1}, {"priority": 2}], 1),
        # a row that is off switches its place off; a less specific one does not stand in
        ([DB_TYPE, JOINER | OFF], MethodNotConnected),
        ([DB_TYPE, JOINER | UNWIRED], MethodNotConnected),
        ([NATION, DB_TYPE | OFF], MethodNotConnected),
        ([{}, PC | OFF], MethodNotConnected),
        ([{}, MOBILE | OFF], 0),
        ([DB_TYPE, JOINER | OFF | {"joiner_id": 1002}], 0),
        ([DB_TYPE, JOINER | OFF | MOBILE], 0),
        ([DB_TYPE | OFF, JOINER], 1),
        # closed merchants, other currencies, gateways that PGB has no class for
        ([CLOSED], NoMerchant),
        ([CLOSED | {"priority": 1}, {"priority": 2}], 1),
        ([DB_TYPE, JOINER | CLOSED], NoMerchant),
        ([{"merchant__currency": "JPY"}], NoMerchant),
        ([{"merchant__currency": "JPY"}, {"priority": 2}], 1),
        ([INICIS], NoMerchant),
        ([INICIS | {"priority": 1}, {"priority": 2}], 1),
        # a sub method never goes to a gateway
        ([{"method__code": "POINT"}], MethodNotConnected),
    ],
)
def test_which_row(rows, expected):
    assert result(rows) == expected


def test_sub_method():
    assert result([{"method__code": "POINT"}], method="POINT") is MethodNotConnected


@pytest.mark.parametrize(
    ("low", "high", "amount", "fits"),
    [
        (0, None, 1, True),
        (1000, None, 999, False),
        (1000, None, 1000, True),
        (0, 1000, 1000, True),
        (0, 1000, 1001, False),
        (1000, 1000, 1000, True),
    ],
)
def test_amount_has_both_ends(low, high, amount, fits):
    rows = [{"min_amount": low, "max_amount": high}]
    assert result(rows, amount=amount) == (0 if fits else NoMerchant)


@pytest.mark.parametrize(
    ("starts", "ends", "fits"),
    [
        (None, None, True),
        (NOW, None, True),
        (NOW + SECOND, None, False),
        (None, NOW, False),
        (None, NOW + SECOND, True),
        (NOW - SECOND, NOW, False),
        (NOW, NOW + SECOND, True),
    ],
)
def test_period_includes_its_start_and_not_its_end(starts, ends, fits):
    assert result([{"starts_at": starts, "ends_at": ends}]) == (0 if fits else NoMerchant)


@pytest.mark.parametrize(
    ("joiner", "asked", "expected"),
    [
        ({"max_amount": 100}, {}, 1),
        ({"max_amount": 100}, {"amount": 100}, 0),
        ({"ends_at": NOW}, {}, 1),
        ({"ends_at": NOW}, {"at": NOW - SECOND}, 0),
        (OFF | {"max_amount": 100}, {}, 1),
        (OFF | {"max_amount": 100}, {"amount": 100}, MethodNotConnected),
    ],
)
def test_a_row_decides_only_where_it_speaks(joiner, asked, expected):
    """A joiner's row for small amounts, or for last month, leaves the rest to the DBType's row."""
    assert result([JOINER | joiner, DB_TYPE], **asked) == expected


@pytest.mark.parametrize(
    ("rows", "gateway", "expected"),
    [
        ([{}], "stripe", 0),
        ([{}], "inicis", NoMerchant),
        ([{"priority": 1}, INICIS | {"priority": 2}], "inicis", 1),
        ([INICIS | {"priority": 1}, {"priority": 2}], "stripe", 1),
        ([JOINER | INICIS, DB_TYPE], "stripe", 1),
        ([JOINER | INICIS, DB_TYPE], "inicis", 0),
        ([JOINER | INICIS | OFF, DB_TYPE | INICIS], "inicis", MethodNotConnected),
    ],
)
def test_gateway_is_honoured(settings, rows, gateway, expected):
    settings.PGB_GATEWAYS = {"stripe": "", "inicis": ""}
    assert result(rows, gateway=gateway) == expected


def test_merchant_comes_with_its_keys():
    connection = ConnectionFactory()
    assert look().merchant.credentials == connection.merchant.credentials


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

    def test_of_a_gateway(self):
        merchant = MerchantFactory()
        MerchantFactory(is_active=False)
        MerchantFactory(gateway="inicis")
        assert lookup.merchants_of("stripe") == [merchant]


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
            patch.setattr(lookup.Merchant.objects, "order_by", lambda *names: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                lookup.find_shop("KR1", 1)
        assert lookup.find_shop("KR1", 1) == shop

    def test_many_threads_read_once(self, monkeypatch):
        started, reads = threading.Barrier(8), []

        def read():
            reads.append(1)
            threading.Event().wait(0.05)
            return lookup._Configuration(lookup.time.monotonic())

        def ask():
            started.wait()
            lookup.active_shops()

        monkeypatch.setattr(lookup, "_read", read)
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
