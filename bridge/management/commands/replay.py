"""manage.py replay: works payments out again from stored notifications and their gateways."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from bridge import replay
from bridge.replay import Outcome
from payments.models import Notification, PaymentSession

CHANGED, UNCHANGED, NOT_HERE, UNANSWERED = "changed", "unchanged", "not found", "without an answer"
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Command(BaseCommand):
    help = (
        "Asks the gateway again about one payment, about the payment of one notification, or about all that was "
        "under way or heard of since a time, books what it says, and tells what changed. Safe to run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--payment", metavar="REF", help="a payment number (결제번호, PaymentId)")
        what.add_argument("--notification", metavar="ID", help="the gateway's id of an event (이벤트 번호)")
        what.add_argument("--since", metavar="T", help="a time (2026-11-22T04:00, with its zone or in TIME_ZONE) or 2h")
        parser.add_argument("--dry-run", action="store_true", help="only tell what would change")

    def handle(self, *args: Any, **options: Any) -> None:
        apply = not options["dry_run"]
        counts = dict.fromkeys((CHANGED, UNCHANGED, NOT_HERE, UNANSWERED), 0)
        for outcome in self._outcomes(options, apply):
            counts[self._tell(outcome)] += 1
        summary = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing to replay"
        self.stdout.write(f"{summary} (dry run: nothing was written)" if not apply else summary)
        if counts[UNANSWERED]:
            raise CommandError("some gateways did not answer: run it again")

    def _outcomes(self, options: dict[str, Any], apply: bool) -> Iterator[Outcome]:
        if options["payment"]:
            yield replay.payment(_session(options["payment"]), apply=apply)
        elif options["notification"]:
            for notice in _notices(options["notification"]):
                yield replay.notification(notice, apply=apply)
        else:
            yield from _since(moment(options["since"]), apply)

    def _tell(self, outcome: Outcome) -> str:
        """Write what became of one, and return what it counts as."""
        for change in outcome.changes:
            self.stdout.write(f"{outcome.name}: {change}")
        if outcome.problem:
            self.stderr.write(f"{outcome.name}: {outcome.problem}")
            return UNANSWERED if outcome.problem.startswith(replay.NO_ANSWER) else NOT_HERE
        return CHANGED if outcome.changes else UNCHANGED


def _since(since: datetime, apply: bool) -> Iterator[Outcome]:
    listed, lost = replay.listed_since(since)
    yield from lost
    for pk in sorted(listed.union(replay.sessions_since(since))):
        yield replay.payment(PaymentSession.objects.select_related("merchant").get(pk=pk), apply=apply)
    for pk in replay.orphans_since(since):
        yield replay.notification(Notification.objects.get(pk=pk), apply=apply)


def moment(text: str) -> datetime:
    """Return the time meant by ISO 8601 text, or so long ago as 90m, 2h or 3d says. Raises CommandError."""
    now = timezone.now()
    if ago := re.fullmatch(r"([0-9]{1,5})([mhd])", text):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        at = parse_datetime(text)
    except ValueError:
        at = None
    if at is None:
        raise CommandError(f"{text!r} is no time: give 2026-11-22T04:00, 2026-11-22T04:00+09:00, 90m, 2h or 3d")
    at = at if timezone.is_aware(at) else timezone.make_aware(at)
    if at > now:
        raise CommandError(f"{text} is in the future")
    return at


def _session(reference: str) -> PaymentSession:
    rows = PaymentSession.objects.select_related("merchant")
    found: PaymentSession | None = rows.filter(reference=reference.strip().upper()).first()
    if found is None:
        raise CommandError(f"there is no payment {reference}: give the payment number (결제번호), 26 characters")
    return found


def _notices(event_id: str) -> list[Notification]:
    """Return the stored notification; two endpoints may have got the same event."""
    found = list(Notification.objects.filter(dedupe_key=event_id.strip()).order_by("pk"))
    if not found:
        raise CommandError(f"there is no notification {event_id}: give the gateway's id of the event (이벤트 번호)")
    return found
