"""Stored bodies are emptied after a while; what is still needed is not."""

from datetime import timedelta

from django.utils import timezone

from payments.models import GatewayCall, Notification
from payments.retention import empty_bodies


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
