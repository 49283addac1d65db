"""What needs a person: one row from the moment a fact is seen until it is gone, and what staff were told of it."""

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from merchants.codes import Mode
from payments.models.queued import Queued, due_index


class AttentionKind(models.TextChoices):
    """What is wrong; the ``subject`` of a row is the key of what it is wrong with."""

    PAYMENT = "PAYMENT", pgettext_lazy("to do", "결제 확인")
    APPROVAL = "APPROVAL", _("승인 대기")
    CALL = "CALL", _("결과를 모르는 PG 호출")
    DELIVERY = "DELIVERY", _("상점 통보 실패")
    NOTICE = "NOTICE", _("맞는 결제가 없는 웹훅")
    LOOKUPS = "LOOKUPS", _("조회 거절")
    ACCOUNT = "ACCOUNT", _("응답 없는 PG사")
    SHOP = "SHOP", _("응답 없는 상점")
    EXPIRED = "EXPIRED", _("만료된 인증 정보")
    EXPIRING = "EXPIRING", _("곧 만료되는 인증 정보")
    RECONCILIATION = "RECONCILIATION", _("대사 차이")


class Handling(models.TextChoices):
    """What staff have made of a row. DONE: nothing is left to do, though the fact may still be there."""

    NEW = "NEW", _("신규")
    IN_HAND = "IN_HAND", _("확인 중")
    DONE = "DONE", _("처리함")


class Attention(models.Model):
    """One thing that a person must look at. Opened and closed by ``payments.attention`` from what the tables say.

    ``facts`` hold numbers and codes as they were when the row was opened, never personal data.
    """

    kind = models.CharField(_("종류"), max_length=16, choices=AttentionKind)
    subject = models.BigIntegerField()
    mode = models.CharField(_("구분"), max_length=4, choices=Mode, blank=True)
    facts = models.JSONField(default=dict)
    since = models.DateTimeField(_("발생"))
    opened_at = models.DateTimeField(_("발견"), default=timezone.now)
    closed_at = models.DateTimeField(_("해소"), null=True, blank=True)
    told_at = models.DateTimeField(_("직원 알림"), null=True, blank=True)
    handling = models.CharField(_("처리"), max_length=8, choices=Handling, default=Handling.NEW)
    handled_by = models.CharField(_("담당"), max_length=150, blank=True)
    handled_at = models.DateTimeField(_("처리 시각"), null=True, blank=True)
    note = models.CharField(_("메모"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("확인 필요")
        verbose_name_plural = _("확인 필요")
        indexes = [
            models.Index(fields=["opened_at", "id"], name="attention_opened"),
            models.Index(fields=["opened_at"], name="attention_untold", condition=Q(closed_at=None, told_at=None)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(closed_at=None), name="one_open_attention_per_subject"
            ),
            models.CheckConstraint(condition=Q(handling__in=Handling.values), name="handling_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.subject}"


class AlertChannel(models.TextChoices):
    """How staff are told."""

    MAIL = "MAIL", _("메일")
    WEBHOOK = "WEBHOOK", _("웹훅")


class StaffAlert(Queued):
    """One message to staff about all that was new; due until it is sent or given up. Its body never changes."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    channel = models.CharField(_("방법"), max_length=8, choices=AlertChannel)
    attentions = models.ManyToManyField(Attention, related_name="alerts")
    subject = models.CharField(_("제목"), max_length=200)
    body = models.TextField(_("내용"))
    created_at = models.DateTimeField(_("생성"), default=timezone.now)
    sent_at = models.DateTimeField(_("보냄"), null=True, blank=True)
    result = models.CharField(_("결과"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("직원 알림")
        verbose_name_plural = _("직원 알림")
        indexes = [due_index("alert_due")]

    def __str__(self) -> str:
        return self.subject
