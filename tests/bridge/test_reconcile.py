"""대사: a day of our books held against the gateway's own list, stored, and repeated."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from bridge import drains, lists, reconcile
from merchants.models import MethodConnection
from payments import reconciling
from payments.models import Difference, DifferenceKind, Reconciliation
from tests.bridge.seeds import Seeds
from tests.bridge.two_books import open_ones, run

K = DifferenceKind


def lists_asked(world):
    return sum(call.operation == "report" for call in world.sandbox.stripe.books.calls)


# --- what is found ------------------------------------------------------------------------------


def test_every_way_to_differ_is_one_row_however_often_it_is_seen(books):
    ways = Seeds(books, books.merchant("stripe-other")).ways()
    assert set(ways) == set(K)
    planted = {(kind, make()) for kind, makes in ways.items() for make in makes}
    assert run(books) == planted
    first = dict(Difference.objects.values_list("pk", "seen_at"))
    assert run(books) == planted
    second = dict(Difference.objects.values_list("pk", "seen_at"))
    assert set(second) == set(first)
    assert all(second[pk] > seen_at for pk, seen_at in first.items())


def test_what_is_alike_is_counted(books):
    for _ in range(3):
        books.both()
    books.both_back()
    books.theirs(reference="")
    assert run(books) == set()
    row = Reconciliation.objects.get()
    assert (row.state, row.payments, row.paid, row.refunds, row.refunded, row.not_ours) == (
        "DONE", 4, 4 * 64900, 1, 900, 1,
    )  # fmt: skip


def test_both_sides_are_kept(books):
    session = books.ours()
    payment = books.theirs(session, captured=100)
    run(books)
    row = Difference.objects.get()
    assert (row.session.reference, row.day, row.merchant) == (session.reference, books.day, books.world.merchant)
    assert (row.ours["id"], row.ours["amount"], row.ours["state"]) == (session.reference, 64900, "PAID")
    assert (row.theirs["gateway_payment_id"], row.theirs["amount"], row.theirs["mid"]) == (payment.id, 100, "acct_kr")


@pytest.mark.parametrize("seconds", [-1, 0, 86399, 86400])
def test_a_difference_belongs_to_the_day_on_which_the_gateway_dates_it(books, seconds):
    books.theirs(at=books.at(seconds))
    assert len(run(books)) == (0 <= seconds < 86400)


def test_payment_that_the_list_does_not_show_is_asked_for_before_it_is_called_missing(books):
    session = books.ours()
    books.theirs(session, books.at(-30 * 86400))  # paid a month ago, booked yesterday
    missing = books.ours()
    assert run(books) == {(K.MISSING_THERE, missing.reference)}


# --- repeated -----------------------------------------------------------------------------------


def test_what_is_gone_is_closed_and_what_comes_back_is_open_again(books):
    payment = books.theirs(books.ours(), captured=100)
    assert run(books) == {(K.AMOUNT, payment.id)}
    payment.captured = 64900
    assert run(books) == set()
    closed = Difference.objects.get()
    assert closed.closed_at >= closed.seen_at
    payment.captured = 100
    assert run(books) == {(K.AMOUNT, payment.id)}
    assert Difference.objects.get().pk == closed.pk


def test_gateway_that_does_not_answer_fails_its_own_merchants_only(books):
    other = books.merchant("stripe-other")
    lost = books.theirs(account=other.mid)
    payment = books.theirs(books.ours(), captured=100)
    run(books)
    payment.captured = 64900
    books.world.sandbox.faults.add("report", "error_before", status=500, match={"account": "acct_kr"}, times=None)
    assert run(books) == {(K.AMOUNT, payment.id), (K.MISSING_HERE, lost.id)}, "nothing of it may be closed"
    states = dict(Reconciliation.objects.values_list("merchant__code", "state"))
    assert states == {"stripe-kr": "FAILED", "stripe-other": "DONE"}
    books.world.sandbox.faults.clear()
    assert run(books) == {(K.MISSING_HERE, lost.id)}


def test_a_list_without_our_payments_is_no_thousand_differences(books, monkeypatch):
    monkeypatch.setattr(reconcile, "MOST_ASKED", 3)
    for _ in range(4):
        books.ours()
    assert run(books) == set()
    row = Reconciliation.objects.get()
    assert (row.state, row.code) == ("FAILED", "too_many_not_listed")


# --- one process at a time ----------------------------------------------------------------------


def test_one_process_at_a_time_and_another_after_a_crash(books):
    merchants = reconciling.merchants_of("stripe", books.day)
    (mine,) = reconciling.begin(merchants, books.day, timezone.now())
    with pytest.raises(reconciling.Busy):
        run(books)
    with time_machine.travel(datetime.now(UTC) + reconciling.LEASE, tick=True):
        assert run(books) == set()
    with pytest.raises(reconciling.LeaseLost):
        reconciling.keep(mine, [], timezone.now())
    reconciling.end(mine, timezone.now(), "late")
    assert Reconciliation.objects.get().state == "DONE"


def test_told_to_end_it_leaves_the_day_to_another(books, monkeypatch):
    ending = type(drains.ENDING)()
    ending.set()
    monkeypatch.setattr(drains, "ENDING", ending)
    with pytest.raises(lists.Ending):
        run(books)
    row = Reconciliation.objects.get()
    assert (row.state, row.lease_token) == ("FAILED", None)
    ending.clear()
    assert run(books) == set()


# --- which merchants, which days ----------------------------------------------------------------


def test_merchants_that_are_connected_or_were_used_lately(books):
    connected, used, idle = (books.merchant(f"stripe-{name}") for name in ("connected", "used", "idle"))
    MethodConnection.objects.exclude(merchant=connected).update(connected=False)
    books.ours(merchant=used)
    books.flush()
    assert reconciling.merchants_of("stripe", books.day) == [connected, used]
    assert idle not in reconciling.merchants_of("stripe", books.day)
    later = books.day + reconciling.USED_WITHIN + timedelta(days=1)
    assert reconciling.merchants_of("stripe", later) == [connected]


def test_every_morning_does_yesterday_once(books):
    today = timezone.localdate()
    reconcile.days_due(today)
    assert [(row.day, row.state) for row in Reconciliation.objects.all()] == [(books.day, "DONE")]
    asked = lists_asked(books.world)
    reconcile.days_due(today)
    assert lists_asked(books.world) == asked


def test_every_morning_does_again_what_failed_or_has_open_differences(books):
    today = timezone.localdate()
    lost = books.theirs()
    books.world.sandbox.faults.add("report", "error_before", status=500)
    reconcile.days_due(today)
    assert Reconciliation.objects.get().state == "FAILED"
    reconcile.days_due(today)
    assert open_ones() == {(K.MISSING_HERE, lost.id)}
    del books.world.sandbox.stripe.books.payments[lost.id]
    reconcile.days_due(today + timedelta(days=6))
    assert open_ones() == set()
    Difference.objects.update(closed_at=None, handled_at=timezone.now())
    asked = lists_asked(books.world)
    reconcile.days_due(today + timedelta(days=6))
    assert lists_asked(books.world) == asked, "what staff have handled is not asked for again"


def test_another_process_at_it_is_no_trouble_in_the_morning(books):
    reconciling.begin(reconciling.merchants_of("stripe", books.day), books.day, timezone.now())
    reconcile.days_due(timezone.localdate())
    assert Reconciliation.objects.get().state == "RUNNING"
