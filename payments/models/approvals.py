"""What a second person must agree to, and above which amounts."""

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from merchants.fields import SealedField
from payments.models.cancellations import Cancellation
from payments.models.orders import PaymentSession

# Staff without a role of their own, who may do everything.
BOSS = "최고관리자"


class ApprovalKind(models.TextChoices):
    """What is asked for."""

    CANCEL = "CANCEL", pgettext_lazy("request", "취소")
    ACCEPT = "ACCEPT", _("정상 인정")


class ApprovalState(models.TextChoices):
    """STALE: the payment changed, or a day passed, before anybody decided."""

    WAITING = "WAITING", _("승인 대기")
    APPROVED = "APPROVED", _("승인함")
    REJECTED = "REJECTED", _("반려함")
    WITHDRAWN = "WITHDRAWN", _("철회함")
    STALE = "STALE", _("효력 잃음")


class Approval(models.Model):
    """A request of staff that a second person must agree to. Amounts are minor units of the payment's currency.

    ``version`` is the payment's as the requester saw it (``payments.staff_cancels.version_of``).
    """

    uuid = models.UUIDField(default=uuid4, editable=False)
    session = models.ForeignKey(
        PaymentSession, on_delete=models.PROTECT, related_name="approvals", verbose_name=_("결제")
    )
    kind = models.CharField(_("요청"), max_length=8, choices=ApprovalKind)
    state = models.CharField(_("상태"), max_length=10, choices=ApprovalState, default=ApprovalState.WAITING)
    amount = models.BigIntegerField(_("금액"))
    tax_free = models.BigIntegerField(_("면세 금액"), null=True, blank=True)
    reason = models.CharField(_("사유"), max_length=200)
    # Where a method that cannot refund by itself sends the money: bank, account and holder.
    sealed_account = models.BinaryField(null=True, editable=False)
    account = SealedField("sealed_account")
    version = models.CharField(max_length=64, editable=False)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("요청자")
    )
    requested_at = models.DateTimeField(_("요청"), default=timezone.now)
    decider = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("승인자"),
    )
    decided_at = models.DateTimeField(_("결정"), null=True, blank=True)
    note = models.CharField(_("메모"), max_length=200, blank=True)
    cancellation = models.OneToOneField(
        Cancellation,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="approval",
        verbose_name=_("취소내역"),
    )

    class Meta:
        verbose_name = _("승인 요청")
        verbose_name_plural = pgettext_lazy("menu", "승인")
        permissions = [("decide_approval", _("다른 사람의 요청을 승인하거나 반려할 수 있음"))]
        indexes = [
            models.Index(fields=["requested_at", "id"], name="approval_requested"),
            models.Index(fields=["requested_at"], name="approval_waiting", condition=Q(state="WAITING")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["session"], condition=Q(state="WAITING"), name="one_waiting_approval_per_session"
            ),
            models.CheckConstraint(condition=Q(state__in=ApprovalState.values), name="approval_state_known"),
            models.CheckConstraint(condition=Q(kind__in=ApprovalKind.values), name="approval_kind_known"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="approval_amount_positive"),
            models.CheckConstraint(
                condition=Q(decider__isnull=True) | ~Q(decider=F("requester")), name="nobody_approves_his_own"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("APPROVED", "REJECTED")) | Q(decider__isnull=False),
                name="a_decision_has_its_decider",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.session}"


class ApprovalLimit(models.Model):
    """Up to which sum of one payment a role gives money back without a second person, in minor units.

    Of several roles of a person the highest limit counts; without any row everything needs approval.
    """

    role = models.CharField(_("역할"), max_length=150)
    currency = models.CharField(_("통화"), max_length=3)
    amount = models.BigIntegerField(_("한도"))

    class Meta:
        verbose_name = _("승인 한도")
        verbose_name_plural = _("승인 한도")
        ordering = ["role", "currency"]
        constraints = [
            models.UniqueConstraint(fields=["role", "currency"], name="one_limit_per_role_and_currency"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="limit_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{role_name(self.role)} {self.currency}"


def role_name(role: str) -> str:
    """Return what people call a role."""
    return str(_("최고관리자")) if role == BOSS else role
