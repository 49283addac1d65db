"""Stored bodies are emptied after a while; what is still needed is not."""

from datetime import timedelta

from django.utils import timezone

from payments.models import Approval, Cancellation, GatewayCall, Notification
from payments.retention import empty_bodies
from tests.payments.factories import ApprovalFactory, CancellationFactory


def test_old_bodies_are_emptied_and_their_hash_stays(world):
    world.start(1)
    world.pay(1)
    world.work()
    soon = timezone.now() + timedelta(seconds=1)
    notices = Notification.objects.count()

    assert empty_bodies(soon - timedelta(days=1)) == 0
    assert empty_bodies(soon) == notices + 1
    assert empty_bodies(soon) == 0
    assert all(row.body is None and row.body_sha256 for row in Notification.objects.all())
    assert GatewayCall.objects.get().body is None


def test_what_is_not_worked_off_keeps_its_body(world):
    world.start(1)
    world.pay(1)
    GatewayCall.objects.update(state="UNKNOWN", due_at=timezone.now())
    assert empty_bodies(timezone.now() + timedelta(seconds=1)) == 0


def test_the_account_of_a_buyer_is_kept_until_his_money_is_there(db):
    account = {"bank": "088", "account": "110-123-456789", "holder": "kim"}
    ended, under_way = CancellationFactory(account=account), CancellationFactory(account=account, state="PENDING")
    asked = ApprovalFactory(account=account, state="STALE")
    assert empty_bodies(timezone.now() + timedelta(seconds=1)) == 2
    assert Approval.objects.get(pk=asked.pk).account is None
    assert Cancellation.objects.get(pk=ended.pk).account is None
    assert Cancellation.objects.get(pk=under_way.pk).account == account
