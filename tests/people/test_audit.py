"""What is recorded of people, and that nobody changes it afterwards."""

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import RequestFactory

from merchants import audit
from merchants.models import Shop
from tests.factories import ShopFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_of_kim():
    request = RequestFactory().post("/admin/", headers={"x-forwarded-for": "203.0.113.9"}, REMOTE_ADDR="10.0.0.7")
    request.user = User.objects.create(username="kim", email="kim@example.com", is_staff=True)
    return request


def test_an_export_is_recorded(request_of_kim):
    audit.record_export(request_of_kim, Shop, "2026-11, KR1", 812, " 정산 ")
    entry = LogEntry.objects.get(action=LogEntry.Action.ACCESS)
    assert (entry.actor.username, entry.content_type.model, entry.object_repr) == ("kim", "shop", "2026-11, KR1")
    assert entry.additional_data == {"kind": "export", "what": "2026-11, KR1", "count": 812, "reason": "정산"}


def test_a_look_at_personal_data_is_recorded(request_of_kim):
    shop = ShopFactory(joiner_id=1001)
    audit.record_access(request_of_kim, shop, "CS 문의")
    entry = LogEntry.objects.get(action=LogEntry.Action.ACCESS)
    assert (entry.actor.username, entry.object_id, entry.object_repr) == ("kim", shop.pk, "KR1/1001")
    assert entry.additional_data == {"kind": "personal_data", "reason": "CS 문의"}


def test_the_address_is_that_of_the_connection_not_what_a_header_says(request_of_kim):
    audit.record_export(request_of_kim, Shop, "-", 0, "x")
    assert LogEntry.objects.latest("pk").remote_addr == "10.0.0.7"


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_nothing_goes_out_without_a_reason(request_of_kim, reason):
    with pytest.raises(ValueError, match="without a reason"):
        audit.record_export(request_of_kim, Shop, "-", 0, reason)
    with pytest.raises(ValueError, match="without a reason"):
        audit.record_access(request_of_kim, request_of_kim.user, reason)


@pytest.mark.parametrize(
    "write",
    [
        lambda rows: rows.update(object_repr="another"),
        lambda rows: rows.delete(),
        lambda rows: rows.get().actor.delete(),
    ],
)
def test_the_database_refuses_to_rewrite_it(request_of_kim, write):
    audit.record_export(request_of_kim, Shop, "-", 0, "x")
    rows = LogEntry.objects.filter(action=LogEntry.Action.ACCESS)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        write(rows)
