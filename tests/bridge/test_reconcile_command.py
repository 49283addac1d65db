"""manage.py reconcile: what it takes, and what it says."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from payments import reconciling


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
