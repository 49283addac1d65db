"""Money on its way back: each partial or full cancel of a payment, and each refund made without us."""

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from merchants.fields import SealedField
from payments.models.orders import PaymentSession


class CancelState(models.TextChoices):
    """PENDING: the gateway has accepted it and takes its time. REVERSED: the money came back to us later."""

    REQUESTED = "REQUESTED", _("요청됨")
    SENDING = "SENDING", _("전송 중")
    UNKNOWN = "UNKNOWN", _("결과 모름")
    PENDING = "PENDING", _("PG사 처리 중")
    DONE = "DONE", _("취소 완료")
    REFUSED = "REFUSED", _("취소 거절")
    REVERSED = "REVERSED", _("환불 반환됨")


class CancelOrigin(models.TextChoices):
    """Who wanted the money to go back."""

    SHOP = "SHOP", _("상점")
    STAFF = "STAFF", _("직원")
    POLICY = "POLICY", pgettext_lazy("cancel", "자동")
    GATEWAY = "GATEWAY", _("PG사에서 직접")


OPEN_CANCELS = (CancelState.REQUESTED, CancelState.SENDING, CancelState.UNKNOWN)
RESERVING = (*OPEN_CANCELS, CancelState.PENDING)


class Cancellation(models.Model):
    """One cancel of one payment. Amounts are minor units of the payment's currency.

    ``balance_before`` is what could be given back when it was granted, ``generation`` how often money had come
    back by then: together with the amount they tell a repeat of a request from a new one.
    """

    uuid = models.UUIDField(_("취소번호"), default=uuid4, unique=True, editable=False)
    session = models.ForeignKey(
        PaymentSession, on_delete=models.PROTECT, related_name="cancellations", verbose_name=_("결제")
    )
    origin = models.CharField(_("요청 주체"), max_length=8, choices=CancelOrigin)
    state = models.CharField(_("상태"), max_length=10, choices=CancelState, default=CancelState.REQUESTED)
    amount = models.BigIntegerField(_("취소 금액"))
    tax_free = models.BigIntegerField(_("면세 금액"), default=0)
    balance_before = models.BigIntegerField(_("취소 전 잔액"))
    generation = models.PositiveIntegerField(_("환입 횟수"))
    # The shop's own id of its request, and the hash of what it asked for under that id.
    request_id = models.CharField("RequestId", max_length=255, blank=True)
    request_digest = models.CharField(max_length=64, blank=True, editable=False)
    reason = models.CharField(_("사유"), max_length=200, blank=True)
    requested_by = models.CharField(_("요청자"), max_length=150, blank=True)
    approved_by = models.CharField(_("승인자"), max_length=150, blank=True)
    # Where a method that cannot refund by itself sends the money: bank, account and holder.
    sealed_account = models.BinaryField(null=True, editable=False)
    account = SealedField("sealed_account")
    gateway_cancel_id = models.CharField(_("PG 취소번호"), max_length=255, blank=True)
    code = models.CharField(_("응답 코드"), max_length=100, blank=True)
    message = models.CharField(_("응답 내용"), max_length=500, blank=True)
    requested_at = models.DateTimeField(_("요청"), default=timezone.now)
    ended_at = models.DateTimeField(_("종료"), null=True, blank=True)
    # When money that had gone came back to us; ``ended_at`` stays the day on which it went.
    reversed_at = models.DateTimeField(_("환불 반환"), null=True, blank=True)

    class Meta:
        verbose_name = pgettext_lazy("record", "취소")
        verbose_name_plural = _("취소내역")
        permissions = [("export_cancellation", _("취소내역을 내려받을 수 있음"))]
        indexes = [
            models.Index(fields=["requested_at", "id"], name="cancellation_requested"),
            models.Index(
                fields=["ended_at"],
                include=["session", "amount"],
                name="cancellation_done",
                condition=Q(state__in=(CancelState.DONE, CancelState.REVERSED)),
            ),
            models.Index(
                fields=["reversed_at"],
                include=["session", "amount"],
                name="cancellation_reversed",
                condition=Q(state=CancelState.REVERSED),
            ),
            models.Index(
                fields=["gateway_cancel_id"], name="cancellation_gateway_id", condition=~Q(gateway_cancel_id="")
            ),
            models.Index(
                fields=["requested_at"], name="cancellation_unended", condition=Q(state__in=sorted(RESERVING))
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["session"], condition=Q(state__in=sorted(OPEN_CANCELS)), name="one_open_cancel_per_session"
            ),
            models.UniqueConstraint(
                fields=["session", "generation", "balance_before", "amount"],
                condition=~Q(origin=CancelOrigin.GATEWAY),
                name="one_cancel_per_balance",
            ),
            models.UniqueConstraint(
                fields=["session", "request_id"], condition=~Q(request_id=""), name="one_cancel_per_request_id"
            ),
            models.UniqueConstraint(
                fields=["session", "gateway_cancel_id"],
                condition=~Q(gateway_cancel_id=""),
                name="one_cancel_per_gateway_id",
            ),
            models.CheckConstraint(condition=Q(state__in=CancelState.values), name="cancel_state_known"),
            models.CheckConstraint(condition=Q(origin__in=CancelOrigin.values), name="cancel_origin_known"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="cancel_amount_positive"),
            models.CheckConstraint(condition=Q(tax_free__gte=0), name="cancel_tax_free_not_negative"),
        ]

    def __str__(self) -> str:
        return str(self.uuid)

    @property
    def is_open(self) -> bool:
        """Whether nobody knows its outcome yet."""
        return self.state in OPEN_CANCELS
