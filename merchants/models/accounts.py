"""Contracts with gateways."""

import secrets
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from merchants.codes import GatewayCode, Mode, Purpose
from merchants.fields import HintedField
from merchants.rules import REVIEWED_BY_ISSUERS, check_currency, check_name, check_webhook_token

# How long before their end keys are told to staff.
EXPIRY_WARNING = timedelta(days=30)


def new_webhook_token() -> str:
    """Return the unguessable part of a merchant's webhook address (192 bits)."""
    return secrets.token_urlsafe(24)


class Merchant(models.Model):
    """One contract (MID) with one gateway in one currency, test or live, with its encrypted keys.

    ``is_active`` false, or outside its period (the start included, the end not): nothing new is charged with it;
    what was begun with it goes on.
    """

    # What a payment was made with must stay what it was.
    FIXED_ONCE_USED = ("gateway", "mid", "mode", "currency")

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    code = models.CharField(_("가맹점 코드"), max_length=50, unique=True, validators=[check_name])
    gateway = models.CharField(_("PG사"), max_length=20, choices=GatewayCode)
    mid = models.CharField("MID", max_length=100)
    mode = models.CharField(_("구분"), max_length=4, choices=Mode)
    currency = models.CharField(_("통화"), max_length=3, validators=[check_currency])
    sealed_credentials = models.BinaryField(editable=False)
    credentials = HintedField("sealed_credentials", hints="credential_hints", changed_at="credentials_changed_at")
    credential_hints = models.JSONField(_("인증 정보"), default=dict, editable=False)
    credentials_changed_at = models.DateTimeField(_("인증 정보 변경"), null=True, editable=False)
    credentials_expire_on = models.DateField(
        _("인증 정보 만료일"),
        null=True,
        blank=True,
        help_text=_("PG사 콘솔에 만료일이 있으면 적습니다. 30일 전부터 알립니다."),
    )
    webhook_token = models.CharField(
        _("웹훅 토큰"),
        max_length=64,
        unique=True,
        default=new_webhook_token,
        validators=[check_webhook_token],
    )
    purpose = models.CharField(_("용도"), max_length=16, choices=Purpose, default=Purpose.NORMAL)
    starts_at = models.DateTimeField(_("시작"), null=True, blank=True)
    ends_at = models.DateTimeField(_("종료"), null=True, blank=True)
    note = models.TextField(_("메모"), blank=True)
    is_active = models.BooleanField(_("사용"), default=True)

    class Meta:
        verbose_name = _("가맹점")
        verbose_name_plural = _("가맹점 관리")
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(
                "gateway",
                "mid",
                "mode",
                "currency",
                name="one_merchant_per_mid",
                violation_error_code="merchant_mid",
                violation_error_message=_("같은 PG사, MID, 구분, 통화의 가맹점이 이미 있습니다."),
            ),
            models.CheckConstraint(condition=Q(mode__in=Mode.values), name="merchant_mode_known"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="merchant_currency_is_code"),
            models.CheckConstraint(
                condition=Q(webhook_token__regex=r"^[A-Za-z0-9_-]{8,64}$"), name="webhook_token_unguessable"
            ),
            models.CheckConstraint(condition=~Q(sealed_credentials=b""), name="merchant_has_credentials"),
            models.CheckConstraint(condition=Q(purpose__in=Purpose.values), name="merchant_purpose_known"),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(starts_at__lt=F("ends_at")),
                name="merchant_period_in_order",
                violation_error_code="period",
                violation_error_message=_("종료는 시작보다 뒤여야 합니다."),
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def clean(self) -> None:
        """Refuse to change what payments and connections rely on."""
        super().clean()
        self._keep_what_is_fixed()
        if not self._state.adding and {"gateway", "currency"} & set(self._changes()):
            self._keep_connections_fit()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, but not a change of what is fixed: code that forgets to clean must not get past it."""
        self._keep_what_is_fixed()
        super().save(*args, **kwargs)

    def is_used(self) -> bool:
        """Whether a payment session was ever opened with this merchant."""
        return not self._state.adding and self.sessions.exists()

    def live_sessions(self) -> models.QuerySet[Any]:
        """Return the payments under way: they keep this merchant, whatever is connected meanwhile."""
        return self.sessions.filter(stage__in=self.sessions.model.LIVE)

    def is_open(self, at: datetime) -> bool:
        """Whether new payments may be charged with it at the time ``at``."""
        begun = self.starts_at is None or self.starts_at <= at
        over = self.ends_at is not None and self.ends_at <= at
        return self.is_active and self.purpose == Purpose.NORMAL and begun and not over

    def credentials_expire_soon(self, today: date) -> bool:
        """Whether its keys end within EXPIRY_WARNING, or have ended."""
        return self.credentials_expire_on is not None and self.credentials_expire_on <= today + EXPIRY_WARNING

    @property
    def needs_issuer_reviews(self) -> bool:
        """Whether it serves only the card issuers that passed it: live contracts with a gateway in Korea."""
        return self.mode == Mode.LIVE and self.gateway in REVIEWED_BY_ISSUERS

    def _changes(self) -> list[str]:
        stored = Merchant.objects.filter(pk=self.pk).values(*self.FIXED_ONCE_USED).first() or {}
        return [name for name, value in stored.items() if getattr(self, name) != value]

    def _keep_what_is_fixed(self) -> None:
        changes = [] if self._state.adding else self._changes()
        if changes and self.is_used():
            labels = ", ".join(str(field.verbose_name) for field in self._meta.fields if field.name in changes)
            raise ValidationError(
                _("결제에 쓰인 가맹점의 %(labels)s은(는) 바꿀 수 없습니다. 새 가맹점을 등록하세요."),
                code="fixed_once_used",
                params={"labels": labels, "names": ", ".join(changes)},
            )

    def _keep_connections_fit(self) -> None:
        for connection in self.connections.filter(connected=True):
            connection.merchant = self
            try:
                connection.clean()
            except ValidationError as error:
                raise ValidationError(
                    _("연결된 결제수단과 맞지 않습니다: %(connection)s. %(problem)s"),
                    code="connection_unfit",
                    params={"connection": str(connection), "problem": " ".join(error.messages)},
                ) from None
