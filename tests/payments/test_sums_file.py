"""기간별 합계 내려받기: the sums of a month as a file, for a reason that is recorded."""

import csv
import io
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine
from auditlog.models import LogEntry
from django.urls import reverse
from openpyxl import load_workbook

from tests.factories import MerchantFactory
from tests.payments.factories import CancellationFactory, PaidSessionFactory

pytestmark = pytest.mark.django_db
SEOUL = ZoneInfo("Asia/Seoul")
SUMS = reverse("admin:payments_sums")
GIVEN = {"first": "2026-02-01", "last": "2026-02-28", "mode": "live", "kind": "csv", "reason": "2월 정산"}


@pytest.fixture(autouse=True)
def march():
    with time_machine.travel(datetime(2026, 3, 2, 8, 30, tzinfo=SEOUL), tick=False):
        yield


@pytest.fixture(autouse=True)
def february(db):
    """Two payments of the month in won and one in dollars, one of the next month, and one that is no real money."""
    live = MerchantFactory(mode="live")
    paid(live, datetime(2026, 2, 1, tzinfo=SEOUL))
    paid(live, datetime(2026, 2, 28, 23, 59, 59, tzinfo=SEOUL), cancelled=900, stage="PARTIALLY_CANCELLED")
    paid(live, datetime(2026, 3, 1, tzinfo=SEOUL))
    paid(MerchantFactory(mode="live", currency="USD"), datetime(2026, 2, 28, tzinfo=SEOUL), amount=1050)
    paid(MerchantFactory(mode="test"), datetime(2026, 2, 2, tzinfo=SEOUL))


def paid(merchant, at, **changes):
    """A payment; what was cancelled of it went back at once."""
    session = PaidSessionFactory(merchant=merchant, paid_at=at, created_at=at, **changes)
    if session.cancelled:
        CancellationFactory(session=session, amount=session.cancelled, ended_at=at)
    return session


def table(client, **changes):
    answer = client.post(SUMS, {**GIVEN, **changes})
    assert answer.streaming, answer.context["form"].errors
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode().removeprefix("\ufeff"))))


def test_last_month_is_what_the_form_begins_with(staff_client):
    initial = staff_client.get(SUMS).context["form"].initial
    assert (initial["first"], initial["last"], initial["mode"]) == ("2026-02-01", "2026-02-28", "live")


def test_by_day_with_a_total_of_each_currency(staff_client):
    assert table(staff_client, by="day") == [
        ["날짜", "통화", "건수", "거래액", "취소액", "순거래액"],
        ["2026-02-01", "KRW", "1", "64900", "0", "64900"],
        ["2026-02-28", "KRW", "1", "64900", "900", "64000"],
        ["합계", "KRW", "2", "129800", "900", "128900"],
        ["2026-02-28", "USD", "1", "10.50", "0.00", "10.50"],
        ["합계", "USD", "1", "10.50", "0.00", "10.50"],
    ]


def test_by_gateway_method_and_all(staff_client):
    assert table(staff_client, by="gateway")[1][:3] == ["Stripe", "KRW", "2"]
    assert table(staff_client, by="method")[1][:3] == ["신용카드", "KRW", "2"]
    assert table(staff_client, by="all")[1][:4] == ["2026-02-01", "Stripe", "신용카드", "KRW"]


def test_in_excel_amounts_are_numbers(staff_client):
    answer = staff_client.post(SUMS, {**GIVEN, "by": "day", "kind": "xlsx"})
    rows = list(load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active.iter_rows(values_only=True))
    assert rows[2] == ("2026-02-28", "KRW", 1, 64900, 900, 64000)
    assert Decimal(str(rows[4][3])) == Decimal("10.5")


def test_it_is_recorded_with_its_reason(staff_client):
    table(staff_client, by="day")
    details = LogEntry.objects.get(action=LogEntry.Action.ACCESS).additional_data
    assert (details["reason"], details["count"]) == ("2월 정산", 5)
    assert details["what"] == "기간별 합계 2026-02-01~2026-02-28, 실거래, 일별"


@pytest.mark.parametrize(
    "change",
    [{"reason": ""}, {"first": "2026-03-01"}, {"first": "2020-01-01"}, {"by": "x"}, {"mode": "x"}, {"last": "\0"}],
)
def test_what_is_wrong_is_said(staff_client, change):
    answer = staff_client.post(SUMS, {**GIVEN, "by": "day", **change})
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert not LogEntry.objects.filter(action=LogEntry.Action.ACCESS).exists()


def test_only_those_who_may(person):
    for number, permissions in enumerate([["view_paymentsession"], ["export_paymentsession"]]):
        client = person(*permissions, username=f"person{number}")
        assert client.get(SUMS).status_code == 403
        assert client.post(SUMS, {**GIVEN, "by": "day"}).status_code == 403
