"""manage.py replay: asks again, tells what changes and books it; a dry run writes nothing, a second run neither."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from bridge.management.commands.replay import moment
from payments.models import Delivery, Notification, PaymentEvent, PaymentSession
from tests.payments.factories import NotificationFactory, PaymentSessionFactory

TABLES = (PaymentSession, Delivery, PaymentEvent, Notification)


def replay(*args):
    out, err = StringIO(), StringIO()
    call_command("replay", *args, stdout=out, stderr=err)
    return out.getvalue() + err.getvalue()


def rows():
    return [list(model.objects.order_by("pk").values()) for model in TABLES]


@pytest.fixture
def paid(world):
    """Order 1 is paid, and nobody here has heard of it."""
    world.start()
    world.pay_unheard()
    return world


def test_payment_that_nobody_heard_of_is_booked_and_told(paid):
    reference = paid.session().reference
    said = replay("--payment", reference.lower())
    for change in ("stage: STANDBY -> PAID", "paid: 0 -> 64900", "message PayComplete: - -> #1", "1 changed"):
        assert change in said
    paid.work()
    assert paid.told() == ["PayComplete"]
    paid.books_agree()
    assert replay("--payment", reference) == "1 unchanged\n"


def test_dry_run_tells_the_same_and_writes_nothing(paid):
    before, reference = rows(), paid.session().reference
    said = replay("--payment", reference, "--dry-run")
    assert "stage: STANDBY -> PAID" in said and "nothing was written" in said
    assert rows() == before
    told = [line for line in said.splitlines() if line.startswith(reference)]
    assert [line for line in replay("--payment", reference).splitlines() if line.startswith(reference)] == told


@pytest.mark.parametrize("args", [[], ["--dry-run"]])
def test_gateway_is_asked_outside_of_every_transaction(paid, monkeypatch, args):
    seen = []
    handle = paid.sandbox.stripe.handle
    monkeypatch.setattr(
        paid.sandbox.stripe, "handle", lambda request: seen.append(idle_in_transaction()) or handle(request)
    )
    replay("--payment", paid.session().reference, *args)
    assert seen and not any(seen)


def idle_in_transaction():
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
            )
            return cursor.fetchone()[0]
    finally:
        other.close()


def test_stored_notification_is_worked_again(world):
    world.start()
    world.pay()
    PaymentSession.objects.update(stage="STANDBY", paid=0, paid_at=None)
    Delivery.objects.all().delete()
    notice = Notification.objects.filter(kind="checkout.session.completed").get()
    Notification.objects.filter(pk=notice.pk).update(result="", session=None, due_at=None)
    assert "stage: STANDBY -> PAID" in replay("--notification", notice.dedupe_key, "--dry-run")
    assert world.session().stage == "STANDBY"
    assert f"{notice.dedupe_key}: stage: STANDBY -> PAID" in replay("--notification", notice.dedupe_key)
    notice.refresh_from_db()
    assert (world.session().stage, notice.result, notice.session) == ("PAID", "PAID", world.session())
    assert replay("--notification", notice.dedupe_key) == "1 unchanged\n"


def test_notification_of_no_payment_stays_in_its_queue(world):
    notice = NotificationFactory(session=None, merchant=world.merchant, gateway_id="cs_gone", attention=True)
    for args in (["--dry-run"], []):
        said = replay("--notification", notice.dedupe_key, *args)
        assert "no payment of ours" in said and "1 not found" in said
    notice.refresh_from_db()
    assert notice.due_at > timezone.now()
    assert not notice.attention


def test_all_since_a_time(paid):
    paid.start(2)
    paid.pay(2)
    paid.work()
    assert [paid.session(number).stage for number in (1, 2)] == ["STANDBY", "PAID"]
    assert "1 changed, 1 unchanged" in replay("--since", "2h", "--dry-run")
    assert "1 changed, 1 unchanged" in replay("--since", "2h")
    assert "2 unchanged" in replay("--since", "2h")
    paid.work()
    paid.books_agree(1)


def test_what_ended_before_the_time_is_left_alone(paid):
    paid.look()
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=3), tick=True):
        assert replay("--since", "2h") == "nothing to replay\n"


def test_no_answer_is_told_and_fails(paid):
    paid.sandbox.faults.add("fetch", "error_before", times=None, status=500)
    before = rows()
    with pytest.raises(CommandError, match="run it again"):
        replay("--payment", paid.session().reference)
    assert rows() == before


def test_payment_that_was_never_opened(db):
    session = PaymentSessionFactory(gateway_id="", stage="FAILED")
    assert "never opened" in replay("--payment", session.reference)


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["--payment", "NOBODYS"], "no payment NOBODYS"),
        (["--notification", "evt_none"], "no notification evt_none"),
        (["--since", "yesterday"], "is no time"),
        (["--since", "2026-02-31T00:00"], "is no time"),
        (["--since", "2999-01-01T00:00"], "in the future"),
        ([], "required"),
        (["--payment", "A", "--since", "2h"], "not allowed"),
    ],
)
def test_what_cannot_be_meant(db, args, problem):
    with pytest.raises(CommandError, match=problem):
        replay(*args)


def test_times():
    assert moment("2026-01-02T03:04") == datetime(2026, 1, 1, 18, 4, tzinfo=UTC)
    assert moment("2026-01-02T03:04Z") == datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    for text, ago in (("90m", timedelta(minutes=90)), ("2h", timedelta(hours=2)), ("3d", timedelta(days=3))):
        assert abs(timezone.now() - ago - moment(text)) < timedelta(seconds=10)


class TestRestore:
    """After a restore the books are as they were at the backup; the gateway and the shop have gone on."""

    @pytest.fixture
    def restored(self, world):
        """Orders 1 and 2 were open at the backup; 1 was paid since, and 3 was begun and paid since."""
        for number in (1, 2, 3):
            world.start(number)
        for number in (1, 3):
            world.pay_unheard(number)
        lost = world.session(3)
        world.lost = lost.reference
        for rows in (lost.calls, lost.events, PaymentSession.objects.filter(pk=lost.pk), lost.order):
            delete(rows)
        return world

    def test_what_was_open_is_caught_up_and_what_is_lost_is_named(self, restored):
        for args, again in ((["--dry-run"], "1 changed"), ([], "1 changed"), ([], "2 unchanged")):
            said = replay("--since", "2h", *args)
            assert f"{restored.lost}: not here: the gateway has a payment pi_" in said
            assert "of 64900 KRW" in said
            assert again in said and "1 not found" in said
        assert [restored.session(number).stage for number in (1, 2)] == ["PAID", "STANDBY"]

    def test_what_had_ended_before_is_found_by_the_gateways_list(self, world):
        with time_machine.travel(datetime.now(UTC) - timedelta(hours=5), tick=True):
            world.start()
            world.pay()
            world.work()
        world.sandbox.stripe.refund(world.session().gateway_id, 900, silent=True)
        assert "cancelled: 0 -> 900" in replay("--since", "1h")
        assert world.session().stage == "PARTIALLY_CANCELLED"

    def test_gateway_without_a_list_is_told(self, restored):
        restored.sandbox.faults.add("report", "error_before", times=None, status=503)
        with pytest.raises(CommandError, match="run it again"):
            replay("--since", "2h")
        assert restored.session(1).stage == "PAID"


def delete(rows):
    """As a restore would: not even the guard of the timeline stands in its way."""
    table = rows._meta.db_table if hasattr(rows, "_meta") else rows.model._meta.db_table
    keys = [rows.pk] if hasattr(rows, "_meta") else list(rows.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(f"DELETE FROM {table} WHERE id = ANY(%s)", [keys])
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
