"""Requests of staff that no page of ours sends: refused, never an error of ours."""

import pytest
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from merchants.models import Merchant, MethodConnection, PaymentMethod, Shop
from payments.models import ApprovalLimit
from tests.factories import ConnectionFactory

MODELS = [Shop, Merchant, PaymentMethod, MethodConnection, User, Group, ApprovalLimit]
ODD = ["x", "\0", "1\0", "1.5", "-1", "결", "NaN", "9" * 30, " ", "_00"]


@pytest.fixture
def staff(db):
    """A superuser, whose errors of ours are answers."""
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create(username="kim", is_staff=True, is_superuser=True))
    return client


def page(model, view, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


@pytest.mark.parametrize("model", MODELS)
def test_a_key_that_is_none_names_no_row(staff, model):
    ConnectionFactory()
    before = model.objects.count()
    for odd in ODD:
        answers = [staff.get(page(model, view, odd)) for view in ("change", "delete", "history")]
        chosen = {"action": "delete_selected", "_selected_action": [odd], "post": "yes"}
        answers.append(staff.post(page(model, "changelist"), chosen))
        assert [answer.status_code for answer in answers if answer.status_code >= 500] == [], repr(odd)
    assert model.objects.count() == before


@pytest.mark.parametrize("model", MODELS)
def test_a_condition_that_is_none_is_refused(staff, model):
    for name in (
        "pk",
        "pk__in",
        "id__gt",
        "q",
        "p",
        "o",
        "name",
        "name__regex",
        "nation",
        "currency",
        "merchant__gateway",
        "e",
    ):
        for odd in [*ODD, "(", "[\\"]:
            before = transaction.savepoint()  # what the database refuses ends a transaction, here the test's
            answer = staff.get(page(model, "changelist"), {name: odd})
            transaction.savepoint_rollback(before)
            assert answer.status_code < 500, f"{name}={odd!r}"


def test_a_connection_to_no_merchant_is_refused(staff):
    for odd in ODD:
        answer = staff.post(page(MethodConnection, "add"), {"merchant": odd})
        assert answer.status_code == 200, repr(odd)
    assert not MethodConnection.objects.exists()
