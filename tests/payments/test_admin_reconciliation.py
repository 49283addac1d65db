"""The pages of 대사: days, differences with both sides beside each other, and what staff do about them."""

import csv
import io
from datetime import date, timedelta

import pytest
from auditlog.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from payments import differences
from payments.admin import difference_words
from payments.models import Difference, DifferenceKind
from tests.payments.factories import (
    CallFactory,
    CancellationFactory,
    DeliveryFactory,
    DifferenceFactory,
    PaidSessionFactory,
    PaymentSessionFactory,
    ReconciliationFactory,
)

pytestmark = pytest.mark.django_db
DAYS = reverse("admin:payments_reconciliation_changelist")
LIST = reverse("admin:payments_difference_changelist")
EXPORT = reverse("admin:payments_difference_export")


def page(row, model="difference"):
    return reverse(f"admin:payments_{model}_change", args=[row.pk])


def button(name, row):
    return reverse(f"admin:payments_difference_{name}", args=[row.pk])


def shown(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def found(client, url=LIST, **query):
    return {row.pk for row in client.get(url, query).context["cl"].result_list}


@pytest.fixture
def run():
    return ReconciliationFactory(merchant__code="stripe-kr", merchant__mid="acct_kr")


class TestDays:
    def test_show_counts_and_what_came_out(self, staff_client, run):
        DifferenceFactory(run=run)
        said = shown(staff_client.get(DAYS))
        assert all(text in said for text in (str(run.day), "acct_kr", "120", "₩7,788,000", "차이 1건"))

    def test_by_outcome(self, staff_client, run):
        failed = ReconciliationFactory(state="FAILED")
        handled = DifferenceFactory(handled_at=timezone.now()).run
        closed = DifferenceFactory(closed_at=timezone.now()).run
        DifferenceFactory(run=run)
        assert found(staff_client, DAYS, outcome="todo") == {run.pk}
        assert found(staff_client, DAYS, outcome="FAILED") == {failed.pk}
        assert found(staff_client, DAYS, outcome="DONE") == {run.pk, handled.pk, closed.pk}

    def test_by_day_and_merchant(self, staff_client, run):
        before = ReconciliationFactory(merchant=run.merchant, day=run.day - timedelta(days=1))
        other = ReconciliationFactory()
        assert found(staff_client, DAYS, day_from=run.day, day_to=run.day) == {run.pk, other.pk}
        assert found(staff_client, DAYS, code="stripe-kr") == {run.pk, before.pk}

    def test_own_page_leads_to_the_differences_of_each_kind(self, staff_client, run):
        row = DifferenceFactory(run=run, kind="AMOUNT")
        DifferenceFactory(run=run, kind="STATE", handled_at=timezone.now())
        DifferenceFactory(kind="AMOUNT")
        answer = staff_client.get(page(run, "reconciliation"))
        counts = {one["kind"]: one for one in answer.context["counts"]}
        assert (counts["AMOUNT"]["open"], counts["STATE"]["handled"]) == (1, 1)
        (linked,) = staff_client.get(counts["AMOUNT"]["where"]).context["cl"].result_list
        assert linked == row

    def test_failed_day_says_why(self, staff_client):
        row = ReconciliationFactory(state="FAILED", code="http_503")
        said = shown(staff_client.get(page(row, "reconciliation")))
        assert "http_503" in said and "끝까지 받지 못했습니다" in said


class TestList:
    def test_shows_what_is_to_be_handled_with_both_sides(self, staff_client, run):
        row = DifferenceFactory(run=run, session=PaymentSessionFactory(merchant=run.merchant))
        DifferenceFactory(handled_at=timezone.now())
        DifferenceFactory(closed_at=timezone.now())
        assert found(staff_client) == {row.pk}
        said = shown(staff_client.get(LIST))
        for text in (row.session.reference, row.subject, "₩0", "결제 대기", "₩64,900", "완료", "acct_kr"):
            assert text in said

    def test_by_state_kind_day_and_merchant(self, staff_client, run):
        row = DifferenceFactory(run=run, kind="AMOUNT")
        handled = DifferenceFactory(handled_at=timezone.now())
        closed = DifferenceFactory(closed_at=timezone.now(), run__day=date(2026, 1, 1))
        assert found(staff_client, state="handled") == {handled.pk}
        assert found(staff_client, state="closed") == {closed.pk}
        assert found(staff_client, state="all") == {row.pk, handled.pk, closed.pk}
        assert found(staff_client, state="nonsense") == set()
        assert found(staff_client, state="all", kind__exact="AMOUNT") == {row.pk}
        assert found(staff_client, state="all", day_from="2026-01-01", day_to="2026-01-01") == {closed.pk}
        assert found(staff_client, state="all", code="stripe-kr") == {row.pk}
        assert found(staff_client, state="all", mode="live") == set()

    def test_finds_by_payment_and_by_the_gateways_number(self, staff_client):
        row, other = DifferenceFactory(), DifferenceFactory()
        for term in (row.session.reference, str(row.session.order), row.subject):
            assert found(staff_client, q=term) == {row.pk}
        assert found(staff_client, q="nothing") == set()
        assert found(staff_client) == {row.pk, other.pk}


class TestPage:
    @pytest.mark.parametrize("kind", DifferenceKind)
    def test_every_kind_says_what_to_do(self, staff_client, kind):
        row = DifferenceFactory(kind=kind)
        said = shown(staff_client.get(page(row))).replace("&#x27;", "'")
        assert str(difference_words.HINTS[kind]) in said
        assert row.get_kind_display() in said

    def test_marks_what_differs_and_nothing_else(self, staff_client):
        row = DifferenceFactory(kind="AMOUNT", session=PaidSessionFactory(paid=64000))
        sides = staff_client.get(page(row)).context["sides"]
        assert [(one, other) for _name, one, other, differs in sides if differs] == [("₩64,000", "₩64,900")]

    def test_refund_has_the_names_of_a_cancel(self, staff_client):
        cancel = CancellationFactory(state="DONE")
        row = DifferenceFactory(
            kind="REFUND_MISSING_THERE",
            session=cancel.session,
            cancellation=cancel,
            ours=differences.ours(cancel.session, cancel),
            theirs={},
        )
        said = shown(staff_client.get(page(row)))
        assert "취소 완료" in said and str(cancel.uuid) in said

    def test_payment_that_is_not_here_says_that_it_cannot_be_looked_at(self, staff_client):
        row = DifferenceFactory(kind="MISSING_HERE", session=None)
        said = shown(staff_client.get(page(row)))
        assert "기록이 없어" in said and button("look", row) not in said


class TestButtons:
    @pytest.fixture
    def row(self):
        return DifferenceFactory(session=PaymentSessionFactory())

    def test_look_again_makes_the_session_due(self, staff_client, row):
        answer = staff_client.post(button("look", row), follow=True)
        assert "다시 조회를 요청했습니다" in shown(answer)
        row.refresh_from_db()
        assert row.asked_at and row.session.due_at <= timezone.now()
        assert row.session.events.latest("pk").actor == "kim"

    @pytest.mark.parametrize("kind", ["WRONG_MID", "TEST_LIVE", "DUPLICATE"])
    def test_what_looking_cannot_settle_is_not_looked_at(self, staff_client, row, kind):
        Difference.objects.update(kind=kind)
        assert "풀리는 차이가 아닙니다" in shown(staff_client.post(button("look", row), follow=True))
        row.refresh_from_db()
        assert row.asked_at is None

    def test_payment_that_is_being_opened_waits(self, staff_client):
        row = DifferenceFactory(session=PaymentSessionFactory(gateway_id=""))
        CallFactory(session=row.session, state="SENDING", due_at=timezone.now())
        assert "만드는 중" in shown(staff_client.post(button("look", row), follow=True))

    def test_tell_again_sends_what_the_shop_has_not_accepted(self, staff_client, row):
        assert button("tell", row) not in shown(staff_client.get(page(row)))
        assert "받지 않은 통보가 없습니다" in shown(staff_client.post(button("tell", row), follow=True))
        delivery = DeliveryFactory(session=row.session, state="DEAD")
        assert button("tell", row) in shown(staff_client.get(page(row)))
        assert "재통보를 요청했습니다" in shown(staff_client.post(button("tell", row), follow=True))
        delivery.refresh_from_db()
        assert delivery.state == "WAITING"

    def test_handled_with_a_note(self, staff_client, row):
        assert "메모에 적어" in shown(staff_client.post(button("handle", row), follow=True))
        for note in ("확인\0함", "x" * 600, "전화 010-1234-5678"):
            answer = staff_client.post(button("handle", row), {"note": note})
            assert (answer.status_code, 'role="alert"' in shown(answer)) == (200, True)
        staff_client.post(button("handle", row), {"note": "확인함"})
        row.refresh_from_db()
        assert (row.handled_by, row.note) == ("kim", "확인함")

    def test_what_is_closed_needs_nothing(self, staff_client, row):
        Difference.objects.update(closed_at=timezone.now())
        said = shown(staff_client.get(page(row)))
        assert button("look", row) not in said and button("handle", row) not in said
        for name in ("look", "handle"):
            answer = staff_client.post(button(name, row), {"note": "늦음"}, follow=True)
            assert "이미 해소된" in shown(answer)

    def test_crafted_presses(self, staff_client, row):
        for name in ("look", "tell", "handle"):
            assert staff_client.get(button(name, row)).status_code == 405
            gone = reverse(f"admin:payments_difference_{name}", args=[10**15])
            assert staff_client.post(gone, {"note": "x"}).status_code == 404

    def test_viewers_see_no_button(self, person, row):
        viewer = person("view_difference", username="viewer")
        said = shown(viewer.get(page(row)))
        assert button("look", row) not in said and button("handle", row) not in said
        assert viewer.post(button("handle", row), {"note": "x"}).status_code == 403


class TestFile:
    def test_holds_both_sides_for_a_reason(self, staff_client, run):
        row = DifferenceFactory(run=run, kind="AMOUNT", session=PaidSessionFactory(merchant=run.merchant, paid=64000))
        DifferenceFactory(handled_at=timezone.now())
        assert "처리할 차이" in shown(staff_client.get(EXPORT))
        answer = staff_client.post(EXPORT, {"reason": "11월 대사", "kind": "csv"})
        text = b"".join(answer.streaming_content).decode().removeprefix("\ufeff")
        (line,) = csv.DictReader(io.StringIO(text))
        assert (line["대사일"], line["MID"], line["종류"]) == (str(row.day), "acct_kr", "금액 불일치")
        assert (line["PGB 금액"], line["PG사 금액"]) == ("64000", "64900")
        assert (line["PGB 결제번호"], line["PG사 거래번호"]) == (row.session.reference, row.subject)
        assert LogEntry.objects.latest("pk").additional_data["reason"] == "11월 대사"

    def test_only_for_those_who_may(self, person):
        assert person("view_difference", username="viewer").get(EXPORT).status_code == 403
