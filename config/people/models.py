"""The history as staff know it: auditlog's table under the back office's name, with a permission of its own."""

from auditlog.models import LogEntry
from django.utils.translation import gettext_lazy as _


class HistoryEntry(LogEntry):
    """One line of the history. Append-only: a trigger refuses changes."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        ordering = ["-timestamp", "-pk"]
        verbose_name = _("변경 이력")
        verbose_name_plural = _("변경 이력")

    def __str__(self) -> str:
        return str(self.object_repr)
