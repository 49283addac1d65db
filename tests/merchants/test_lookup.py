"""Who is calling, and which merchant charges: one line per case."""

from datetime import timedelta

import pytest
from django.utils import timezone

from merchants import lookup
from merchants.lookup import MethodNotConnected, NoMerchant
from merchants.models import Shop
from tests.factories import ConnectionFactory, ShopFactory

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
        # then priority
        ([{"priority": 2}, {"priority": 1}], 1),
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
