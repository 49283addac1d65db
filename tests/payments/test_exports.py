"""결제내역: its filters, their totals, and the file for a reason."""

import csv
import io
import re
import zipfile
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from auditlog.models import LogEntry
from django.urls import reverse
from openpyxl import load_workbook

from payments.admin import exports, sheets
from payments.admin.sheets import FileKind
from payments.models import PaymentSession
from tests.factories import MerchantFactory
from tests.payments.factories import BUYER, OrderFactory, PaidSessionFactory, PaymentSessionFactory
from tests.sql import statements

pytestmark = pytest.mark.django_db
SEOUL = ZoneInfo("Asia/Seoul")
MIDNIGHT = datetime(2026, 3, 2, tzinfo=SEOUL)
LIST = reverse("admin:payments_paymentsession_changelist")
EXPORT = reverse("admin:payments_export")
GIVEN = {"reason": "3월 매출 정산", "kind": "csv"}


def listed(client, **query):
    answer = client.get(LIST, query)
    assert answer.status_code == 200
    return answer.context["cl"]


def taken(client, query="", **changes):
    return client.post(f"{EXPORT}?{query}", {**GIVEN, **changes})


def table(answer):
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


class TestFilters:
    def test_by_merchant_method_shop_and_currency(self, staff_client):
        won = PaidSessionFactory(merchant__code="won", order__shop__db_type="KR1")
        yen = PaidSessionFactory(merchant__code="yen", merchant__currency="JPY", method="KONBINI")
        for query, found in [
            ({"code": "won"}, [won]),
            ({"method": "KONBINI"}, [yen]),
            ({"currency": "JPY"}, [yen]),
            ({"shop": str(won.order.shop_id)}, [won]),
            ({"shop": "9" * 30}, []),
            ({"shop": "one"}, []),
            ({"code": "won", "method": "KONBINI"}, []),
        ]:
            assert list(listed(staff_client, **query).result_list) == found, query

    def test_by_the_days_of_payment_in_their_order(self, staff_client):
        late, early = (
            PaidSessionFactory(paid_at=MIDNIGHT + timedelta(hours=hours), created_at=MIDNIGHT - timedelta(hours=hours))
            for hours in (20, 1)
        )
        PaidSessionFactory(paid_at=MIDNIGHT - timedelta(seconds=1))
        found = listed(staff_client, paid_at_from="2026-03-02", paid_at_to="2026-03-02")
        assert list(found.result_list) == [late, early]

    def test_each_end_of_a_period_has_a_label(self, staff_client):
        shown = staff_client.get(LIST).content.decode()
        assert re.search(r'<label[^>]*>이날부터 <input type="date" name="paid_at_from"', shown)
        assert re.search(r'<label[^>]*>이날까지 <input type="date" name="paid_at_to"', shown)

    def test_queries_do_not_grow_with_rows(self, staff_client):
        query = {"paid_at_from": "2026-03-02", "mode": "test", "method": "CARD"}
        merchant, order = MerchantFactory(), OrderFactory()
        PaidSessionFactory.create_batch(10, merchant=merchant, paid_at=MIDNIGHT)
        with statements() as few:
            listed(staff_client, **query)
        rows = PaidSessionFactory.build_batch(
            1100, order=order, merchant=merchant, paid_at=MIDNIGHT, stage="REVIEW", buyer=None
        )
        PaymentSession.objects.bulk_create(rows)
        with statements() as many:
            assert listed(staff_client, **query).result_count == 1110
        assert len(many) == len(few) <= 12


class TestTotals:
    def test_of_all_that_was_found_not_of_the_page(self, staff_client, monkeypatch):
        monkeypatch.setattr("payments.admin.base.RecordAdmin.list_per_page", 1)
        PaidSessionFactory(cancelled=900, stage="PARTIALLY_CANCELLED")
        PaymentSessionFactory()
        PaidSessionFactory(merchant__mode="live")
        (total,) = listed(staff_client, mode="test").totals
        assert total == {
            "currency": "KRW",
            "count": 2,
            "asked": "₩129,800",
            "paid": "₩64,900",
            "cancelled": "₩900",
            "net": "₩64,000",
        }

    def test_only_of_what_was_chosen(self, staff_client):
        session = PaidSessionFactory()
        with statements() as sent:
            assert "기간이나 조건을 고르면" in staff_client.get(LIST).content.decode()
        assert [sql for sql in sent if "sum(" in sql.lower()] == []
        assert "순거래액" in staff_client.get(LIST, {"q": session.reference}).content.decode()

    def test_too_many_are_said_to_be(self, staff_client, monkeypatch):
        monkeypatch.setattr(exports.sums, "of_rows", lambda rows: None)
        assert "10만 건이 넘어" in staff_client.get(LIST, {"mode": "test"}).content.decode()


