"""The pages behind 전액취소 and 부분취소."""

import pytest
import time_machine
from axes.models import AccessAttempt
from django.utils import timezone

from config.people import recent
from payments import powers
from payments.models import Approval, ApprovalLimit, Cancellation, PaymentSession
from tests.factories import MerchantFactory
from tests.payments.factories import (
    CancellationFactory,
    PaidSessionFactory,
)
from tests.payments.office import at, page, shown, wish
from tests.payments.test_staff_cancels import Weak

pytestmark = pytest.mark.django_db


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
            ({"amount": "10,50"}, "amount"),
            ({"amount": "1,0000"}, "amount"),
            ({"amount": ",100"}, "amount"),
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
