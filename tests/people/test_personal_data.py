"""개인정보 보기: by permission, for a reason, recorded, once."""

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from tests.payments.factories import BUYER, PaidSessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def kim(client):
    """Somebody who may see personal data."""
    user = User.objects.create(username="kim", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_paymentsession", "view_personal_data"]))
    client.force_login(user)
    return user


@pytest.fixture
def session():
    return PaidSessionFactory()


def button(session):
    return reverse("admin:payments_personal_data", args=[session.pk])


def page(session):
    return reverse("admin:payments_paymentsession_change", args=[session.pk])


def shown(answer):
    return {name for name, value in BUYER.items() if value in answer.content.decode()}


def looks():
    return LogEntry.objects.filter(action=LogEntry.Action.ACCESS)


def test_a_reason_opens_it_and_is_recorded(client, kim, session):
    assert shown(client.get(page(session))) == set() and button(session) in client.get(page(session)).content.decode()
    asked = client.post(button(session))
    assert shown(asked) == set() and not looks().exists()
    told = client.post(button(session), {"reason": "환불 계좌 확인"})
    assert shown(told) == set(BUYER)
    assert "no-store" in told["Cache-Control"] and "private" in told["Cache-Control"]
    entry = looks().get()
    assert (entry.actor, entry.object_id, entry.additional_data["reason"]) == (kim, session.pk, "환불 계좌 확인")
    assert shown(client.get(page(session))) == set()


@pytest.mark.parametrize("reason", ["", "   ", "x", "가" * 201, "\0\0\0\0\0"])
def test_no_reason_no_data(client, kim, session, reason):
    assert shown(client.post(button(session), {"reason": reason})) == set()
    assert not looks().exists()


def test_an_address_alone_opens_nothing(client, kim, session):
    assert client.get(button(session), {"reason": "환불 계좌 확인"}).status_code == 405


@pytest.mark.parametrize("rights", [["view_paymentsession", "change_paymentsession"], ["view_personal_data"]])
def test_others_are_refused_and_see_no_button(client, kim, session, rights):
    kim.user_permissions.set(Permission.objects.filter(codename__in=rights))
    assert client.post(button(session), {"reason": "환불 계좌 확인"}).status_code == 403
    assert button(session) not in client.get(page(session)).content.decode()
    assert not looks().exists()


def test_a_payment_without_a_buyer_says_so(client, kim, session):
    nobody = PaidSessionFactory(buyer=None)
    assert "구매자 정보가 없습니다" in client.post(button(nobody), {"reason": "환불 계좌 확인"}).content.decode()
    assert client.post(reverse("admin:payments_personal_data", args=[999_999])).status_code == 404
