"""The timeline of a session, and the health of those we call."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments.models.orders import PaymentSession


class PaymentEvent(models.Model):
    """One line of a session's history. Append-only (a trigger refuses changes); holds no personal data."""

    session = models.ForeignKey(PaymentSession, on_delete=models.PROTECT, related_name="events", verbose_name=_("결제"))
    at = models.DateTimeField(_("시각"), default=timezone.now)
    kind = models.CharField(_("사건"), max_length=40)
    actor = models.CharField(_("주체"), max_length=150)
    facts = models.JSONField(_("내용"), default=dict)

    class Meta:
        verbose_name = _("이력")
        verbose_name_plural = _("이력")

    def __str__(self) -> str:
        return self.kind


class Circuit(models.Model):
    """How calls to one gateway account or one shop have gone lately.

    After failures in a row its rows are held back, and one of them is tried every 30 s as a probe.
    """

    kind = models.CharField(max_length=8)
    lane = models.BigIntegerField()
    failures = models.PositiveIntegerField(default=0)
    # The database's own default is for code from before the column, while both run.
    failing_since = models.DateTimeField(default=timezone.now, db_default=Now())
    probe_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("연결 상태")
        verbose_name_plural = _("연결 상태")
        constraints = [models.UniqueConstraint(fields=["kind", "lane"], name="one_circuit_per_lane")]

    def __str__(self) -> str:
        return f"{self.kind} {self.lane}"
