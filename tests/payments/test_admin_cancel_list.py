"""취소내역: the list of cancels, its totals and its files."""

import csv
import io
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from tests.factories import MerchantFactory
from tests.payments.factories import (
    CallFactory,
    CancellationFactory,
    EventFactory,
    PaidSessionFactory,
)
from tests.payments.office import page, shown

pytestmark = pytest.mark.django_db
LIST = reverse("admin:payments_cancellation_changelist")


class TestList:
    def found(self, client, **query):
        return [row.pk for row in client.get(LIST, query).context["cl"].result_list]

    @pytest.fixture
    def rows(self):
        now = timezone.now()
        yen = PaidSessionFactory(merchant=MerchantFactory(currency="JPY", mode="live"), method="KONBINI", amount=900)
        return [
            CancellationFactory(requested_at=now - timedelta(days=40), ended_at=now - timedelta(days=39)),
            CancellationFactory(session=yen, amount=900, state="PENDING", origin="SHOP", ended_at=None),
            CancellationFactory(state="REFUSED", origin="POLICY"),
        ]

    def test_is_filtered_by_what_its_payment_is(self, staff_client, rows):
        old, yen, refused = (row.pk for row in rows)
        assert self.found(staff_client) == [refused, yen, old]
        assert self.found(staff_client, mode="live") == [yen]
        assert self.found(staff_client, method="KONBINI") == [yen]
        assert self.found(staff_client, currency="JPY") == [yen]
        assert self.found(staff_client, code=rows[1].session.merchant.code) == [yen]
        assert self.found(staff_client, shop=rows[0].session.order.shop_id) == [old]
        assert self.found(staff_client, state__exact="REFUSED") == [refused]
        assert self.found(staff_client, origin__exact="SHOP") == [yen]
        today = timezone.localdate().isoformat()
        assert self.found(staff_client, requested_at_from=today) == [refused, yen]
        assert self.found(staff_client, ended_at_to=(timezone.localdate() - timedelta(days=30)).isoformat()) == [old]

    def test_is_searched_by_payment_and_by_its_own_numbers(self, staff_client, rows):
        for row in rows:
            for term in (row.session.reference, str(row.uuid), row.gateway_cancel_id, str(row.session.order)):
                assert self.found(staff_client, q=term) == [row.pk], term
        assert self.found(staff_client, q="nonsense") == []

    def test_totals_of_what_was_found_by_currency(self, staff_client, rows):
        totals = staff_client.get(LIST, {"mode": "test"}).context["cl"].totals
        assert [(one["currency"], one["count"], one["done"], one["asked"]) for one in totals] == [
            ("KRW", 2, "₩10,000", "₩20,000")
        ]

    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_is_downloaded_for_a_reason_that_is_recorded(self, operator, rows, kind):
        url = reverse("admin:payments_cancellation_export") + "?state__exact=DONE"
        assert not operator.post(url, {"kind": kind, "reason": ""}).streaming
        answer = operator.post(url, {"kind": kind, "reason": "3월 정산"})
        body = b"".join(answer.streaming_content)
        if kind == "csv":
            lines = list(csv.reader(io.StringIO(body.decode().removeprefix("\ufeff"))))
            assert (len(lines), lines[0][0], lines[1][0]) == (2, "취소번호", str(rows[0].uuid))
            assert "10000" in lines[1] and "취소 완료" in lines[1]
        details = LogEntry.objects.get(action=LogEntry.Action.ACCESS).additional_data
        assert (details["reason"], details["count"]) == ("3월 정산", 1)

    def test_only_those_who_may_download(self, approver, rows):
        assert "내려받기" not in shown(approver.get(LIST))
        assert approver.get(reverse("admin:payments_cancellation_export")).status_code == 403

    def test_a_cancels_page_shows_its_call_and_messages(self, staff_client, rows):
        cancel = rows[0]
        CallFactory(session=cancel.session, kind="CANCEL", cancellation=cancel, code="ok")
        EventFactory(session=cancel.session, kind="cancelled", facts={"cancel": str(cancel.uuid), "amount": 10_000})
        EventFactory(session=cancel.session, kind="cancelled", facts={"cancel": "another"})
        answer = staff_client.get(page(cancel))
        assert [line.title for line in answer.context["lines"]] == ["PG 호출: 취소", "취소 완료"]
        assert page(cancel.session) in shown(answer)

    def test_what_pgb_cancelled_by_itself_says_why_in_words(self, operator):
        cancel = CancellationFactory(origin="POLICY", reason="DOUBLE_PAYMENT")
        url = reverse("admin:payments_cancellation_export")
        file = b"".join(operator.post(url, {"kind": "csv", "reason": "3월 정산"}).streaming_content).decode()
        for said in (shown(operator.get(page(cancel))), shown(operator.get(page(cancel.session))), file):
            assert "중복 결제" in said
            assert "DOUBLE_PAYMENT" not in said
