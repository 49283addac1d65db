"""Bodies are kept for a while, to answer questions, and then emptied: what they held may be personal."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from payments.models import (
    OPEN_CALLS,
    RESERVING,
    Approval,
    ApprovalState,
    Cancellation,
    GatewayCall,
    Notification,
)

BATCH = 1000


def empty_bodies(before: datetime) -> int:
    """Empty the bodies of notices and calls, and the buyers' accounts in cancels, from before ``before``.

    What is not worked off keeps them. Returns how many. The rows, and a notice's hash, stay. Safe to run anywhere,
    twice, at once.
    """
    notices = Notification.objects.filter(received_at__lt=before, due_at=None)
    calls = GatewayCall.objects.filter(created_at__lt=before).exclude(state__in=OPEN_CALLS)
    cancels = Cancellation.objects.filter(requested_at__lt=before).exclude(state__in=RESERVING)
    requests = Approval.objects.filter(requested_at__lt=before).exclude(state=ApprovalState.WAITING)
    accounts = _emptied(cancels, "sealed_account") + _emptied(requests, "sealed_account")
    return _emptied(notices, "sealed_body") + _emptied(calls, "sealed_body") + accounts


def _emptied(rows: QuerySet[Any], column: str) -> int:
    full = rows.exclude(**{column: None})
    return sum(rows.model.objects.filter(pk__in=batch).update(**{column: None}) for batch in _batches(full))


def _batches(rows: QuerySet[Any]) -> Iterable[list[int]]:
    """Return the rows' keys by the thousand, until none is left: no long locks on a busy table."""
    while batch := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield batch
