"""Contracts with gateways."""

import secrets
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from merchants.codes import GatewayCode, Mode
from merchants.fields import SealedField
from merchants.rules import check_currency, check_name, check_webhook_token


def new_webhook_token() -> str:
    """Return the unguessable part of a merchant's webhook address (192 bits)."""
    return secrets.token_urlsafe(24)


class Merchant(models.Model):
    """One contract (MID) with one gateway in one currency, test or live, with its encrypted keys.

    ``is_active`` false: nothing new is charged with it; what was begun with it goes on.
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
    credentials = SealedField("sealed_credentials")
    webhook_token = models.CharField(
        _("웹훅 토큰"),
        max_length=64,
        unique=True,
        default=new_webhook_token,
        validators=[check_webhook_token],
    )
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
