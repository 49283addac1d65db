"""What makes a table a queue: a due time, a count of attempts and a lease."""

from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid4

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

# A row that one machine has made due now is due a moment later by the clock of another.
CLOCKS_DIFFER = timedelta(seconds=1)


class QueuedSet(models.QuerySet[Any]):
    """Questions and answers about the work that waits in a table."""

    def due(self, now: datetime) -> Self:
        """Rows whose time has come, leased ones too if their lease ran out."""
        return self.filter(due_at__lte=now)

    def waiting(self) -> Self:
        """Rows that wait for a later time and that nobody works on."""
        return self.filter(due_at__isnull=False, lease_token=None)

    def unattended(self, now: datetime) -> Self:
        """Rows that wait for any time, and that nobody works on, or nobody any more: the lease ran out."""
        return self.filter(Q(lease_token=None) | Q(due_at__lte=now), due_at__isnull=False)

    def lease(self, now: datetime, seconds: float, **changes: Any) -> UUID:
        """Take these rows (already locked by the caller) for ``seconds``; the attempt is counted before it."""
        token = uuid4()
        self.update(lease_token=token, due_at=now + timedelta(seconds=seconds), attempts=F("attempts") + 1, **changes)
        return token

    def finish(self, token: UUID | None, due_at: datetime | None = None, **changes: Any) -> bool:
        """End the work done under ``token``: idle, or due again at ``due_at``.

        False means that the lease was lost: somebody else holds the row, and the caller's result does not count.
        """
        return token is not None and bool(
            self.filter(lease_token=token).update(lease_token=None, due_at=due_at, **changes)
        )

    def ring(self, now: datetime) -> int:
        """Make rows due now, also those being worked: their present work then ends without effect on the queue."""
        return self.update(due_at=now, lease_token=None)


class Queued(models.Model):
    """A row that a worker has to look at when ``due_at`` (null: never) has come."""

    due_at = models.DateTimeField(_("처리 예정"), null=True, blank=True, editable=False)
    attempts = models.PositiveIntegerField(_("시도 횟수"), default=0, editable=False)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)

    objects = QueuedSet.as_manager()

    class Meta:
        abstract = True

    @property
    def is_due(self) -> bool:
        """Whether its time has come, and nobody has begun with it: whoever began before may not have seen why."""
        soon = timezone.now() + CLOCKS_DIFFER
        return self.lease_token is None and self.due_at is not None and self.due_at <= soon

    @property
    def is_idle(self) -> bool:
        """Whether what was asked for has been done: nobody works on it, and nobody should by now."""
        return self.lease_token is None and not self.is_due


def due_index(name: str, *fields: str) -> models.Index:
    """Return the small index that finds due rows: it holds only rows that wait."""
    return models.Index(fields=["due_at", *fields], name=name, condition=Q(due_at__isnull=False))
