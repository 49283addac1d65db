"""What gateways told us: verified, then stored before anything is done with it."""

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from merchants.codes import GatewayCode
from merchants.fields import SealedField
from merchants.models import Merchant
from payments.models.orders import PaymentSession
from payments.models.queued import Queued, due_index


class Notification(Queued):
    """One notice of a gateway: a doorbell that says which payment to ask about, never what is true of it."""

    # Between the kind and the id in a ``gateway_payment_id`` that is only a part of a payment: the gateway knows whose.
    PART = "/"
    # What it may claim beside the status of the payment or of a refund.
    DISPUTED = "DISPUTED"

    uuid = models.UUIDField(default=uuid4, editable=False)
    gateway = models.CharField(_("PG사"), max_length=20, choices=GatewayCode)
    endpoint = models.CharField(_("수신 경로"), max_length=64)
    merchant = models.ForeignKey(
        Merchant,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="notifications",
        db_index=False,
        verbose_name=_("가맹점"),
    )
    # Merchants whose secret matched: on the shared endpoint there may be several.
    signers = models.JSONField(default=list)
    dedupe_key = models.CharField(_("이벤트 번호"), max_length=255)
    kind = models.CharField(_("이벤트"), max_length=100)
    claims = models.CharField(_("알린 상태"), max_length=20, blank=True)
    reference = models.CharField(_("결제번호"), max_length=64, blank=True)
    gateway_id = models.CharField(_("PG 거래번호"), max_length=255, blank=True)
    gateway_payment_id = models.CharField(_("PG 결제번호"), max_length=255, blank=True)
    # The database's own default is for code from before the column, while both run.
    gateway_cancel_id = models.CharField(_("PG 취소번호"), max_length=255, blank=True, default="", db_default="")
    session = models.ForeignKey(
        PaymentSession,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="notifications",
        verbose_name=_("결제"),
    )
    sealed_body = models.BinaryField(null=True, editable=False)
    body = SealedField("sealed_body")
    body_sha256 = models.CharField(max_length=64)
    received_at = models.DateTimeField(_("수신"), default=timezone.now)
    last_received_at = models.DateTimeField(_("마지막 수신"), default=timezone.now)
    result = models.CharField(_("처리 결과"), max_length=200, blank=True)
    attention = models.BooleanField(_("확인 필요"), default=False)

    class Meta:
        verbose_name = _("웹훅")
        verbose_name_plural = _("웹훅 수신내역")
        indexes = [
            due_index("notification_due", "merchant"),
            models.Index(fields=["gateway_id"], name="notification_gateway_id"),
            models.Index(fields=["gateway_payment_id"], name="notification_payment_id"),
            models.Index(fields=["reference"], name="notification_reference"),
            # The back office's list, and what is rare in it.
            models.Index(fields=["received_at", "id"], name="notification_received"),
            models.Index(fields=["received_at"], name="notification_attention", condition=Q(attention=True)),
        ]
        constraints = [models.UniqueConstraint(fields=["endpoint", "dedupe_key"], name="one_notification_per_event")]

    def __str__(self) -> str:
        return f"{self.kind} {self.dedupe_key}"

    @classmethod
    def orphaned(cls) -> Q:
        """The condition for notices that wait for a session that they name: their work asks no gateway."""
        return Q(session=None, attempts__gt=0) & ~Q(gateway_payment_id__contains=cls.PART)

    def names(self) -> Q:
        """The condition that finds the session this notice speaks of."""
        found = Q(pk__in=[])
        if self.reference:
            found |= Q(reference=self.reference)
        if self.gateway_id:
            found |= Q(gateway_id=self.gateway_id)
        if self.gateway_payment_id:
            found |= Q(gateway_payment_id=self.gateway_payment_id)
        return found & Q(gateway=self.gateway, merchant__in=self.signers)
