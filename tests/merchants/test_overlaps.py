"""Of connections that are on, one at most speaks for a key, a priority, a moment and an amount."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.factories import ConnectionFactory, ShopFactory
from tests.merchants.refusals import codes, refused

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
BAND = {"priority": 1, "min_amount": 1000, "max_amount": 5000, "starts_at": NOW, "ends_at": LATER}


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"min_amount": 5000, "max_amount": None},
        {"min_amount": 0, "max_amount": 1000},
        {"starts_at": None, "ends_at": None},
        {"starts_at": LATER - timedelta(microseconds=1), "ends_at": None},
    ],
    ids=str,
)
def test_overlap_is_refused(other):
    ShopFactory()
    ConnectionFactory(**BAND)
    assert codes(ConnectionFactory.build(merchant=ConnectionFactory().merchant, method_id="CARD", **BAND | other)) == {
        "__all__: overlap"
    }
    refused("one_connection_at_a_time", ConnectionFactory, **BAND | other)


@pytest.mark.parametrize(
    "other",
    [
        {"priority": 2},
        {"min_amount": 5001, "max_amount": None},
        {"starts_at": LATER, "ends_at": None},
        {"connected": False},
        {"in_use": False},
        {"joiner_id": 1001},
        {"db_type": None},
        {"nation": "JP"},
        {"device": "pc"},
        {"method__code": "BANK"},
    ],
    ids=str,
)
def test_no_overlap(other):
    ConnectionFactory(**BAND)
    ConnectionFactory(**BAND | other)
