"""The pages of money going back: the cancel's two steps, the approval, the review, and the list of cancels."""

import csv
import io
from datetime import timedelta

import pytest
import time_machine
from auditlog.models import LogEntry
from axes.models import AccessAttempt
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.people import recent
from payments import powers
from payments.cancelling import version_of
from payments.models import Approval, ApprovalLimit, Cancellation, PaymentEvent, PaymentSession
from tests.factories import MerchantFactory
from tests.payments.factories import (
    ApprovalFactory,
    CallFactory,
    CancellationFactory,
    EventFactory,
    PaidSessionFactory,
)
from tests.payments.test_cancelling import Weak

pytestmark = pytest.mark.django_db
LIST = reverse("admin:payments_cancellation_changelist")


@pytest.fixture(autouse=True)
def _quick(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def enter(name, *roles, password=None):
    user = User.objects.create_user(name, password=password, is_staff=True)
    user.groups.set(Group.objects.filter(name__in=roles))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def operator():
    return enter("kim", "운영", password="a password of kim")


@pytest.fixture
def approver():
    return enter("lee", "승인", password="a password of lee")


def page(row):
    return reverse(f"admin:payments_{row._meta.model_name}_change", args=[row.pk])


def at(name, row, query=""):
    return reverse(f"admin:payments_{name}", args=[row.pk]) + query


def shown(answer):
    return answer.content.decode()


def wish(session, **more):
    return {"version": version_of(session), "reason": "고객 변심", "step": "do", **more}


class TestCancelPage:
    def test_a_part_is_confirmed_before_it_is_reserved(self, operator):
        session = PaidSessionFactory()
        url = at("cancel", session, "?part=yes")
        assert "₩64,900까지 취소할 수 있습니다" in shown(operator.get(url))
        asked = operator.post(url, wish(session, amount="10,000", step="check"))
        rows = {name: (before, after) for name, before, after in asked.context["rows"]}
        assert rows["잔액"] == ("₩64,900", "₩54,900")
        assert rows["취소 금액"] == ("₩0", "₩10,000")
        assert not Cancellation.objects.exists()
        done = operator.post(url, wish(session, amount="10,000"), follow=True)
        assert done.redirect_chain == [(page(session), 302)]
        row = Cancellation.objects.get()
        assert (row.amount, row.reason, row.requested_by, row.origin) == (10_000, "고객 변심", "kim", "STAFF")
        assert "₩10,000" in shown(done) and "요청됨" in shown(done)
        assert f'hx-get="{page(session)}"' in shown(done)

    def test_the_whole_takes_all_that_is_left(self, operator):
        session = CancellationFactory().session
        operator.post(at("cancel", session), wish(session))
        assert Cancellation.objects.latest("pk").amount == 54_900

    def test_a_second_press_makes_no_second_cancel(self, operator):
        session = PaidSessionFactory()
        sent = wish(session, amount="10000")
        for _ in range(2):
            answer = operator.post(at("cancel", session, "?part=yes"), sent, follow=True)
        assert Cancellation.objects.count() == 1
        assert "다른 취소가 진행 중" in shown(answer)

    def test_an_old_page_is_refused_in_words(self, operator):
        session = PaidSessionFactory()
        sent = wish(session, amount="10000")
        CancellationFactory(session=session)
        PaymentSession.objects.update(cancelled=10_000, stage="PARTIALLY_CANCELLED")
        answer = operator.post(at("cancel", session, "?part=yes"), sent, follow=True)
        assert "결제가 바뀌었습니다" in shown(answer)
        assert Cancellation.objects.count() == 1

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"amount": "0"}, "amount"),
            ({"amount": "64901"}, "amount"),
            ({"amount": "10.5"}, "amount"),
            ({"amount": "-1"}, "amount"),
            ({"amount": "만원"}, "amount"),
            ({"amount": ""}, "amount"),
            ({"reason": ""}, "reason"),
            ({"reason": "카드 4111-1111-1111-1111"}, "reason"),
            ({"reason": "010-9876-1234로 연락"}, "reason"),
            ({"reason": "x" * 201}, "reason"),
            ({"reason": "a\0b"}, "reason"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_done(self, operator, changes, field):
        session = PaidSessionFactory()
        answer = operator.post(at("cancel", session, "?part=yes"), wish(session, **{"amount": "10000", **changes}))
        assert answer.status_code == 200
        assert field in answer.context["form"].errors
        assert not Cancellation.objects.exists()

    def test_the_tax_free_part_is_asked_for_only_where_there_is_one(self, operator):
        plain, mixed = PaidSessionFactory(), PaidSessionFactory(tax_free=900)
        assert "tax_free" not in operator.get(at("cancel", plain, "?part=yes")).context["form"].fields
        url = at("cancel", mixed, "?part=yes")
        assert "면세 금액이 ₩900 남아" in shown(operator.get(url))
        wrong = operator.post(url, wish(mixed, amount="10000", tax_free="901"))
        assert "tax_free" in wrong.context["form"].errors
        operator.post(url, wish(mixed, amount="10000", tax_free="900"))
        assert Cancellation.objects.get().tax_free == 900

    def test_an_account_is_asked_for_only_where_the_method_needs_it_and_never_shown(self, operator, monkeypatch):
        session = PaidSessionFactory()
        assert "account" not in operator.get(at("cancel", session)).context["form"].fields
        monkeypatch.setattr(powers.GATEWAYS, "_ask", lambda _: Weak())
        account = {"bank": "국민은행", "account": "110-234-567890", "holder": "홍길동"}
        assert "account" in operator.post(at("cancel", session), wish(session)).context["form"].errors
        operator.post(at("cancel", session), wish(session, **account))
        row = Cancellation.objects.get()
        assert row.account == account and b"567890" not in bytes(row.sealed_account)
        for url in (page(session), page(row)):
            assert "567890" not in shown(operator.get(url)) and "홍길동" not in shown(operator.get(url))

    def test_what_is_not_possible_is_explained_on_the_payments_page(self, operator, approver):
        unpaid = PaidSessionFactory(stage="EXPIRED", paid=0)
        assert "결제된 돈이 없어" in shown(operator.get(page(unpaid)))
        assert "결제된 돈이 없어" in shown(operator.get(at("cancel", unpaid), follow=True))
        paid = PaidSessionFactory()
        assert at("cancel", paid) in shown(operator.get(page(paid)))
        viewed = shown(approver.get(page(paid)))
        assert at("cancel", paid) not in viewed and "운영" in viewed
        assert approver.get(at("cancel", paid)).status_code == 403
        assert approver.post(at("cancel", paid), wish(paid)).status_code == 403

    def test_a_method_without_partial_cancels_says_so(self, operator, monkeypatch):
        monkeypatch.setattr(powers.GATEWAYS, "_ask", lambda _: Weak())
        session = PaidSessionFactory()
        text = shown(operator.get(page(session)))
        assert "부분취소가 되지 않습니다" in text and "part=yes" not in text
        answer = operator.get(at("cancel", session, "?part=yes"), follow=True)
        assert "부분취소가 되지 않습니다" in shown(answer)

    @pytest.mark.parametrize(
        ("mode", "words"), [("live", "진짜 돈이 돌아갑니다"), ("test", "진짜 돈은 움직이지 않습니다")]
    )
    def test_it_says_whether_the_money_is_real(self, operator, mode, words):
        session = PaidSessionFactory(merchant=MerchantFactory(mode=mode))
        assert words in shown(operator.get(at("cancel", session)))


class TestAboveTheLimit:
    @pytest.fixture
    def session(self):
        ApprovalLimit.objects.update(amount=9_999)
        return PaidSessionFactory()

    def test_a_request_is_written_and_shown(self, operator, session):
        url = at("cancel", session, "?part=yes")
        asked = operator.post(url, wish(session, amount="10000", step="check"))
        assert "₩9,999" in shown(asked) and "다른 사람의 승인이 필요합니다" in shown(asked)
        done = operator.post(url, wish(session, amount="10000"), follow=True)
        assert "승인을 요청했습니다" in shown(done)
        approval = Approval.objects.get()
        assert page(approval) in shown(done)
        assert not Cancellation.objects.exists()

    def test_after_five_minutes_one_must_show_again_who_one_is(self, operator, session):
        url, sent = at("cancel", session, "?part=yes"), wish(session, amount="10000")
        with time_machine.travel(timezone.now() + recent.WITHIN):
            assert "proof-secret" in shown(operator.post(url, sent))
            wrong = operator.post(url, {**sent, "proof-secret": "wrong"})
            assert "비밀번호가 맞지 않습니다" in shown(wrong) and not Approval.objects.exists()
            operator.post(url, {**sent, "proof-secret": "a password of kim"})
        assert Approval.objects.get().requester.username == "kim"

    def test_wrong_secrets_lock_out_and_leave_no_trace_of_what_was_typed(self, operator, session):
        url, sent = at("cancel", session, "?part=yes"), wish(session, amount="10000")
        with time_machine.travel(timezone.now() + recent.WITHIN):
            for _ in range(5):
                operator.post(url, {**sent, "proof-secret": "wrong", "account": "110-234-567890"})
            answer = operator.post(url, {**sent, "proof-secret": "a password of kim"})
        assert "잠겼습니다" in shown(answer) and not Approval.objects.exists()
        kept = " ".join(f"{row.post_data} {row.get_data}" for row in AccessAttempt.objects.all())
        assert kept and "wrong" not in kept and "567890" not in kept


class TestApprovalPage:
    def test_a_second_person_approves_and_the_cancel_runs(self, operator, approver):
        approval = ApprovalFactory(requester=User.objects.get(username="kim"))
        assert at("decide", approval) in shown(approver.get(page(approval)))
        answer = approver.post(at("decide", approval), {"approve": "1"}, follow=True)
        assert "승인했습니다" in shown(answer)
        row = Cancellation.objects.get()
        assert (row.requested_by, row.approved_by) == ("kim", "lee")

    def test_the_requester_sees_no_buttons_but_may_withdraw(self, operator):
        user = User.objects.get(username="kim")
        user.groups.add(Group.objects.get(name="승인"))
        approval = ApprovalFactory(requester=user)
        text = shown(operator.get(page(approval)))
        assert at("decide", approval) not in text and at("withdraw", approval) in text
        answer = operator.post(at("decide", approval), {"approve": "1"}, follow=True)
        assert "스스로 승인하거나 반려할 수 없습니다" in shown(answer)
        assert not Cancellation.objects.exists()
        operator.post(at("withdraw", approval))
        assert Approval.objects.get().state == "WITHDRAWN"

    def test_only_the_requester_withdraws(self, operator, approver):
        approval = ApprovalFactory()
        assert approver.post(at("withdraw", approval)).status_code == 404
        assert Approval.objects.get().state == "WAITING"

    def test_a_rejection_needs_its_reason(self, approver):
        approval = ApprovalFactory()
        assert "까닭을 적어" in shown(approver.post(at("decide", approval), {"reject": "1"}, follow=True))
        approver.post(at("decide", approval), {"reject": "1", "note": "금액 확인"})
        assert (Approval.objects.get().state, Approval.objects.get().note) == ("REJECTED", "금액 확인")

    def test_of_a_payment_that_changed_it_does_nothing(self, approver):
        approval = ApprovalFactory()
        PaymentSession.objects.update(generation=1)
        assert "효력을 잃습니다" in shown(approver.get(page(approval)))
        answer = approver.post(at("decide", approval), {"approve": "1"}, follow=True)
        assert "다시 요청하세요" in shown(answer)
        assert (Approval.objects.get().state, Cancellation.objects.count()) == ("STALE", 0)

    def test_after_five_minutes_one_must_show_again_who_one_is(self, approver):
        approval = ApprovalFactory()
        with time_machine.travel(timezone.now() + recent.WITHIN):
            answer = approver.post(at("decide", approval), {"approve": "1"})
            assert answer.status_code == 200 and Approval.objects.get().state == "WAITING"
            wrong = approver.post(at("decide", approval), {"approve": "1", "proof-secret": "a password of kim"})
            assert "비밀번호가 맞지 않습니다" in shown(wrong)
            approver.post(at("decide", approval), {"approve": "1", "proof-secret": "a password of lee"})
        assert Approval.objects.get().state == "APPROVED"

    def test_the_menu_counts_what_waits(self, approver):
        assert "pgb-badge" not in shown(approver.get(LIST))
        ApprovalFactory()
        ApprovalFactory(state="STALE")
        assert '<span class="pgb-badge" title="승인 대기">1</span>' in shown(approver.get(LIST))

    @pytest.mark.parametrize("name", ["decide", "withdraw"])
    def test_no_button_is_a_link_and_a_row_that_is_not_there_is_none(self, staff_client, name):
        assert staff_client.get(at(name, ApprovalFactory())).status_code == 405
        assert staff_client.post(reverse(f"admin:payments_{name}", args=[404])).status_code == 404


class TestReviewPage:
    @pytest.fixture
    def session(self):
        session = PaidSessionFactory(stage="REVIEW", reason="WRONG_AMOUNT", amount=70_000, paid=64_900, attention=True)
        facts = {"expected": 70_000, "verified": 64_900, "found_amount": 64_900, "found_currency": "KRW"}
        EventFactory(session=session, kind="review", actor="gateway", facts=facts)
        return session

    def test_expected_and_found_stand_side_by_side_with_what_can_be_done(self, operator, session):
        assert at("review", session) in shown(operator.get(page(session)))
        answer = operator.get(at("review", session))
        first = answer.context["checks"][0]
        assert (first.expected, first.verified, first.same) == ("₩70,000", "₩64,900", False)
        assert [choice.value for choice in answer.context["possible"]] == ["ACCEPT", "CLOSED", "MARK"]
        assert "들어온 돈이 있습니다" in shown(answer)
        assert at("cancel", session) in shown(answer)

    def test_accepting_takes_a_second_person(self, operator, approver, session):
        sent = {"version": version_of(session), "choice": "ACCEPT", "reason": "구매자와 금액을 확인함"}
        operator.post(at("review", session), sent)
        approval = Approval.objects.get()
        assert (approval.kind, approval.amount, approval.state) == ("ACCEPT", 64_900, "WAITING")
        assert PaymentSession.objects.get().decision == ""
        approver.post(at("decide", approval), {"approve": "1"})
        row = PaymentSession.objects.get()
        assert (row.decision, row.stage) == ("ACCEPTED", "REVIEW")
        assert row.due_at <= timezone.now()

    def test_its_cancel_takes_a_second_person_whatever_the_sum(self, operator, session):
        ApprovalLimit.objects.update(amount=10**9)
        operator.post(at("cancel", session), wish(session))
        assert (Approval.objects.get().kind, Cancellation.objects.count()) == ("CANCEL", 0)

    def test_resolving_asks_for_a_statement_while_money_is_there(self, operator, session):
        sent = {"version": version_of(session), "choice": "CLOSED", "reason": "계좌로 돌려줌"}
        assert "직접 처리했으면" in shown(operator.post(at("review", session), sent, follow=True))
        operator.post(at("review", session), {**sent, "stated": "on"})
        assert PaymentSession.objects.get().decision == "CLOSED"
        assert PaymentEvent.objects.latest("pk").facts == {"decision": "CLOSED", "note": "계좌로 돌려줌"}

    def test_a_mark_is_taken_off_with_a_reason(self, operator):
        session = PaidSessionFactory(attention=True, disputed=True)
        assert at("review", session) in shown(operator.get(page(session)))
        sent = {"version": version_of(session), "choice": "MARK", "reason": "분쟁 서류를 보냄"}
        operator.post(at("review", session), {**sent, "reason": ""})
        assert PaymentSession.objects.get().attention
        operator.post(at("review", session), sent)
        row = PaymentSession.objects.get()
        assert (row.attention, row.stage, row.disputed) == (False, "PAID", True)

    def test_an_old_page_is_refused(self, operator, session):
        sent = {"version": version_of(session), "choice": "MARK", "reason": "확인함", "stated": "on"}
        PaymentSession.objects.update(generation=1)
        assert "결제가 바뀌었습니다" in shown(operator.post(at("review", session), sent, follow=True))
        assert PaymentSession.objects.get().attention

    @pytest.mark.parametrize("choice", ["REFUNDED", "FAILED", "nonsense", ""])
    def test_what_is_not_offered_is_refused(self, operator, session, choice):
        sent = {"version": version_of(session), "choice": choice, "reason": "확인함", "stated": "on"}
        assert operator.post(at("review", session), sent).status_code == 200
        assert PaymentSession.objects.get().decision == ""

    def test_of_a_payment_that_needs_nobody_there_is_none(self, operator):
        session = PaidSessionFactory()
        assert at("review", session) not in shown(operator.get(page(session)))
        assert "처리할 것이 없습니다" in shown(operator.get(at("review", session), follow=True))

    def test_only_for_those_who_may(self, approver, session):
        assert at("review", session) not in shown(approver.get(page(session)))
        assert approver.get(at("review", session)).status_code == 403

    def test_a_cancel_that_nobody_can_tell_of_offers_two_answers(self, operator):
        cancel = CancellationFactory(state="UNKNOWN")
        CallFactory(
            session=cancel.session, kind="CANCEL", cancellation=cancel, state="UNKNOWN", due_at=timezone.now(),
            code="a_person_decides",
        )  # fmt: skip
        answer = operator.get(at("review", cancel.session))
        assert [choice.value for choice in answer.context["possible"]] == ["REFUNDED", "NOT_REFUNDED"]


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


class TestLimits:
    def test_the_boss_types_an_amount_as_people_write_it_and_it_is_in_the_history(self, staff_client):
        row = ApprovalLimit.objects.get(role="운영", currency="USD")
        url = reverse("admin:payments_approvallimit_change", args=[row.pk])
        assert staff_client.get(url).context["adminform"].form.initial["amount"] == "500.00"
        staff_client.post(url, {"role": "운영", "currency": "USD", "amount": "1,234.50"})
        row.refresh_from_db()
        assert row.amount == 123_450
        assert LogEntry.objects.filter(object_pk=str(row.pk), content_type__model="approvallimit").exists()

    @pytest.mark.parametrize("amount", ["", "-1", "10.5", "x"])
    def test_nonsense_is_refused(self, staff_client, amount):
        row = ApprovalLimit.objects.get(role="운영", currency="KRW")
        url = reverse("admin:payments_approvallimit_change", args=[row.pk])
        assert staff_client.post(url, {"role": "운영", "currency": "KRW", "amount": amount}).status_code == 200
        assert ApprovalLimit.objects.get(pk=row.pk).amount == row.amount
