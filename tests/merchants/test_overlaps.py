"""Of connections that are on, one at most speaks for a key, a priority, a moment and an amount."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from merchants.models import MethodConnection
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


def test_rows_from_before_the_constraint_are_told_apart_as_they_charged():
    (constraint,) = [one for one in MethodConnection._meta.constraints if one.name == "one_connection_at_a_time"]
    with connection.schema_editor() as editor:
        editor.remove_constraint(MethodConnection, constraint)
    beside = [{"min_amount": 0, "max_amount": 999}, {"min_amount": 1000}, {"starts_at": NOW}, {"ends_at": NOW}]
    rows = [ConnectionFactory(priority=number) for number in (3, 1, 3, 1, 7)]
    untouched = [ConnectionFactory(method__code="BANK", **one) for one in beside[:2]]
    untouched += [ConnectionFactory(method__code="VBANK", **one) for one in beside[2:]]
    untouched += [ConnectionFactory(in_use=False), ConnectionFactory(device="pc", priority=3)]

    import_module("merchants.migrations.0003_back_office").tell_priorities_apart(apps, None)

    found = MethodConnection.objects.in_bulk()
    assert [found[row.pk].priority for row in rows] == [3, 1, 4, 2, 5]
    assert [found[row.pk].priority for row in untouched] == [row.priority for row in untouched]
    connection.check_constraints()  # no table is altered before its rows are
    with connection.schema_editor() as editor:
        editor.add_constraint(MethodConnection, constraint)
