"""What we owe the shop, and each try to bring it."""

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from merchants.models import Shop
from payments.models.orders import Order, PaymentSession
from payments.models.queued import Queued, due_index


class DeliveryKind(models.TextChoices):
    """The EventType of a message to the shop."""

    PAY_COMPLETE = "PayComplete", _("결제 완료")
    PAY_FAILED = "PayFailed", _("결제 실패")
    PAY_EXPIRED = "PayExpired", _("결제 만료")
    VIRTUAL_ACCOUNT_ISSUED = "VirtualAccountIssued", _("입금 대기")
    CANCEL_COMPLETE = "CancelComplete", _("취소 완료")
    CANCEL_FAILED = "CancelFailed", _("취소 실패")
    REFUND_REVERSED = "RefundReversed", _("환불 반환됨")
    DISPUTED = "Disputed", _("분쟁")


class DeliveryState(models.TextChoices):
    """DEAD: given up; a person can send it again."""

    WAITING = "WAITING", _("통보 대기")
    DELIVERED = "DELIVERED", _("통보 완료")
    DEAD = "DEAD", _("통보 실패")


class Delivery(Queued):
    """A message owed to the shop, written in the same transaction as what it tells. Its body never changes."""

    event_id = models.UUIDField(_("이벤트 번호"), default=uuid4, unique=True, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+", verbose_name=_("상점"))
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="deliveries", verbose_name=_("주문"))
    session = models.ForeignKey(
        PaymentSession, on_delete=models.PROTECT, related_name="deliveries", verbose_name=_("결제")
    )
    kind = models.CharField(_("종류"), max_length=24, choices=DeliveryKind)
    # Tells equal kinds of one session apart: the number of the cancel, the generation of the balance.
    cause = models.CharField(max_length=64, blank=True)
    sequence = models.PositiveIntegerField(_("순번"))
    body = models.TextField(_("내용"))
    state = models.CharField(_("상태"), max_length=10, choices=DeliveryState, default=DeliveryState.WAITING)
    ended_at = models.DateTimeField(_("종료"), null=True, blank=True)
    created_at = models.DateTimeField(_("생성"), default=timezone.now)

    class Meta:
        verbose_name = _("상점 통보")
        verbose_name_plural = _("상점 통보내역")
        indexes = [
            due_index("delivery_due", "shop"),
            models.Index(fields=["order", "sequence"], name="delivery_waiting", condition=Q(state="WAITING")),
            # The back office's list, and what is rare in it.
            models.Index(fields=["created_at", "id"], name="delivery_created"),
            models.Index(fields=["created_at"], name="delivery_dead", condition=Q(state="DEAD")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["session", "kind", "cause"], name="one_delivery_per_cause"),
            models.UniqueConstraint(fields=["order", "sequence"], name="one_delivery_per_sequence"),
            models.CheckConstraint(condition=Q(state__in=DeliveryState.values), name="delivery_state_known"),
            # What is owed has a due time, what is ended has none: nothing can be forgotten between the two.
            models.CheckConstraint(
                condition=Q(state="WAITING", due_at__isnull=False) | (~Q(state="WAITING") & Q(due_at__isnull=True)),
                name="owed_delivery_is_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"


class DeliveryAttempt(models.Model):
    """One try: written as begun before it is sent and filled in after, so that a crash stays visible."""

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="tries")
    number = models.PositiveIntegerField(_("회차"))
    started_at = models.DateTimeField(_("시작"), default=timezone.now)
    milliseconds = models.PositiveIntegerField(_("소요(ms)"), null=True, blank=True)
    http_status = models.PositiveSmallIntegerField(_("HTTP 상태"), null=True, blank=True)
    accepted = models.BooleanField(_("수락"), null=True)
    result = models.CharField(_("결과"), max_length=100, default="started")
    answer = models.CharField(_("응답"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("통보 시도")
        verbose_name_plural = _("통보 시도")
        constraints = [models.UniqueConstraint(fields=["delivery", "number"], name="one_row_per_try")]

    def __str__(self) -> str:
        return f"#{self.number}"