class TestFile:
    def test_has_what_the_filter_finds_and_is_recorded_with_its_reason(self, staff_client):
        dollars = PaidSessionFactory(
            merchant__currency="USD", merchant__code="usd", amount=1050, paid_at=MIDNIGHT, order__order_id=70001
        )
        PaidSessionFactory()
        (row,) = table(taken(staff_client, "code=usd&paid_at_from=2026-03-02"))
        wanted = {
            "결제번호": dollars.reference,
            "주문번호": "70001",
            "통화": "USD",
            "결제 금액": "10.50",
            "순거래액": "10.50",
            "단계": "결제 완료",
            "결제 시각": "2026-03-02 00:00:00",
        }
        assert {name: row[name] for name in wanted} == wanted
        entry = LogEntry.objects.get(action=LogEntry.Action.ACCESS)
        assert entry.actor.username == "kim"
        assert entry.additional_data["count"] == 1
        assert entry.additional_data["reason"] == "3월 매출 정산"
        assert "결제 시각 2026-03-02" in entry.additional_data["what"]
        assert "usd" in entry.additional_data["what"]

    def test_amounts_are_numbers_and_times_times_in_excel(self, staff_client):
        PaidSessionFactory(paid_at=MIDNIGHT, cancelled=900, stage="PARTIALLY_CANCELLED")
        answer = taken(staff_client, kind="xlsx")
        titles, cells = load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active.iter_rows(values_only=True)
        row = dict(zip(titles, cells, strict=True))
        assert (row["결제 금액"], row["취소 금액"], row["순거래액"]) == (64_900, 900, 64_000)
        assert row["결제 시각"] == datetime(2026, 3, 2)

    def test_holds_nothing_of_the_buyer(self, staff_client):
        session = PaidSessionFactory(description="홍길동 명함")
        text = b"".join(taken(staff_client).streaming_content).decode()
        for secret in (*BUYER.values(), "홍길동", session.return_token, session.page_url):
            assert secret not in text

    @pytest.mark.parametrize("reason", ["", "   ", "abc"])
    def test_without_a_reason_there_is_none(self, staff_client, reason):
        PaidSessionFactory()
        answer = taken(staff_client, reason=reason)
        assert not answer.streaming
        assert 'role="alert"' in answer.content.decode()
        assert not LogEntry.objects.filter(action=LogEntry.Action.ACCESS).exists()

    def test_too_many_rows_are_refused_in_words(self, staff_client, monkeypatch):
        monkeypatch.setitem(exports.MOST_ROWS, FileKind.CSV, 2)
        PaidSessionFactory.create_batch(3)
        assert "2건까지입니다" in taken(staff_client).content.decode()
        assert not LogEntry.objects.filter(action=LogEntry.Action.ACCESS).exists()
        assert len(table(taken(staff_client, f"q={PaymentSession.objects.first().reference}"))) == 1

    def test_only_those_who_may(self, person):
        PaidSessionFactory()
        viewer = person("view_paymentsession", username="viewer")
        assert (viewer.get(EXPORT).status_code, taken(viewer).status_code) == (403, 403)
        assert "payments/paymentsession/export" not in viewer.get(LIST, {"mode": "test"}).content.decode()
        blind = person("export_paymentsession", username="blind")
        assert taken(blind).status_code == 403
        exporter = person("view_paymentsession", "export_paymentsession", username="exporter")
        assert len(table(taken(exporter))) == 1
        assert "payments/paymentsession/export" in exporter.get(LIST).content.decode()

    @pytest.mark.parametrize("query", ["stage__exact=%00", "return_token__startswith=a", "attention__exact=x%00"])
    def test_crafted_filters_are_refused(self, staff_client, query):
        assert taken(staff_client, query).status_code == 400
        assert staff_client.get(f"{EXPORT}?{query}").status_code == 400

    def test_an_unknown_kind_of_file(self, staff_client):
        assert not taken(staff_client, kind="exe").streaming


class TestFormulas:
    HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]

    @pytest.mark.parametrize("text", HOSTILE)
    def test_text_is_never_one(self, text):
        (row,) = table(sheets.answer(FileKind.CSV, "x", ["a"], [[text]]))
        assert row["a"] == f"'{text}"
        file = b"".join(sheets.answer(FileKind.XLSX, "x", ["a"], [[text]]).streaming_content)
        cell = load_workbook(io.BytesIO(file)).active["A2"]
        assert cell.data_type == "s"
        assert b"<f>" not in zipfile.ZipFile(io.BytesIO(file)).read("xl/worksheets/sheet1.xml")

    def test_a_negative_number_stays_one(self):
        (row,) = table(sheets.answer(FileKind.CSV, "x", ["a"], [[-5]]))
        assert row["a"] == "-5"
