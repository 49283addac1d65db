"""The pages of 확인 필요: what is to be done, and who has it in hand."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from payments import attention
from payments.admin import advice
from payments.models import Attention, AttentionKind, Circuit, GatewayCall, StaffAlert
from payments.states import Reason
from tests.factories import MerchantFactory, ShopFactory
from tests.payments.factories import (
    ApprovalFactory,
    CallFactory,
    CancellationFactory,
    DeliveryFactory,
    DifferenceFactory,
    NotificationFactory,
    PaidSessionFactory,
    PaymentSessionFactory,
)
from tests.sql import statements

pytestmark = pytest.mark.django_db
LIST = reverse("admin:payments_attention_changelist")


def own_page(row):
    return reverse("admin:payments_attention_change", args=[row.pk])


def button(row):
    return reverse("admin:payments_handle", args=[row.pk])


def shown(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def found(client, **query):
    return [row.subject for row in client.get(LIST, query).context["cl"].result_list]


@pytest.fixture
def one_of_each(db):
    """A row of every kind."""
    now, before = timezone.now(), timezone.now() - timedelta(hours=1)
    PaidSessionFactory(stage="REVIEW", reason="DOUBLE_PAYMENT", attention=True)
    CallFactory(state="UNKNOWN", due_at=now, first_sent_at=before, code="http_500")
    ApprovalFactory()
    DeliveryFactory(state="DEAD")
    NotificationFactory(session=None, merchant=MerchantFactory(), attention=True)
    PaymentSessionFactory(due_at=now, attempts=9)
    for kind, lane in (("account", MerchantFactory().pk), ("shop", ShopFactory().pk)):
        Circuit.objects.create(kind=kind, lane=lane, failures=5, failing_since=before)
    for days in (-1, 10):
        MerchantFactory(credentials_expire_on=timezone.localdate() + timedelta(days=days))
    DifferenceFactory()
    attention.sweep(now)
    return {row.kind: row for row in Attention.objects.all()}


def test_every_kind_says_what_it_is_what_to_do_and_where(staff_client, one_of_each):
    assert set(one_of_each) == set(AttentionKind.values)
    page = shown(staff_client.get(LIST))
    for row in one_of_each.values():
        where = advice.page(row)
        assert staff_client.get(where).status_code == 200
        for text in (row.get_kind_display(), advice.what(row), advice.hint(row), f'href="{where}"'):
            assert str(text).replace("'", "&#x27;") in page, row.kind
        own = shown(staff_client.get(own_page(row)))
        assert f'href="{where}"' in own
        assert advice.what(row) in own


def test_every_reason_of_a_review_has_its_own_hint():
    hints = [advice.hint(Attention(kind="PAYMENT", facts={"reason": reason})) for reason in Reason.values]
    assert all(hints) and len(set(hints)) == len(hints)


class TestList:
    def test_shows_what_is_to_be_done(self, staff_client):
        new, in_hand, done, closed = (Attention.objects.create(
            kind="NOTICE", subject=number, since=timezone.now(), handling=handling, closed_at=closed_at
        ) for number, (handling, closed_at) in enumerate(
            [("NEW", None), ("IN_HAND", None), ("DONE", None), ("NEW", timezone.now())]
        ))  # fmt: skip
        assert found(staff_client) == [in_hand.subject, new.subject]
        assert found(staff_client, state="DONE") == [done.subject]
        assert found(staff_client, state="closed") == [closed.subject]
        assert len(found(staff_client, state="all")) == 4
        assert found(staff_client, state="nonsense") == []

    def test_by_kind_and_mode(self, staff_client, one_of_each):
        assert found(staff_client, kind__exact="SHOP") == [one_of_each["SHOP"].subject]
        assert found(staff_client, mode__exact="live") == []

    def test_takes_as_many_queries_for_much_as_for_little(self, staff_client, monkeypatch):
        monkeypatch.setattr("payments.admin.base.RecordAdmin.list_per_page", 1000)
        for many in (10, 1000):
            rows = [
                Attention(kind="SHOP", subject=many * 10 + number, since=timezone.now(), facts={"shop": "KR1"})
                for number in range(many - Attention.objects.count())
            ]
            Attention.objects.bulk_create(rows)
            with statements() as sent:
                assert len(found(staff_client)) == many
            assert len(sent) <= 8

    def test_says_when_staff_cannot_be_told(self, staff_client):
        alert = StaffAlert.objects.create(channel="MAIL", subject="x", body="x", due_at=timezone.now(), attempts=2)
        assert "직원 알림을 보내지 못하고" not in shown(staff_client.get(LIST))
        StaffAlert.objects.filter(pk=alert.pk).update(attempts=3)
        assert "직원 알림을 보내지 못하고" in shown(staff_client.get(LIST))


class TestButtons:
    def test_a_call_in_doubt_and_a_payment_offer_a_look_and_an_end(self, person, one_of_each):
        operator = person("view_attention", "change_paymentsession", "cancel_paymentsession", username="operator")
        viewer = person("view_attention", username="viewer")
        only_a_look = shown(operator.get(own_page(one_of_each["CALL"])))
        assert (only_a_look.count("/look-again/"), only_a_look.count("/review/")) == (1, 0)
        call = GatewayCall.objects.get(state="UNKNOWN")
        cancel = CancellationFactory(session=call.session, state="UNKNOWN")
        GatewayCall.objects.filter(pk=call.pk).update(kind="CANCEL", cancellation=cancel, code="a_person_decides")
        for kind in ("CALL", "PAYMENT"):
            pk = advice.payment(one_of_each[kind])
            addresses = [reverse(f"admin:payments_{name}", args=[pk]) for name in ("look_again", "review")]
            assert all(address in shown(operator.get(own_page(one_of_each[kind]))) for address in addresses)
            assert not any(address in shown(viewer.get(own_page(one_of_each[kind]))) for address in addresses)

    @pytest.fixture
    def row(self, one_of_each):
        return one_of_each["SHOP"]

    def test_in_hand_and_done_in_the_name_of_who_pressed(self, staff_client, row):
        for handling, note, label in [("IN_HAND", "", "확인 중"), ("DONE", "상점에 알림", "처리함")]:
            answer = staff_client.post(button(row), {"handling": handling, "note": note}, follow=True)
            assert answer.redirect_chain == [(own_page(row), 302)]
            assert f"{label} · kim" in shown(answer)
            row.refresh_from_db()
            assert (row.handling, row.handled_by, row.note) == (handling, "kim", note)

    def test_done_without_a_note_is_refused_in_words(self, staff_client, row):
        assert "메모에 적어" in shown(staff_client.post(button(row), {"handling": "DONE"}, follow=True))
        row.refresh_from_db()
        assert row.handling == "NEW"

    def test_only_for_those_who_may(self, person, row):
        viewer = person("view_attention", username="viewer")
        assert button(row) not in shown(viewer.get(own_page(row)))
        assert viewer.post(button(row), {"handling": "IN_HAND"}).status_code == 403
        assert person(username="stranger").get(LIST).status_code == 403
        staff_member = person("view_attention", "change_attention", username="lee")
        assert button(row) in shown(staff_member.get(own_page(row)))
        assert staff_member.post(button(row), {"handling": "IN_HAND"}).status_code == 302
        row.refresh_from_db()
        assert row.handled_by == "lee"

    def test_crafted_presses(self, staff_client, row):
        assert staff_client.get(button(row)).status_code == 405
        assert staff_client.post(reverse("admin:payments_handle", args=[10**15])).status_code == 404
        for note in ("a\0b", "x" * 1000, "전화 010-1234-5678"):
            answer = staff_client.post(button(row), {"handling": "\0", "note": note})
            assert (answer.status_code, 'role="alert"' in shown(answer)) == (200, True)
        row.refresh_from_db()
        assert (row.handling, row.note) == ("NEW", "")


def test_a_search_that_no_page_offers_finds_nothing(admin_client, one_of_each):
    assert found(admin_client, q="a") == []
