"""Which merchant charges a method of payment, for whom."""

import math
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from merchants.codes import Device
from merchants.models.accounts import Merchant
from merchants.models.names import Named
from merchants.models.shops import Shop
from merchants.ranges import Int8Range, NoOverlap, TsTzRange
from merchants.rules import check_name, check_nation


class PaymentMethod(Named):
    """A method of payment (PayType). Main methods go to a gateway; sub methods (points ...) never do."""

    code = models.CharField(_("코드"), max_length=20, primary_key=True, validators=[check_name])
    is_main = models.BooleanField(_("주결제수단"), default=True)
    lifetime_minutes = models.PositiveIntegerField(
        _("결제 유효시간(분)"), default=40, help_text=_("이 시간 안에 결제하지 않으면 만료됩니다.")
    )
    display_order = models.PositiveIntegerField(_("표시 순서"), default=0)

    class Meta:
        verbose_name = _("결제수단")
        verbose_name_plural = _("결제수단")
        ordering = ["display_order", "code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(lifetime_minutes__gte=1),
                name="method_lifetime_positive",
                violation_error_message=_("유효시간은 1분 이상이어야 합니다."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.local_name} ({self.code})"

    @property
    def kind(self) -> str:
        """Return what staff call it: a main or a sub method."""
        return gettext("주결제수단") if self.is_main else gettext("부결제수단")

    def clean(self) -> None:
        """Refuse to take a method away from the gateways that charge it."""
        super().clean()
        if not self.is_main and self.connections.filter(connected=True, in_use=True).exists():
            raise ValidationError(
                {
                    "is_main": ValidationError(
                        _("사용 중인 연결이 있습니다. 연결을 끈 뒤에 부결제수단으로 바꾸세요."), code="connected"
                    )
                }
            )


class MethodConnection(models.Model):
    """A method of payment -> merchant, for one joiner, for a DBType, or for a whole nation.

    ``connected``: wired and healthy; ``in_use``: the business wants it. Amounts are minor units of the
    merchant's currency, both ends included; the period includes its start and not its end.
    """

    db_type = models.CharField(
        "DBType",
        max_length=20,
        null=True,
        blank=True,
        validators=[check_name],
        help_text=_("비우면 국가 전체"),
    )
    joiner_id = models.PositiveBigIntegerField("JoinerId", null=True, blank=True, help_text=_("비우면 DBType 전체"))
    nation = models.CharField(_("국가"), max_length=2, validators=[check_nation])
    method = models.ForeignKey(
        PaymentMethod, on_delete=models.PROTECT, related_name="connections", verbose_name=_("결제수단")
    )
    device = models.CharField(_("기기"), max_length=10, choices=Device, default=Device.ANY)
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="connections", verbose_name=_("가맹점")
    )
    connected = models.BooleanField(_("연결여부"), default=True)
    in_use = models.BooleanField(_("사용여부"), default=True)
    priority = models.PositiveIntegerField(_("우선순위"), default=1, help_text=_("작은 숫자가 먼저"))
    min_amount = models.BigIntegerField(_("최소 금액"), default=0)
    max_amount = models.BigIntegerField(_("최대 금액"), null=True, blank=True)
    starts_at = models.DateTimeField(_("시작"), null=True, blank=True)
    ends_at = models.DateTimeField(_("종료"), null=True, blank=True)
    display_order = models.PositiveIntegerField(
        _("표시 순서"), default=0, help_text=_("주문서에 보이는 순서. 0이면 결제수단의 순서")
    )

    class Meta:
        verbose_name = _("결제수단 연결")
        verbose_name_plural = _("결제수단 연결")
        ordering = ["db_type", "joiner_id", "nation", "method", "device", "priority", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(joiner_id__isnull=True) | Q(db_type__isnull=False),
                name="connection_joiner_needs_db_type",
                violation_error_code="joiner",
                violation_error_message=_("JoinerId를 적으려면 DBType도 적어야 합니다."),
            ),
            models.CheckConstraint(
                condition=Q(db_type__isnull=True) | ~Q(db_type=""), name="connection_db_type_not_empty"
            ),
            models.CheckConstraint(condition=Q(nation__regex=r"^[A-Z]{2}$"), name="connection_nation_is_code"),
            models.CheckConstraint(condition=Q(device__in=Device.values), name="connection_device_known"),
            models.CheckConstraint(
                condition=Q(min_amount__gte=0) & (Q(max_amount__isnull=True) | Q(max_amount__gte=F("min_amount"))),
                name="connection_amounts_in_order",
                violation_error_code="amounts",
                violation_error_message=_("금액은 0 이상, 최대 금액은 최소 금액 이상이어야 합니다."),
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(starts_at__lt=F("ends_at")),
                name="connection_period_in_order",
                violation_error_code="period",
                violation_error_message=_("종료는 시작보다 뒤여야 합니다."),
            ),
            NoOverlap(
                name="one_connection_at_a_time",
                expressions=[
                    (Coalesce("db_type", Value("")), RangeOperators.EQUAL),
                    (Coalesce("joiner_id", Value(-1)), RangeOperators.EQUAL),
                    ("nation", RangeOperators.EQUAL),
                    ("method", RangeOperators.EQUAL),
                    ("device", RangeOperators.EQUAL),
                    ("priority", RangeOperators.EQUAL),
                    (TsTzRange("starts_at", "ends_at", Value("[)")), RangeOperators.OVERLAPS),
                    (Int8Range("min_amount", "max_amount", Value("[]")), RangeOperators.OVERLAPS),
                ],
                condition=Q(connected=True, in_use=True),
                violation_error_code="overlap",
                violation_error_message=_(
                    "같은 대상, 결제수단, 기기, 우선순위에 기간과 금액이 겹치는 연결이 이미 사용 중입니다."
                ),
            ),
        ]

    def __str__(self) -> str:
        device = self.get_device_display()
        return f"{self.place} · {self.nation} · {self.method_id} · {device} → {self.merchant}"

    @property
    def place(self) -> str:
        """Return whose order pages it is for, in the words of staff."""
        if self.db_type is None:
            return gettext("모든 DBType")
        joiner = gettext("전체") if self.joiner_id is None else self.joiner_id
        return f"{self.db_type}/{joiner}"

    @property
    def is_on(self) -> bool:
        """Whether it may decide: wired, and wanted by the business."""
        return self.connected and self.in_use

    @property
    def key(self) -> dict[str, Any]:
        """Return whom and what it is for: rows with the same key stand in for each other."""
        return {name: getattr(self, name) for name in ("db_type", "joiner_id", "nation", "method_id", "device")}

    def meets(self, other: "MethodConnection") -> bool:
        """Whether there is an amount and a moment of which both speak."""
        amounts = max(self.min_amount, other.min_amount) <= min(
            math.inf if row.max_amount is None else row.max_amount for row in (self, other)
        )
        begun = [at for at in (self.starts_at, other.starts_at) if at]
        over = [at for at in (self.ends_at, other.ends_at) if at]
        return amounts and (not begun or not over or max(begun) < min(over))

    def check_it_may_go_on(self) -> None:
        """Refuse, with ValidationError, what must not be switched on as it is."""
        self.clean()
        [overlap] = [one for one in self._meta.constraints if isinstance(one, NoOverlap)]
        if self.is_on and overlap.others(self).exists():
            raise overlap.refusal(self)

    def live_sessions(self) -> int:
        """Return how many payments are under way that it may have begun: they keep their merchant."""
        sessions = self.merchant.live_sessions().filter(method=self.method_id, nation=self.nation)
        if self.db_type is not None:
            sessions = sessions.filter(order__db_type=self.db_type)
        if self.joiner_id is not None:
            sessions = sessions.filter(order__joiner_id=self.joiner_id)
        if self.device != Device.ANY:
            sessions = sessions.filter(device=self.device)
        return int(sessions.count())

    def clean(self) -> None:
        """Refuse a connection through which nobody could ever pay."""
        super().clean()
        if self.method_id and not self.method.is_main:
            raise ValidationError({"method": ValidationError(_("부결제수단은 연결하지 않습니다."), code="sub_method")})
        if not self.merchant_id:
            return
        if self.connected and self.merchant.gateway not in settings.PGB_GATEWAYS:
            raise ValidationError({"merchant": self._no_gateway()})
        self._check_currency()

    def _no_gateway(self) -> ValidationError:
        return ValidationError(
            _("PGB는 아직 %(gateway)s와(과) 통신하지 못합니다. 연결여부를 끄면 저장됩니다."),
            code="no_gateway",
            params={"gateway": self.merchant.get_gateway_display(), "code": self.merchant.gateway},
        )

    def _check_currency(self) -> None:
        """A row of a DBType must fit every shop it reaches, a nation-wide row at least one."""
        currencies = set(self.shops().values_list("currency", flat=True))
        if not currencies:
            raise ValidationError(
                _("이 연결이 적용될 상점이 없습니다. DBType, JoinerId, 국가를 확인하세요."), code="no_shop"
            )
        if self.merchant.currency not in currencies or (self.db_type and len(currencies) > 1):
            raise ValidationError(
                {
                    "merchant": ValidationError(
                        _("가맹점의 통화(%(merchant)s)가 상점의 통화(%(shop)s)와 다릅니다."),
                        code="merchant_currency",
                        params={"merchant": self.merchant.currency, "shop": ", ".join(sorted(currencies))},
                    )
                }
            )

    def shops(self) -> models.QuerySet[Shop]:
        """Return the shops that this row reaches."""
        serving = Shop.objects.filter(nations__contains=[self.nation])
        if self.db_type is None:
            return serving
        if self.joiner_id is None:
            return serving.filter(db_type=self.db_type)
        has_own = Shop.objects.filter(db_type=self.db_type, joiner_id=self.joiner_id).exists()
        return serving.filter(db_type=self.db_type, joiner_id=self.joiner_id if has_own else None)
