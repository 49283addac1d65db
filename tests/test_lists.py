"""Every list of the back office stays quick: the same few queries for ten rows and for ten thousand."""

import pytest
from auditlog.models import LogEntry
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from merchants.models import PaymentMethod
from payments.models import ApprovalLimit
from tests.crowd import crowd
from tests.factories import ConnectionFactory, MerchantFactory, ShopFactory
from tests.installments.factories import NoticeFactory
from tests.payments.factories import (
    ApprovalFactory,
    AttentionFactory,
    CancellationFactory,
    DeliveryFactory,
    DifferenceFactory,
    NotificationFactory,
    PaidSessionFactory,
    ReconciliationFactory,
)

MANY = 10_000
MOST_QUERIES = 12


def entry():
    """A line of the history."""
    MerchantFactory()
    return LogEntry.objects.latest("pk")


# For each list: a first row, and what must differ in its copies.
LISTS = {
    "auth.user": (lambda: User.objects.create(username="lee"), {}),
    "people.historyentry": (entry, {}),
    "auth.group": (lambda: Group.objects.create(name="team"), {}),
    "merchants.shop": (ShopFactory, {"joiner_id": "10000 + n"}),
    "merchants.merchant": (MerchantFactory, {"mid": "'acct_many_' || n"}),
    "merchants.paymentmethod": (lambda: PaymentMethod.objects.get(pk="CARD"), {}),
    "merchants.methodconnection": (ConnectionFactory, {"priority": "1000 + n"}),
    "installments.interestfreenotice": (
        lambda: NoticeFactory(min_amount=1, max_amount=1),
        {"min_amount": "n", "max_amount": "n"},
    ),
    "payments.reconciliation": (ReconciliationFactory, {"day": "row.day - n"}),
    "payments.difference": (DifferenceFactory, {"subject": "'pi_many_' || n"}),
    "payments.attention": (AttentionFactory, {"subject": "row.subject + n"}),
    "payments.paymentsession": (PaidSessionFactory, {"stage": "'EXPIRED'", "gateway_id": "'cs_many_' || n"}),
    "payments.approval": (lambda: ApprovalFactory(state="STALE"), {}),
    "payments.approvallimit": (ApprovalLimit.objects.first, {"role": "'role ' || n"}),
    "payments.cancellation": (
        CancellationFactory,
        {"balance_before": "n", "gateway_cancel_id": "'re_many_' || n", "request_id": "''"},
    ),
    "payments.notification": (NotificationFactory, {"dedupe_key": "'evt_many_' || n"}),
    "payments.delivery": (DeliveryFactory, {"sequence": "n", "cause": "'many ' || n"}),
}


def label(model):
    return f"{model._meta.app_label}.{model._meta.model_name}"


def test_every_list_is_measured():
    assert {label(model) for model in admin.site._registry} == set(LISTS)


@pytest.mark.django_db
@pytest.mark.parametrize("name", LISTS)
def test_ten_thousand_rows_cost_no_more_queries_than_ten(admin_client, name):
    first, changes = LISTS[name]
    row = first()
    crowd(row, 2, 10, **changes)
    url = reverse(f"admin:{name.replace('.', '_')}_changelist")
    few = queries(admin_client, url)
    crowd(row, 11, MANY, **changes)
    many = queries(admin_client, url)
    assert many == few <= MOST_QUERIES


def queries(client, url):
    client.get(url)  # what is kept for a while, such as the site's permissions, is read once
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)
