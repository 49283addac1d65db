"""Who may do what: every page and button of the back office, for every role.

The pages are walked from the site itself: one that is new must be named here before anything passes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLResolver, reverse
from django.utils import timezone

from config.people.models import HistoryEntry
from config.people.roles import ROLES
from merchants.models import PaymentMethod
from payments.models import ApprovalLimit, Attention
from tests.factories import ConnectionFactory, MerchantFactory, ShopFactory
from tests.installments.factories import NoticeFactory
from tests.payments.factories import (
    ApprovalFactory,
    CancellationFactory,
    DeliveryFactory,
    DifferenceFactory,
    NotificationFactory,
)

pytestmark = pytest.mark.django_db

BOSS, NOBODY = "최고관리자", "역할 없음"
ALL = {*ROLES, BOSS}
WORK, SET_UP, AUDIT, APPROVE = {"운영", BOSS}, {"설정", BOSS}, {"감사", BOSS}, {"승인", BOSS}
ACTORS = [*ROLES, BOSS, NOBODY]


@dataclass(frozen=True)
class Rights:
    """Who views, adds, changes and deletes the rows of a table."""

    view: set[str]
    add: frozenset[str] | set[str] = frozenset()
    change: frozenset[str] | set[str] = frozenset()
    delete: frozenset[str] | set[str] = frozenset()


TABLES = {
    "merchants.Shop": Rights(ALL, {BOSS}, {BOSS}, {BOSS}),
    "merchants.Merchant": Rights(ALL, SET_UP, SET_UP, SET_UP),
    "merchants.MethodConnection": Rights(ALL, SET_UP, SET_UP, SET_UP),
    "merchants.PaymentMethod": Rights(ALL, {BOSS}, SET_UP, {BOSS}),
    "installments.InterestFreeNotice": Rights(ALL, SET_UP, SET_UP, SET_UP),
    "payments.PaymentSession": Rights(ALL),
    "payments.Cancellation": Rights(ALL),
    "payments.Approval": Rights(ALL),
    "payments.ApprovalLimit": Rights(ALL, {BOSS}, {BOSS}, {BOSS}),
    "payments.Notification": Rights(ALL),
    "payments.Delivery": Rights(ALL),
    "payments.Attention": Rights(ALL),
    "payments.Reconciliation": Rights(ALL),
    "payments.Difference": Rights(ALL),
    "people.HistoryEntry": Rights(AUDIT),
    "auth.User": Rights(AUDIT, {BOSS}, {BOSS}),
    "auth.Group": Rights(AUDIT, {BOSS}, {BOSS}, {BOSS}),
}
# What is no view, add, change or delete of a row: its method, and who may.
BUTTONS = {
    "merchants_check": ("POST", SET_UP),
    "merchants_copy": ("GET", SET_UP),
    "merchants_connection_matrix": ("GET", ALL),
    "merchants_connection_switch": ("POST", SET_UP),
    "installments_copy": ("GET", SET_UP),
    "installments_preview": ("GET", ALL),
    "installments_sample": ("GET", SET_UP),
    "installments_preview_frame": ("GET", ALL),
    "installments_preview_notices": ("GET", ALL),
    "installments_interestfreenotice_import": ("GET", SET_UP),
    "installments_interestfreenotice_process_import": ("POST", SET_UP),
    "installments_interestfreenotice_export": ("GET", SET_UP),
    "payments_handle": ("POST", WORK),
    "payments_difference_look": ("POST", WORK),
    "payments_difference_tell": ("POST", WORK),
    "payments_difference_handle": ("POST", WORK),
    "payments_difference_export": ("GET", WORK),
    "payments_send_again": ("POST", WORK),
    "payments_look_again": ("POST", WORK),
    "payments_personal_data": ("POST", WORK),
    "payments_sums": ("GET", WORK),
    "payments_export": ("GET", WORK),
    "payments_cancellation_export": ("GET", WORK),
    "payments_cancel": ("GET", WORK),
    "payments_review": ("GET", WORK),
    "payments_decide": ("POST", APPROVE),
    "payments_withdraw": ("POST", ALL),
    "people_unlock": ("POST", {BOSS}),
    "people_reset_two_factor": ("POST", {BOSS}),
    "auth_user_password_change": ("GET", {BOSS}),
}
# Of the site as a whole: who is in may open them, and they show no more than the tables above.
SITE = {
    "index", "login", "login_code", "login_set_up", "logout", "password_change", "password_change_done",
    "autocomplete", "jsi18n", "view_on_site", "app_list", "search",
}  # fmt: skip
STANDARD = ("changelist", "add", "change", "delete", "history")


def names(patterns: list) -> Iterator[str]:
    """The names of all addresses of the site."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from names(pattern.url_patterns)
        elif pattern.name:
            yield pattern.name


