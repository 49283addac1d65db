"""manage.py reconcile: holds a day of our books against the gateways' own lists (대사)."""

import time
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count
from django.utils import timezone
from django.utils.dateparse import parse_date

from bridge import lists, reconcile
from payments.models import Difference, Reconciliation, ReconciliationState
from payments.reconciling import Busy


class Command(BaseCommand):
    help = (
        "Holds a day (in Asia/Seoul) of our books against the lists of the gateways, for each merchant that is "
        "connected or was used lately. What differs is stored and shown in the back office under 대사. "
        "Run again, it brings the same day up to date."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--date", required=True, metavar="D", help="a day that is over, such as 2026-11-21")
        parser.add_argument("--gateway", metavar="G", help="one of: " + ", ".join(lists.gateways()))

    def handle(self, *args: Any, **options: Any) -> None:
        day = _day(options["date"])
        begun, failed = time.monotonic(), 0
        for code in _gateways(options["gateway"]):
            try:
                runs = reconcile.one_day(code, day)
            except Busy as busy:
                raise CommandError(f"{busy}: another process is at it; wait for its end") from None
            failed += sum(run.state != ReconciliationState.DONE for run in runs)
            for run in runs:
                self.stdout.write(_line(run))
            if not runs:
                self.stdout.write(f"{code}: no merchant is connected or was used lately")
        self.stdout.write(f"{time.monotonic() - begun:.1f} s")
        if failed:
            raise CommandError("not every gateway answered: run it again")


def _line(run: Reconciliation) -> str:
    """Return what a run found, in one line."""
    open_ones = Difference.objects.filter(run=run, closed_at=None).order_by("kind").values_list("kind")
    found = [f"{kind} {count}" for kind, count in open_ones.annotate(Count("pk"))] or ["no difference"]
    counts = f"{run.payments} payments, {run.refunds} refunds, {run.not_ours} not ours"
    state = run.state if run.state == ReconciliationState.DONE else f"{run.state} ({run.code})"
    return f"{run.merchant.code} {run.day} {state}: {counts}: {', '.join(found)}"


def _day(text: str) -> date:
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None or day.year < 2000:
        raise CommandError(f"{text!r} is no day: give one such as 2026-11-21")
    if day >= timezone.localdate():
        raise CommandError(f"{day} is not over yet in {timezone.get_default_timezone_name()}: give a day before it")
    return day


def _gateways(code: str | None) -> list[str]:
    known = lists.gateways()
    if code is not None and code not in known:
        raise CommandError(f"{code!r} is no gateway with a list: give one of {', '.join(known)}")
    return [code] if code else known
