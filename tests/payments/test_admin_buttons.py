"""The buttons of the back office, its first page and its menu."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from payments.models import Delivery, PaymentEvent, PaymentSession
from tests.payments.factories import (
    CallFactory,
    DeliveryFactory,
    EventFactory,
    NotificationFactory,
    PaidSessionFactory,
    PaymentSessionFactory,
)

pytestmark = pytest.mark.django_db


def look_button(session):
    return reverse("admin:payments_look_again", args=[session.pk])


def send_button(delivery):
    return reverse("admin:payments_send_again", args=[delivery.pk])


def page(row):
    return reverse(f"admin:payments_{row._meta.model_name}_change", args=[row.pk])


def shown(answer):
    return answer.content.decode()


class TestLookAgain:
    def test_the_button_plans_a_look_in_the_name_of_who_pressed_it(self, staff_client):
        session = PaidSessionFactory()
        assert f'action="{look_button(session)}"' in shown(staff_client.get(page(session)))
        answer = staff_client.post(look_button(session), follow=True)
        assert answer.redirect_chain == [(page(session), 302)]
        assert "다시 조회를 요청했습니다" in shown(answer)
        assert PaymentSession.objects.get().due_at <= timezone.now()
        assert PaymentEvent.objects.values_list("kind", "actor").get() == ("look_requested", "kim")

    def test_the_page_watches_while_the_look_is_due(self, staff_client):
        session = PaidSessionFactory()
        watching = f'hx-get="{page(session)}"'
        assert watching not in shown(staff_client.get(page(session)))
        assert watching in shown(staff_client.post(look_button(session), follow=True))
        PaymentSession.objects.update(due_at=timezone.now() - timedelta(minutes=1))
        assert watching not in shown(staff_client.get(page(session)))

    def test_a_session_that_never_opened_has_an_explanation_instead(self, staff_client):
        session = PaymentSessionFactory(gateway_id="", stage="FAILED", reason="GATEWAY_REFUSED")
        text = shown(staff_client.get(page(session)))
        assert look_button(session) not in text
        assert "만들어지지 않은 결제" in text
        assert "만들어지지 않은 결제" in shown(staff_client.post(look_button(session), follow=True))
        assert PaymentSession.objects.get().due_at is None


class TestSendAgain:
    @pytest.mark.parametrize("origin", ["delivery", "session"])
    def test_the_button_makes_the_message_due_and_leads_back(self, staff_client, origin):
        delivery = DeliveryFactory(state="DEAD")
        row = delivery if origin == "delivery" else delivery.session
        text = shown(staff_client.get(page(row)))
        assert f'action="{send_button(delivery)}"' in text
        assert f'name="from" value="{origin}"' in text
        answer = staff_client.post(send_button(delivery), {"from": origin}, follow=True)
        assert answer.redirect_chain == [(page(row), 302)]
        assert "재통보를 요청했습니다" in shown(answer)
        assert Delivery.objects.get().state == "WAITING"
        assert PaymentEvent.objects.values_list("kind", "actor").get() == ("resend_requested", "kim")

    def test_a_message_under_way_is_left_alone_with_an_explanation(self, staff_client):
        delivery = DeliveryFactory(due_at=timezone.now() + timedelta(seconds=15), lease_token=uuid4())
        assert send_button(delivery) not in shown(staff_client.get(page(delivery)))
        assert "지금 상점에 통보하는 중입니다" in shown(staff_client.post(send_button(delivery), follow=True))
        assert not PaymentEvent.objects.exists()


class TestWhoMayPress:
    @pytest.fixture(params=[look_button, send_button])
    def button(self, request):
        delivery = DeliveryFactory(state="DEAD")
        return request.param(delivery.session if request.param is look_button else delivery)

    def test_who_may_only_view_sees_no_button_and_presses_none(self, person, button):
        viewer = person("view_paymentsession", "view_delivery")
        for row in (PaymentSession.objects.get(), Delivery.objects.get()):
            assert "-again/" not in shown(viewer.get(page(row)))
        assert viewer.post(button).status_code == 403
        assert not PaymentEvent.objects.exists()

    def test_who_may_change_payments_sends_no_messages_and_the_other_way_round(self, person):
        delivery = DeliveryFactory(state="DEAD")
        looker = person("view_paymentsession", "change_paymentsession", username="looker")
        sender = person("view_paymentsession", "change_delivery", username="sender")
        assert looker.post(send_button(delivery)).status_code == 403
        assert sender.post(look_button(delivery.session)).status_code == 403
        assert send_button(delivery) not in shown(looker.get(page(delivery.session)))
        assert look_button(delivery.session) not in shown(sender.get(page(delivery.session)))
        assert looker.post(look_button(delivery.session)).status_code == 302
        assert sender.post(send_button(delivery)).status_code == 302

    def test_a_stranger_is_sent_to_the_door(self, client, button):
        assert client.post(button)["Location"].startswith(reverse("admin:login"))

    def test_a_button_is_not_pressed_by_a_link_or_by_another_site(self, staff_client, button):
        assert staff_client.get(button).status_code == 405
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = staff_client.cookies
        assert strict.post(button).status_code == 403
        assert not PaymentEvent.objects.exists()

    def test_a_row_that_is_not_there(self, staff_client):
        for name in ("look", "send"):
            assert staff_client.post(reverse(f"admin:payments_{name}_again", args=[404])).status_code == 404


class TestPaymentPage:
    def test_what_was_asked_for_stands_beside_what_was_verified(self, staff_client):
        session = PaidSessionFactory(stage="REVIEW", reason="WRONG_AMOUNT", paid=6490, attention=True)
        facts = {"expected": 64900, "verified": 6490, "found_amount": 6490, "found_currency": "KRW"}
        facts |= {"found_reference": session.reference, "found_livemode": True}
        EventFactory(session=session, kind="review", actor="gateway", facts=facts)
        answer = staff_client.get(page(session))
        checks = [(check.expected, check.verified, check.same) for check in answer.context["checks"]]
        assert checks == [
            ("₩64,900", "₩6,490", False),
            ("KRW", "KRW", True),
            (session.reference, session.reference, True),
            ("테스트", "실거래", False),
        ]
        assert "금액 불일치" in shown(answer)

    @pytest.mark.parametrize(
        ("kind", "facts", "same"), [("opened", {}, None), ("paid", {"expected": 64900, "verified": 64900}, True)]
    )
    def test_nothing_counts_as_verified_before_it_was(self, staff_client, kind, facts, same):
        session = EventFactory(kind=kind, facts=facts).session
        assert {check.same for check in staff_client.get(page(session)).context["checks"]} == {same}

    def test_all_that_happened_stands_in_the_order_of_time(self, staff_client):
        now = timezone.now()
        at = [now - timedelta(minutes=9 - step) for step in range(9)]
        session = PaidSessionFactory(due_at=now + timedelta(hours=2))
        DeliveryFactory(session=session, created_at=at[4], due_at=now + timedelta(hours=1))
        EventFactory(session=session, at=at[3], kind="paid")
        NotificationFactory(session=session, received_at=at[2])
        CallFactory(session=session, created_at=at[0], first_sent_at=at[1])
        EventFactory(session=session, at=at[0])
        titles = [line.title for line in staff_client.get(page(session)).context["lines"]]
        assert titles == [
            "결제 세션 생성",
            "PG 호출: 결제 시작",
            "웹훅: checkout.session.completed",
            "결제 확인",
            "상점 통보: 결제 완료",
            "상점 통보: 결제 완료",
            "PG사에 조회",
        ]

    def test_other_payments_of_the_order_are_linked(self, staff_client):
        paid = PaidSessionFactory()
        other = PaymentSessionFactory(order=paid.order, stage="EXPIRED", reason="REPLACED")
        assert page(other) in shown(staff_client.get(page(paid)))


class TestMenu:
    def test_the_menu_has_only_what_one_may_view(self, person):
        text = shown(person("view_delivery").get(reverse("admin:index")))
        assert reverse("admin:payments_delivery_changelist") in text
        assert reverse("admin:payments_paymentsession_changelist") not in text
        assert reverse("admin:auth_user_changelist") not in text

    def test_it_speaks_korean_to_an_english_browser(self, staff_client):
        text = shown(staff_client.get(reverse("admin:index")))
        assert 'lang="ko"' in text
        assert "로그아웃" in text

    @pytest.mark.parametrize("name", ["auth_user", "auth_group"])
    def test_pages_of_people_open(self, staff_client, name):
        assert staff_client.get(reverse(f"admin:{name}_changelist")).status_code == 200
        assert staff_client.get(reverse(f"admin:{name}_add")).status_code == 200
