"""The shops that call PGB."""

import secrets
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Cast, Concat
from django.db.models.lookups import Regex
from django.utils.translation import gettext_lazy as _

from merchants.fields import HintedSecret
from merchants.keys import hash_api_key
from merchants.rules import (
    check_completion_url,
    check_currency,
    check_name,
    check_nation,
    check_redirect_host,
)


def new_publishable_key() -> str:
    """Return a key that may stand in a page of the shop: it only reads what order pages show to anybody."""
    return f"pgb_pub_{secrets.token_urlsafe(24)}"


class Shop(models.Model):
    """A shop database (DBType) and one of its joiners; ``joiner_id`` null: all others."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    db_type = models.CharField("DBType", max_length=20, validators=[check_name])
    joiner_id = models.PositiveBigIntegerField(
        "JoinerId",
        null=True,
        blank=True,
        help_text=_("비우면 따로 등록되지 않은 모든 JoinerId"),
    )
    name = models.CharField(_("이름"), max_length=100, blank=True)
    nations = ArrayField(
        models.TextField(validators=[check_nation]),
        verbose_name=_("국가"),
        help_text=_("쉼표로 구분합니다. 예: KR,JP"),
    )
    currency = models.CharField(_("통화"), max_length=3, validators=[check_currency])
    api_key_hash = models.CharField(_("API 키"), max_length=64, blank=True, editable=False, db_index=True)
    api_key_old_hash = models.CharField(_("이전 API 키"), max_length=64, blank=True, editable=False, db_index=True)
    publishable_key = models.CharField(
        _("공개 키"),
        max_length=64,
        unique=True,
        default=new_publishable_key,
        # For code from before the column, while both run.
        db_default=Concat(Value("pgb_pub_"), Cast(RandomUUID(), models.TextField())),
        editable=False,
    )
    completion_url = models.CharField(_("결제완료 통보 주소"), max_length=500, validators=[check_completion_url])
    sealed_signing_secret = models.BinaryField(editable=False)
    signing_secret = HintedSecret("sealed_signing_secret", "signing_secret_hint", "secrets_changed_at")
    signing_secret_hint = models.CharField(_("서명 비밀값"), max_length=8, blank=True, editable=False)
    sealed_signing_secret_old = models.BinaryField(null=True, editable=False)
    signing_secret_old = HintedSecret("sealed_signing_secret_old", "signing_secret_old_hint", "secrets_changed_at")
    signing_secret_old_hint = models.CharField(_("이전 서명 비밀값"), max_length=8, blank=True, editable=False)
    secrets_changed_at = models.DateTimeField(_("서명 비밀값 변경"), null=True, editable=False)
    redirect_hosts = ArrayField(
        models.TextField(validators=[check_redirect_host]),
        verbose_name=_("RedirectUrl 허용 호스트"),
        help_text=_("쉼표로 구분합니다. 예: shop.example,m.shop.example"),
    )
    is_active = models.BooleanField(_("사용"), default=True)

    class Meta:
        verbose_name = _("상점")
        verbose_name_plural = _("상점")
        ordering = ["db_type", F("joiner_id").asc(nulls_first=True)]
        constraints = [
            models.UniqueConstraint(
                "db_type",
                "joiner_id",
                name="one_shop_per_joiner",
                violation_error_message=_("같은 DBType과 JoinerId의 상점이 이미 있습니다."),
            ),
            # NULLS NOT DISTINCT needs PostgreSQL 15.
            models.UniqueConstraint(
                "db_type",
                condition=Q(joiner_id__isnull=True),
                name="one_shop_for_every_joiner",
                violation_error_message=_("이 DBType의 모든 JoinerId에 적용되는 상점이 이미 있습니다."),
            ),
            models.CheckConstraint(
                condition=Regex(Cast("nations", models.TextField()), Value(r"^\{[A-Z]{2}(,[A-Z]{2})*\}$")),
                name="shop_nations_are_codes",
                violation_error_message=_("국가는 대문자 두 글자 코드로 하나 이상 적습니다."),
            ),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="shop_currency_is_code"),
            models.CheckConstraint(condition=~Q(sealed_signing_secret=b""), name="shop_has_signing_secret"),
        ]

    def __str__(self) -> str:
        return f"{self.db_type}/{'*' if self.joiner_id is None else self.joiner_id}"

    def clean(self) -> None:
        """Refuse a currency or nations with which a connection made for this shop could not charge."""
        super().clean()
        # What its own field refused is still missing here.
        for connection in self.misfits() if self.nations and self.currency else ():
            raise ValidationError(
                _("이 상점에 연결된 가맹점의 통화가 다릅니다: %(connection)s (%(currency)s)"),
                code="shop_currency",
                params={"connection": str(connection), "currency": connection.merchant.currency},
            )

    def misfits(self) -> models.QuerySet[Any]:
        """Return the connected rows of this DBType that reach this shop with another currency."""
        connections = apps.get_model("merchants", "MethodConnection").objects.filter(connected=True)
        rows = connections.filter(db_type=self.db_type, nation__in=self.nations).exclude(
            merchant__currency=self.currency
        )
        if self.joiner_id is not None:
            return rows.filter(Q(joiner_id=None) | Q(joiner_id=self.joiner_id))
        others = Shop.objects.filter(db_type=self.db_type, joiner_id__isnull=False).values("joiner_id")
        return rows.filter(Q(joiner_id=None) | ~Q(joiner_id__in=others))

    def set_api_key(self, key: str, *, keep_old: bool) -> None:
        """Let ``key`` open this shop from now on; with ``keep_old`` the present key stays valid beside it."""
        self.api_key_old_hash = self.api_key_hash if keep_old else ""
        self.api_key_hash = hash_api_key(key)
