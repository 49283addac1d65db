"""확인 필요 처리: what a person can do about money that is not as it should be."""

import pytest
from django.utils import timezone

from payments.models import Approval, ApprovalLimit, Cancellation, GatewayCall, PaymentEvent, PaymentSession
from payments.staff_cancels import version_of
from tests.payments.factories import (
    ApprovalFactory,
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
        answer = operator.post(at("review", session), sent)
        assert answer.context["form"].errors.keys() == {"stated"}
        assert "계좌로 돌려줌" in shown(answer), "what was typed stays"
        operator.post(at("review", session), {**sent, "stated": "on"})
        assert PaymentSession.objects.get().decision == "CLOSED"
        assert PaymentEvent.objects.latest("pk").facts == {"decision": "CLOSED", "note": "계좌로 돌려줌"}

    def test_money_of_another_currency_is_not_cancelled_here_nor_ended_without_a_statement(self, operator):
        session = PaidSessionFactory(stage="REVIEW", reason="WRONG_CURRENCY", paid=0, attention=True)
        assert "다른 통화로 결제되어" in shown(operator.get(at("review", session)))
        for choice in ("CLOSED", "FAILED", "MARK"):
            sent = {"version": version_of(session), "choice": choice, "reason": "확인함"}
            assert operator.post(at("review", session), sent).context["form"].errors.keys() == {"stated"}

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

    def test_what_is_not_possible_just_now_is_said_once(self, operator, session):
        ApprovalFactory(session=session, kind="ACCEPT")
        answer = operator.get(at("review", session))
        assert answer.context["possible"] == []
        assert answer.context["obstacle"] in shown(answer)
        assert "처리하기" not in shown(answer)

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


class TestWhatThePageOfThePaymentSays:
    def hint(self, operator, session):
        return str(operator.get(page(session)).context["hint"])

    def test_that_a_person_let_it_pass_not_that_all_was_as_asked_for(self, operator):
        session = PaidSessionFactory(paid=64_800)
        assert "같음을 확인했습니다" in self.hint(operator, session)
        EventFactory(session=session, kind="decision_carried_out", facts={"decision": "ACCEPTED", "code": ""})
        assert "직원이 정상 결제로 인정" in self.hint(operator, session)

    def test_that_it_is_disputed_or_marked(self, operator):
        assert "분쟁 중" in self.hint(operator, PaidSessionFactory(disputed=True, attention=True))
        assert "직원이 확인할 일" in self.hint(operator, PaidSessionFactory(attention=True))

    def test_that_money_is_left_of_what_staff_closed(self, operator):
        session = PaidSessionFactory(stage="CANCELLED", reason="WRONG_AMOUNT", cancelled=0)
        assert "직원이 취소로 닫은 결제" in shown(operator.get(page(session)))

    def test_that_a_person_must_tell_of_a_cancel(self, operator):
        cancel = CancellationFactory(state="UNKNOWN")
        call = CallFactory(
            session=cancel.session, kind="CANCEL", cancellation=cancel, state="UNKNOWN", due_at=timezone.now()
        )
        assert "조회해 확인하고 있습니다" in self.hint(operator, cancel.session)
        GatewayCall.objects.filter(pk=call.pk).update(code="a_person_decides")
        assert "'확인 필요 처리'에서 고르세요" in self.hint(operator, cancel.session)

    def test_why_a_decision_was_not_carried_out_in_words(self, operator):
        session = PaidSessionFactory()
        facts = {"decision": "REFUNDED", "code": "not_in_doubt_any_more"}
        EventFactory(session=session, kind="decision_not_possible", facts=facts)
        said = shown(operator.get(page(session)))
        assert "그사이 취소의 결과가 확인됨" in said and "not_in_doubt_any_more" not in said
