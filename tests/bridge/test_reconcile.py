"""대사: a day of our books held against the gateway's own list, stored, repeated, handled."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from bridge import drains, lists, reconcile, watch
from merchants.models import MethodConnection
from payments import attention, follow_up, reconciling
from payments.models import Attention, Difference, DifferenceKind, Reconciliation
from payments.staff import NotPossible
from tests.bridge.seeds import Seeds
from tests.bridge.two_books import TwoBooks

K = DifferenceKind


@pytest.fixture
def books(world):
    return TwoBooks(world, timezone.localdate() - timedelta(days=1))


def run(books):
    """Reconcile the day; returns the open differences."""
    books.flush()
    reconcile.one_day("stripe", books.day)
    return open_ones()


def open_ones():
    return {(row.kind, row.subject) for row in Difference.objects.filter(closed_at=None)}


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


# --- staff --------------------------------------------------------------------------------------


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
    watch.once()
    assert open_ones() == {(row.kind, row.subject)}, "nobody has looked yet"
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


# --- the command --------------------------------------------------------------------------------


def command(*args):
    out = StringIO()
    call_command("reconcile", *args, stdout=out)
    return out.getvalue()


def test_command_tells_what_it_found(books):
    books.both()
    books.theirs()
    books.flush()
    said = command("--date", str(books.day), "--gateway", "stripe")
    assert f"stripe-kr {books.day} DONE: 2 payments, 0 refunds, 0 not ours: MISSING_HERE 1" in said


def test_command_fails_when_a_gateway_does_not_answer(books):
    books.world.sandbox.faults.add("report", "error_before", status=503)
    with pytest.raises(CommandError, match="run it again"):
        command("--date", str(books.day))
    assert "no difference" in command("--date", str(books.day))


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["--date", "yesterday"], "is no day"),
        (["--date", "2026-02-30"], "is no day"),
        (["--date", "2999-01-01"], "not over yet"),
        (["--date", "2026-01-01", "--gateway", "inicis"], "no gateway with a list"),
        ([], "required"),
    ],
)
def test_command_says_what_cannot_be_meant(db, args, problem):
    with pytest.raises(CommandError, match=problem):
        command(*args)


def test_command_names_another_process(books):
    reconciling.begin(reconciling.merchants_of("stripe", books.day), books.day, timezone.now())
    with pytest.raises(CommandError, match="another process"):
        command("--date", str(books.day))


def test_today_is_not_over(world):
    with pytest.raises(CommandError, match="not over yet"):
        command("--date", str(timezone.localdate()))
