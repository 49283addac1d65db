"""Whether a contract's keys open its account: asked by staff, found out by the bridge."""

from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from merchants.models import Merchant
from payments.models.queued import Queued, QueuedSet, due_index


class CheckState(models.TextChoices):
    """WAITING: the bridge is at it. UNANSWERED: nobody knows, for the gateway did not say."""

    WAITING = "WAITING", _("확인 중")
    WORKS = "WORKS", _("정상")
    REFUSED = "REFUSED", _("거절됨")
    UNANSWERED = "UNANSWERED", _("확인 불가")


class CheckSet(QueuedSet):
    """Checks, of one merchant or of all."""

    def request(self, merchant: Merchant, staff: str, now: datetime) -> bool:
        """Let the bridge try the merchant's keys, as ``staff`` (a username) wishes; False if it is at it already."""
        row: Any = {"requested_by": staff, "requested_at": now, "due_at": now}
        _check, is_new = self.get_or_create(merchant=merchant, state=CheckState.WAITING, defaults=row)
        return is_new


class CredentialCheck(Queued):
    """One try of a merchant's keys at its gateway. It moves no money."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="checks", verbose_name=_("가맹점"))
    state = models.CharField(_("상태"), max_length=10, choices=CheckState, default=CheckState.WAITING)
    code = models.CharField(_("응답 코드"), max_length=100, blank=True)
    message = models.CharField(_("응답 내용"), max_length=500, blank=True)
    requested_by = models.CharField(_("요청자"), max_length=150)
    requested_at = models.DateTimeField(_("요청"), default=timezone.now)
    ended_at = models.DateTimeField(_("종료"), null=True, blank=True)

    objects: ClassVar[Any] = CheckSet.as_manager()

    class Meta:
        verbose_name = _("인증 정보 확인")
        verbose_name_plural = _("인증 정보 확인")
        indexes = [due_index("check_due", "merchant")]
        constraints = [
            models.UniqueConstraint(
                fields=["merchant"], condition=Q(state=CheckState.WAITING), name="one_waiting_check_per_merchant"
            ),
            models.CheckConstraint(condition=Q(state__in=CheckState.values), name="check_state_known"),
            models.CheckConstraint(
                condition=Q(state=CheckState.WAITING, due_at__isnull=False)
                | (~Q(state=CheckState.WAITING) & Q(due_at__isnull=True)),
                name="waiting_check_is_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.merchant_id} {self.state}"
