"""Methods x gateways: how each connection stands, and which ones charge now."""

from datetime import UTC, datetime, timedelta

import pytest

from merchants import lookup
from merchants.codes import Mode
from merchants.matrix import State, matrix
from merchants.models import PaymentMethod
from merchants.order_pages import DEVICES, order_pages
from tests.factories import ConnectionFactory, MerchantFactory, ShopFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def shop():
    return ShopFactory(joiner_id=1001)


def entries(devices=DEVICES):
    """By row: its state, why, and on which devices it charges."""
    configuration = lookup.read()
    [page] = [page for page in order_pages(configuration) if page.joiner_id == 1001]
    lines = matrix(configuration, page, PaymentMethod.objects.all(), devices, NOW)
    assert all(line.method.is_main for line in lines)
    return {entry.row.pk: entry for line in lines for cell in line.cells.values() for entry in cell}


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({}, State.READY),
        ({"connected": False}, State.UNWIRED),
        ({"connected": False, "in_use": False}, State.UNWIRED),
        ({"in_use": False}, State.UNUSED),
        ({"merchant__is_active": False}, State.UNUSABLE),
        ({"merchant__currency": "JPY"}, State.UNUSABLE),
        ({"merchant__gateway": "inicis"}, State.UNUSABLE),
        ({"starts_at": NOW + DAY}, State.OUT_OF_TIME),
        ({"ends_at": NOW}, State.OUT_OF_TIME),
        ({"starts_at": NOW, "ends_at": NOW + DAY}, State.READY),
    ],
    ids=str,
)
def test_state(values, state):
    row = ConnectionFactory(**values)
    entry = entries()[row.pk]
    assert (entry.state, bool(entry.why)) == (state, state == State.UNUSABLE)
    assert entry.charges == (["pc", "mobile"] if state == State.READY else [])


def test_a_card_contract_that_no_issuer_passed(settings):
    settings.PGB_GATEWAYS = {"stripe": "", "inicis": ""}
    row = ConnectionFactory(merchant=MerchantFactory(gateway="inicis", mode=Mode.LIVE))
    assert "카드사" in entries()[row.pk].why


def test_which_connection_charges_where():
    everyone = ConnectionFactory()
    spare = ConnectionFactory()
    phones = ConnectionFactory(device="mobile", min_amount=1000)
    found = {pk: entry.charges for pk, entry in entries().items()}
    assert found == {everyone.pk: ["pc", "mobile"], spare.pk: [], phones.pk: ["mobile"]}
    assert set(entries(["pc"])) == {everyone.pk, spare.pk}


def test_only_rows_that_reach_the_page():
    ConnectionFactory(joiner_id=1002)
    ConnectionFactory(db_type="KR2")
    ConnectionFactory(nation="JP")
    mine = [ConnectionFactory(joiner_id=1001), ConnectionFactory(), ConnectionFactory(db_type=None)]
    assert set(entries()) == {row.pk for row in mine}


def test_alone_in_its_key():
    first, second = ConnectionFactory(max_amount=1000), ConnectionFactory(min_amount=500)
    above, phones = ConnectionFactory(min_amount=1001, max_amount=1001), ConnectionFactory(device="mobile")
    second.in_use = False
    second.save()
    found = {pk: entry.alone for pk, entry in entries().items()}
    assert found == {first.pk: True, second.pk: False, above.pk: True, phones.pk: True}
