"""대사: our books held against a gateway's own list, a day at a time, and what was different."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from merchants.models import Merchant
from payments.models.cancellations import Cancellation
from payments.models.orders import PaymentSession


class ReconciliationState(models.TextChoices):
    """FAILED: the gateway did not answer to the end; what was found until then stands."""

    RUNNING = "RUNNING", _("대사 중")
    DONE = "DONE", pgettext_lazy("reconciliation", "완료")
    FAILED = "FAILED", _("대사 실패")


class DifferenceKind(models.TextChoices):
    """How our books and the gateway's list can differ; of one payment or refund the first that holds is told.

    Payments, in this order:

    MISSING_HERE: the gateway was paid under a payment number of ours that our books do not have.
    TEST_LIVE: the gateway's payment is a test one and ours is real, or the other way round.
    WRONG_MID: the payment is in the list of another account than the one that our books name.
    DUPLICATE: the gateway was paid twice for one payment of ours: under another id than the one in our books.
    CURRENCY, AMOUNT: the same payment in another currency, of another amount.
    STATE: one side says paid and the other does not, though it knows the payment.
    MISSING_THERE: our books say paid, and the gateway, asked for this very payment, has none.

    Refunds:

    REFUND_MISSING_HERE: the gateway gave money back, or is about to, of which our books have no cancel.
    DUPLICATE: it did so twice for one cancel of ours.
    CURRENCY, AMOUNT: the same refund in another currency, of another amount.
    STATE: gone, on its way, not gone: the two sides do not say the same.
    REFUND_MISSING_THERE: our books say that money went back, and the payment has no such refund at the gateway.

    Payments and refunds that carry no number of ours, of payments that we do not know, are not ours: they are counted.
    """

    MISSING_HERE = "MISSING_HERE", _("PGB에 없는 결제")
    MISSING_THERE = "MISSING_THERE", _("PG사에 없는 결제")
    AMOUNT = "AMOUNT", _("금액 불일치")
    CURRENCY = "CURRENCY", _("통화 불일치")
    STATE = "STATE", _("상태 불일치")
    REFUND_MISSING_HERE = "REFUND_MISSING_HERE", _("PGB에 없는 환불")
    REFUND_MISSING_THERE = "REFUND_MISSING_THERE", _("PG사에 없는 환불")
    WRONG_MID = "WRONG_MID", _("다른 MID")
    TEST_LIVE = "TEST_LIVE", _("테스트/실거래 불일치")
    DUPLICATE = "DUPLICATE", _("중복")


class Reconciliation(models.Model):
    """One day, in Asia/Seoul, of one merchant; the counts and sums are the gateway's, of that day.

    ``lease_token`` is held until ``leased_until`` by the process that works on it.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", verbose_name=_("가맹점"))
    day = models.DateField(_("대사일"))
    state = models.CharField(_("상태"), max_length=8, choices=ReconciliationState, default=ReconciliationState.RUNNING)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    started_at = models.DateTimeField(_("시작"), default=timezone.now)
    ended_at = models.DateTimeField(_("종료"), null=True, blank=True)
    payments = models.PositiveIntegerField(_("결제 건수"), default=0)
    paid = models.BigIntegerField(_("결제 금액"), default=0)
    refunds = models.PositiveIntegerField(_("환불 건수"), default=0)
    refunded = models.BigIntegerField(_("환불 금액"), default=0)
    not_ours = models.PositiveIntegerField(_("PGB 밖의 거래"), default=0)
    code = models.CharField(_("응답 코드"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("대사")
        verbose_name_plural = _("대사")
        indexes = [models.Index(fields=["day", "id"], name="reconciliation_day")]
        constraints = [
            models.UniqueConstraint(fields=["merchant", "day"], name="one_reconciliation_per_day"),
            models.CheckConstraint(condition=Q(state__in=ReconciliationState.values), name="reconciliation_known"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.merchant}"


class Difference(models.Model):
    """One payment or refund of which the two sides say different things; closed once they do not any more.

    ``subject`` is the gateway's id of it, or ours where the gateway has none. ``ours`` and ``theirs`` are what the
    sides said when it was last seen; empty: that side has nothing.
    """

    run = models.ForeignKey(
        Reconciliation, on_delete=models.PROTECT, related_name="differences", verbose_name=_("대사")
    )
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", verbose_name=_("가맹점"))
    day = models.DateField(_("대사일"))
    kind = models.CharField(_("종류"), max_length=20, choices=DifferenceKind)
    subject = models.CharField(_("거래번호"), max_length=255)
    session = models.ForeignKey(
        PaymentSession, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("결제")
    )
    cancellation = models.ForeignKey(
        Cancellation, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("취소내역")
    )
    ours = models.JSONField(default=dict)
    theirs = models.JSONField(default=dict)
    found_at = models.DateTimeField(_("발견"), default=timezone.now)
    seen_at = models.DateTimeField(_("마지막 확인"), default=timezone.now)
    closed_at = models.DateTimeField(_("해소"), null=True, blank=True)
    # Staff let the gateway be asked again: both sides are compared anew from then on.
    asked_at = models.DateTimeField(_("다시 조회 요청"), null=True, blank=True)
    handled_at = models.DateTimeField(_("처리 시각"), null=True, blank=True)
    handled_by = models.CharField(_("담당"), max_length=150, blank=True)
    note = models.CharField(_("메모"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("대사 차이")
        verbose_name_plural = _("대사 차이")
        permissions = [("export_difference", _("대사 차이를 내려받을 수 있음"))]
        indexes = [
            models.Index(fields=["day", "id"], name="difference_day"),
            models.Index(fields=["run"], name="difference_open", condition=Q(closed_at=None, handled_at=None)),
            models.Index(
                fields=["asked_at"], name="difference_asked", condition=Q(closed_at=None, asked_at__isnull=False)
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["run", "kind", "subject"], name="one_difference_per_subject"),
            models.CheckConstraint(condition=Q(kind__in=DifferenceKind.values), name="difference_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.subject}"
