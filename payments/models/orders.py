"""An order of the shop, and the attempts to pay it."""

import secrets
from uuid import uuid4

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from ulid import ULID

from merchants.codes import Device, GatewayCode
from merchants.fields import SealedField
from merchants.models import Merchant, Shop
from payments.models.queued import Queued, due_index
from payments.states import HOLDING, LIVE, RARE, Decision, Reason, Stage


class Order(models.Model):
    """The row that serialises everything about one order of the shop.

    It is locked first by PayStart, by every move to PAID and by every message to the shop.
    """

    db_type = models.CharField("DBType", max_length=20)
    order_id = models.BigIntegerField(_("주문번호"), db_index=True)
    claim_id = models.BigIntegerField(_("클레임번호"), default=0)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="orders", verbose_name=_("상점"))
    joiner_id = models.BigIntegerField("JoinerId")
    sequence = models.PositiveIntegerField(_("통보 순번"), default=0)
    created_at = models.DateTimeField(_("생성"), default=timezone.now)

    # Made in this very transaction, and without a session yet: there is nothing to be read about it.
    is_new = False

    class Meta:
        verbose_name = _("주문")
        verbose_name_plural = _("주문")
        constraints = [models.UniqueConstraint(fields=["db_type", "order_id", "claim_id"], name="one_row_per_order")]

    def __str__(self) -> str:
        claim = f"-{self.claim_id}" if self.claim_id else ""
        return f"{self.db_type} {self.order_id}{claim}"


def new_reference() -> str:
    """Return the order number that the gateway sees: 26 characters, sortable by time (a ULID)."""
    return str(ULID.from_datetime(timezone.now()))


def new_token() -> str:
    """Return the unguessable part of a browser's return address (192 bits)."""
    return secrets.token_urlsafe(24)


class PaymentSession(Queued):
    """One attempt to pay one order. Due when the gateway is to be asked about it again.

    Amounts are minor units of ``currency``. ``amount`` is what we asked for, ``paid`` what the
    gateway verified, ``cancelled`` what it gave back, ``reserved`` what open cancels hold.
    """

    # Merchants, who know nothing of stages, ask here which payments are under way.
    LIVE = tuple(sorted(LIVE))

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    reference = models.CharField(_("결제번호"), max_length=26, unique=True, default=new_reference)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="sessions", verbose_name=_("주문"))
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="sessions", verbose_name=_("가맹점"))
    gateway = models.CharField(_("PG사"), max_length=20, choices=GatewayCode)
    method = models.CharField(_("결제수단"), max_length=20)
    device = models.CharField(_("기기"), max_length=10, choices=Device)
    nation = models.CharField(_("국가"), max_length=2)

    stage = models.CharField(_("단계"), max_length=20, choices=Stage, default=Stage.STANDBY)
    reason = models.CharField(_("사유"), max_length=24, choices=Reason, blank=True)
    amount = models.BigIntegerField(_("요청 금액"))
    currency = models.CharField(_("통화"), max_length=3)
    tax_free = models.BigIntegerField(_("면세 금액"), default=0)
    paid = models.BigIntegerField(_("결제 금액"), default=0)
    cancelled = models.BigIntegerField(_("취소 금액"), default=0)
    reserved = models.BigIntegerField(_("취소 예약"), default=0)
    generation = models.PositiveIntegerField(_("환입 횟수"), default=0)
    disputed = models.BooleanField(_("분쟁"), default=False)
    attention = models.BooleanField(_("확인 필요"), default=False)
    decision = models.CharField(
        _("직원의 결정"), max_length=12, choices=Decision, blank=True, default="", db_default=""
    )
    close_wanted = models.BooleanField(_("종료 요청됨"), default=False)

    gateway_id = models.CharField(_("PG 거래번호"), max_length=255, blank=True)
    gateway_payment_id = models.CharField(_("PG 결제번호"), max_length=255, blank=True, db_index=True)
    page_url = models.TextField(_("결제창 주소"), blank=True)
    return_token = models.CharField(max_length=32, unique=True, default=new_token, editable=False)
    redirect_url = models.TextField(_("완료 후 주소"))
    cancel_url = models.TextField(_("취소 후 주소"))
    description = models.TextField(_("상품명"))
    sealed_buyer = models.BinaryField(null=True, editable=False)
    buyer = SealedField("sealed_buyer")

    looked_from = models.DateTimeField(_("조회 기준 시각"), null=True, blank=True)
    expires_at = models.DateTimeField(_("만료"))
    paid_at = models.DateTimeField(_("결제 시각"), null=True, blank=True)
    created_at = models.DateTimeField(_("생성"), default=timezone.now)

    class Meta:
        verbose_name = _("결제")
        verbose_name_plural = _("결제내역")
        permissions = [
            ("export_paymentsession", _("결제내역을 내려받을 수 있음")),
            ("view_personal_data", _("구매자의 개인정보를 볼 수 있음")),
            ("cancel_paymentsession", _("취소와 확인 필요의 처리를 할 수 있음")),
        ]
        indexes = [
            due_index("session_due"),
            # The back office's list, and what is rare in it.
            models.Index(fields=["created_at", "id"], name="session_created"),
            models.Index(fields=["created_at"], name="session_attention", condition=Q(attention=True)),
            models.Index(
                fields=["stage", "created_at"], name="session_rare_stage", condition=Q(stage__in=sorted(RARE))
            ),
            models.Index(fields=["method", "created_at"], name="session_method"),
            # Sums of a period are read from the index alone, and so is the list of what was paid in it.
            models.Index(
                fields=["paid_at", "id"],
                include=["merchant", "gateway", "method", "currency", "paid", "cancelled"],
                name="session_paid",
                condition=Q(paid_at__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(stage__in=sorted(LIVE)), name="one_live_session_per_order"
            ),
            models.UniqueConstraint(
                fields=["order"], condition=Q(stage__in=sorted(HOLDING)), name="one_paid_session_per_order"
            ),
            models.UniqueConstraint(
                fields=["gateway", "merchant", "gateway_id"],
                condition=~Q(gateway_id=""),
                name="one_session_per_gateway_id",
            ),
            models.CheckConstraint(condition=Q(stage__in=Stage.values), name="session_stage_known"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="session_amount_positive"),
            models.CheckConstraint(
                condition=Q(tax_free__gte=0, tax_free__lte=F("amount")), name="tax_free_within_amount"
            ),
            models.CheckConstraint(
                condition=Q(cancelled__gte=0, cancelled__lte=F("paid")), name="cancelled_within_paid"
            ),
            models.CheckConstraint(condition=Q(reserved__gte=0), name="reserved_not_negative"),
            models.CheckConstraint(
                condition=~Q(stage__in=sorted(HOLDING)) | Q(paid__gt=F("cancelled")), name="holding_means_money"
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def balance(self) -> int:
        """What can still be given back, in minor units."""
        return self.paid - self.cancelled - self.reserved

    @property
    def is_live(self) -> bool:
        """Whether the buyer may still pay this session."""
        return self.stage in LIVE
