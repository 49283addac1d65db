"""Calls with effect at a gateway: the intent is stored before the call, the outcome after it."""

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from merchants.fields import SealedField
from merchants.models import Merchant
from payments.models.cancellations import Cancellation
from payments.models.orders import PaymentSession
from payments.models.queued import Queued, due_index
from payments.states import Reason


class CallKind(models.TextChoices):
    """What a call does at the gateway."""

    START = "START", _("결제 시작")
    CONFIRM = "CONFIRM", _("승인")
    CANCEL = "CANCEL", _("취소")
    NET_CANCEL = "NET_CANCEL", _("망취소")
    EXPIRE = "EXPIRE", _("만료 처리")


class CallState(models.TextChoices):
    """READY: claimed by nobody. UNKNOWN: sent, perhaps done, and never guessed."""

    READY = "READY", _("대기")
    SENDING = "SENDING", _("전송 중")
    DONE = "DONE", _("완료")
    REFUSED = "REFUSED", _("거절")
    UNKNOWN = "UNKNOWN", _("결과 모름")


OPEN_CALLS = (CallState.READY, CallState.SENDING, CallState.UNKNOWN)


class GatewayCall(Queued):
    """One call with effect: its exact body and idempotency key are committed before it is sent."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    session = models.ForeignKey(PaymentSession, on_delete=models.PROTECT, related_name="calls")
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", verbose_name=_("가맹점"))
    kind = models.CharField(_("종류"), max_length=10, choices=CallKind)
    cancellation = models.ForeignKey(
        Cancellation, null=True, blank=True, on_delete=models.PROTECT, related_name="calls", verbose_name=_("취소내역")
    )
    state = models.CharField(_("상태"), max_length=8, choices=CallState, default=CallState.READY)
    idempotency_key = models.CharField(_("멱등키"), max_length=255, unique=True)
    # Written before the call is sent; of a cancel by the worker that sends it, who knows the gateway's form.
    sealed_body = models.BinaryField(null=True, editable=False)
    body = SealedField("sealed_body")
    purpose = models.CharField(_("목적"), max_length=24, choices=Reason, blank=True)

    first_sent_at = models.DateTimeField(_("첫 전송"), null=True, blank=True)
    missed_looks = models.PositiveIntegerField(_("없음 확인 횟수"), default=0)
    first_missed_at = models.DateTimeField(null=True, blank=True)
    code = models.CharField(_("응답 코드"), max_length=100, blank=True)
    message = models.CharField(_("응답 내용"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("생성"), default=timezone.now)
    ended_at = models.DateTimeField(_("종료"), null=True, blank=True)

    class Meta:
        verbose_name = _("PG 호출")
        verbose_name_plural = _("PG 호출")
        indexes = [due_index("call_due", "merchant")]
        constraints = [
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(state__in=OPEN_CALLS) & ~Q(kind=CallKind.NET_CANCEL),
                name="one_open_call_per_session",
            ),
            models.UniqueConstraint(
                fields=["session"],
                condition=Q(state__in=OPEN_CALLS, kind=CallKind.NET_CANCEL),
                name="one_open_net_cancel_per_session",
            ),
            models.CheckConstraint(condition=Q(state__in=CallState.values), name="call_state_known"),
            models.CheckConstraint(
                condition=Q(kind=CallKind.CANCEL, cancellation__isnull=False)
                | (~Q(kind=CallKind.CANCEL) & Q(cancellation__isnull=True)),
                name="cancel_call_has_its_cancellation",
            ),
            # A lookup may end a call that was never sent.
            models.CheckConstraint(
                condition=~Q(state__in=(CallState.SENDING, CallState.UNKNOWN)) | Q(first_sent_at__isnull=False),
                name="sent_call_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN_CALLS, due_at__isnull=False)
                | (~Q(state__in=OPEN_CALLS) & Q(due_at__isnull=True)),
                name="open_call_is_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.session_id}"
