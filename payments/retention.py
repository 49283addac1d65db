"""Bodies are kept for a while, to answer questions, and then emptied: what they held may be personal."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from payments.models import OPEN_CALLS, GatewayCall, Notification

BATCH = 1000


def empty_bodies(before: datetime) -> int:
    """Empty the bodies of notices and calls that came before ``before`` and have been worked off.

    Returns how many. The rows, and a notice's hash, stay. Safe to run anywhere, twice, at once.
    """
    notices = Notification.objects.filter(received_at__lt=before, due_at=None)
    calls = GatewayCall.objects.filter(created_at__lt=before).exclude(state__in=OPEN_CALLS)
    return sum(_emptied(rows.exclude(sealed_body=None)) for rows in (notices, calls))


def _emptied(rows: QuerySet[Any]) -> int:
    return sum(rows.model.objects.filter(pk__in=batch).update(sealed_body=None) for batch in _batches(rows))


def _batches(rows: QuerySet[Any]) -> Iterable[list[int]]:
    """Return the rows' keys by the thousand, until none is left: no long locks on a busy table."""
    while batch := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield batch
