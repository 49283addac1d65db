"""How many payments under way a switch leaves with their merchant."""

import pytest

from merchants import switching
from merchants.switching import Wish
from tests.factories import ConnectionFactory, ShopFactory
from tests.payments.factories import PaidSessionFactory, PaymentSessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop():
    return ShopFactory(joiner_id=1001)


@pytest.fixture
def row():
    return ConnectionFactory(min_amount=1000)


def begin(row, shop, factory=PaymentSessionFactory, **values):
    return factory(merchant=row.merchant, order__shop=shop, **{"method": "CARD"} | values)


def live(row):
    return switching.preview(Wish.UNUSE, [row.pk]).live


def test_are_counted(row, shop):
    begin(row, shop)
    begin(row, shop, stage="WAITING_DEPOSIT")
    assert (live(row), row.live_sessions()) == (2, 2)


@pytest.mark.parametrize(
    "other",
    [
        {"factory": PaidSessionFactory},
        {"stage": "FAILED"},
        {"method": "BANK"},
        {"nation": "JP"},
    ],
    ids=str,
)
def test_others_are_not(row, shop, other):
    begin(row, shop, **other)
    assert (live(row), row.live_sessions()) == (0, 0)


def test_another_merchant_amount_or_joiner_is_not_concerned(row, shop):
    begin(ConnectionFactory(method__code="BANK"), shop)
    begin(row, shop, amount=999)
    everyone = ShopFactory(joiner_id=None)
    ConnectionFactory(joiner_id=7, merchant=row.merchant)
    begin(row, everyone, order__joiner_id=7)
    assert live(row) == 0
    begin(row, everyone, order__joiner_id=8)
    assert live(row) == 1


def test_nobody_is_counted_where_nothing_changes(row, shop):
    begin(row, shop)
    row.priority = 5
    row.save()
    ConnectionFactory(merchant=row.merchant, priority=6, min_amount=1000)
    assert live(row) == 0
