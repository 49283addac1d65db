"""확인 필요 처리: what a person can do about money that is not as it should be."""

import pytest
from django.utils import timezone

from payments.cancelling import version_of
from payments.models import Approval, ApprovalLimit, Cancellation, PaymentEvent, PaymentSession
from tests.payments.factories import (
    CallFactory,
    CancellationFactory,
    EventFactory,
    PaidSessionFactory,
)
from tests.payments.office import at, page, shown, wish

pytestmark = pytest.mark.django_db


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