@pytest.fixture
def rows():
    """A row of each table that nothing else needs, by the table's name."""
    delivery = DeliveryFactory()
    found = {
        "merchants.Shop": ShopFactory(db_type="XX"),
        "merchants.Merchant": MerchantFactory(),
        "merchants.MethodConnection": ConnectionFactory(),
        "merchants.PaymentMethod": PaymentMethod.objects.get(code="KONBINI"),
        "installments.InterestFreeNotice": NoticeFactory(),
        "payments.PaymentSession": delivery.session,
        "payments.Cancellation": CancellationFactory(),
        "payments.Approval": ApprovalFactory(),
        "payments.ApprovalLimit": ApprovalLimit.objects.first(),
        "payments.Notification": NotificationFactory(),
        "payments.Delivery": delivery,
        "payments.Reconciliation": (difference := DifferenceFactory()).run,
        "payments.Difference": difference,
        "payments.Attention": Attention.objects.create(kind="NOTICE", subject=1, since=timezone.now()),
        "auth.User": User.objects.create(username="somebody", is_staff=True),
        "auth.Group": Group.objects.create(name="우리 역할"),
    }
    return {**found, "people.HistoryEntry": HistoryEntry.objects.latest("pk")}


@pytest.fixture
def enter(db):
    def log_in(role):
        user = User.objects.create(username="kim", is_staff=True, is_superuser=role == BOSS)
        user.groups.set(Group.objects.filter(name=role))
        client = Client(raise_request_exception=True)
        client.force_login(user)
        return client

    return log_in


def test_the_table_names_every_page():
    assert {model._meta.label for model in admin.site._registry} == set(TABLES)
    standard = {f"{label.lower().replace('.', '_')}_{view}" for label in TABLES for view in STANDARD}
    assert set(names(admin.site.urls[0])) - standard - SITE == set(BUTTONS)


def page_name(label, view):
    return f"admin:{label.lower().replace('.', '_')}_{view}"


def allowed(answer):
    return answer.status_code not in (401, 403)


@pytest.mark.parametrize("role", ACTORS)
def test_tables(enter, rows, role):
    client = enter(role)
    wrong = []
    for label, rights in TABLES.items():
        row = [rows[label].pk]
        answers = {
            "list": (client.get(reverse(page_name(label, "changelist"))), rights.view),
            "view": (client.get(reverse(page_name(label, "change"), args=row)), rights.view),
            "history": (client.get(reverse(page_name(label, "history"), args=row)), rights.view),
            "add": (client.get(reverse(page_name(label, "add"))), rights.add),
            "delete": (client.get(reverse(page_name(label, "delete"), args=row)), rights.delete),
            "change": (client.post(reverse(page_name(label, "change"), args=row), {}), rights.change),
        }
        wrong += [(label, what) for what, (answer, who) in answers.items() if allowed(answer) != (role in who)]
    assert wrong == []


@pytest.mark.parametrize("role", ACTORS)
def test_buttons(enter, rows, role):
    client = enter(role)
    about = {
        "merchants_check": "merchants.Merchant",
        "merchants_copy": "merchants.Merchant",
        "payments_handle": "payments.Attention",
        "payments_difference_look": "payments.Difference",
        "payments_difference_tell": "payments.Difference",
        "payments_difference_handle": "payments.Difference",
        "payments_send_again": "payments.Delivery",
        "payments_look_again": "payments.PaymentSession",
        "payments_cancel": "payments.PaymentSession",
        "payments_review": "payments.PaymentSession",
        "payments_decide": "payments.Approval",
        "payments_withdraw": "payments.Approval",
        "payments_personal_data": "payments.PaymentSession",
        "people_unlock": "auth.User",
        "people_reset_two_factor": "auth.User",
        "auth_user_password_change": "auth.User",
    }
    wrong = []
    for name, (method, who) in BUTTONS.items():
        url = reverse(f"admin:{name}", args=[rows[about[name]].pk] if name in about else [])
        answer = client.generic(method, url)
        if allowed(answer) != (role in who):
            wrong.append((name, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("role", ACTORS)
def test_the_menu_offers_what_the_role_may_see(enter, rows, role):
    page = enter(role).get(reverse("admin:index")).content.decode()
    for label, rights in TABLES.items():
        address = f'href="{reverse(page_name(label, "changelist"))}"'
        # One is reached from the connections, the other from the days of 대사.
        if label not in ("merchants.PaymentMethod", "payments.Difference"):
            assert (address in page) == (role in rights.view), label


def test_who_has_no_role_for_a_page_is_told_whom_to_ask(client):
    client.force_login(User.objects.create_user("kim", is_staff=True))
    answer = client.get(reverse("admin:auth_user_changelist"))
    assert answer.status_code == 403
    assert "최고관리자에게 요청하세요" in answer.content.decode()
