"""The pages of a second person, and the limits above which there must be one."""

import pytest
import time_machine
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils import timezone

from config.people import recent
from payments.models import Approval, ApprovalLimit, Cancellation, PaymentSession
from tests.payments.factories import (
    ApprovalFactory,
)
from tests.payments.office import at, page, shown

pytestmark = pytest.mark.django_db
LIST = reverse("admin:payments_cancellation_changelist")


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
