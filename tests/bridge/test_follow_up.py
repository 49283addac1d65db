"""What staff do about a difference of 대사, and what becomes of it then."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from bridge import reconcile, watch
from payments import attention, follow_up
from payments.models import Attention, Difference, Reconciliation
from payments.models import DifferenceKind as K
from payments.staff import NotPossible
from tests.bridge.two_books import open_ones, run


def real_day(world):
    """Reconcile the real day of payments made through the front door."""
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1), tick=True):
        reconcile.one_day("stripe", timezone.localdate() - timedelta(days=1))
    return Difference.objects.filter(closed_at=None)


def test_looking_again_books_what_is_true_tells_the_shop_and_closes_the_difference(world):
    world.start()
    world.pay_unheard()
    row = real_day(world).get()
    assert row.kind == K.STATE
    follow_up.look(row.pk, "kim")
    world.work()
    watch.once()
    row.refresh_from_db()
    assert (world.session().stage, world.told(), row.closed_at is None) == ("PAID", ["PayComplete"], False)


def test_refund_of_the_console_is_recorded_by_looking_again(world):
    world.start()
    world.pay()
    world.work()
    world.sandbox.stripe.refund(world.session().gateway_id, 900, silent=True)
    row = real_day(world).get()
    assert row.kind == K.REFUND_MISSING_HERE
    follow_up.look(row.pk, "kim")
    world.work()
    watch.once()
    assert (world.session().cancelled, open_ones()) == (900, set())


def test_payment_that_is_not_here_cannot_be_looked_at_until_it_is(books):
    payment = books.theirs()
    run(books)
    row = Difference.objects.get()
    with pytest.raises(NotPossible, match="기록이 없어"):
        follow_up.look(row.pk, "kim")
    reference = row.theirs["reference"]
    session = books.ours(stage="STANDBY", gateway_id=payment.session, reference=reference)
    books.flush()
    follow_up.look(row.pk, "kim")
    row.refresh_from_db()
    assert row.session.pk == session.pk


def test_handled_needs_a_note_and_keeps_who(books):
    books.theirs()
    run(books)
    row = Difference.objects.get()
    with pytest.raises(NotPossible, match="메모"):
        follow_up.handle(row.pk, "kim", note=" ")
    follow_up.handle(row.pk, "kim", note="환불함")
    run(books)
    row.refresh_from_db()
    assert (row.handled_by, row.note, row.closed_at) == ("kim", "환불함", None)


def test_open_differences_and_failures_are_one_matter_for_each_day(books):
    for _ in range(3):
        books.theirs()
    run(books)
    attention.sweep(timezone.now())
    matter = Attention.objects.get(kind="RECONCILIATION")
    assert (matter.subject, matter.facts["differences"]) == (Reconciliation.objects.get().pk, 3)
    for row in Difference.objects.all():
        follow_up.handle(row.pk, "kim", note="환불함")
    attention.sweep(timezone.now())
    assert Attention.objects.get(kind="RECONCILIATION").closed_at
    Reconciliation.objects.update(state="FAILED", code="http_500")
    attention.sweep(timezone.now())
    assert Attention.objects.get(kind="RECONCILIATION", closed_at=None).facts["code"] == "http_500"
