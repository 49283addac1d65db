"""무이자할부 안내: which instalments a card issuer, or the shop, lets buyers have without interest."""

from typing import Any

from django.contrib.postgres.fields import RangeOperators
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q, Value
from django.utils.translation import gettext_lazy as _

from merchants.codes import GatewayCode
from merchants.models import CardIssuer
from merchants.ranges import DateRange, Int8Range, NoOverlap
from merchants.rules import check_nation

SMALLEST_AMOUNT = 50_000  # KRW: below it no gateway in Korea offers instalments
LARGEST_AMOUNT = 999_999_999_999
_amounts = [MinValueValidator(0), MaxValueValidator(LARGEST_AMOUNT)]


class Bearer(models.TextChoices):
    """Who pays the interest that the buyer does not. SHOP's must be asked for when the payment is opened."""

    ISSUER = "issuer", _("카드사")
    SHOP = "shop", _("상점")


class Source(models.TextChoices):
    """Where a notice came from."""

    MANUAL = "manual", _("직접 입력")
    TOSS = "toss", _("토스페이먼츠 목록")
    NICE = "nice", _("나이스페이 목록")
    KICC = "kicc", _("이지페이 목록")


class Overlap(ValidationError):
    """Another notice in use says something of the same issuer, months, days and amounts already."""

    def __init__(self, other: "InterestFreeNotice", place: str = "") -> None:
        self.other = other
        words = {"other": str(other), "place": place or f"#{other.pk}"}
        super().__init__(
            _("이미 있는 안내와 겹칩니다: %(place)s %(other)s. 기간이나 금액을 바꾸거나 그 안내를 먼저 고치세요."),
            code="overlap",
            params=words,
        )


class InterestFreeNotice(models.Model):
    """One number of months of one issuer, for a band of amounts, from one day to another, both included (KST).

    ``buyer_turns`` 0: wholly interest-free (무이자); n: the buyer pays the interest of the first n turns
    (부분무이자). Amounts are won, both ends included. ``gateway`` empty: whatever the gateway; a row of the
    gateway itself then stands instead of it. It promises nothing to the gateway: a notice is what buyers read.
    """

    issuer = models.ForeignKey(CardIssuer, on_delete=models.PROTECT, related_name="notices", verbose_name=_("카드사"))
    months = models.PositiveSmallIntegerField(_("할부개월"), validators=[MinValueValidator(2), MaxValueValidator(60)])
    buyer_turns = models.PositiveSmallIntegerField(
        _("고객부담 회차"), default=0, help_text=_("0이면 전체 무이자. 3이면 1~3회차 이자를 고객이 부담(부분무이자)")
    )
    bearer = models.CharField(_("이자 부담"), max_length=10, choices=Bearer, default=Bearer.ISSUER)
    min_amount = models.BigIntegerField(_("최소 금액"), default=SMALLEST_AMOUNT, validators=_amounts)
    max_amount = models.BigIntegerField(_("최대 금액"), null=True, blank=True, validators=_amounts)
    gateway = models.CharField(
        _("PG사"), max_length=20, choices=GatewayCode, blank=True, default="", help_text=_("비우면 모든 PG사")
    )
    nation = models.CharField(_("국가"), max_length=2, default="KR", validators=[check_nation])
    title = models.CharField(_("제목"), max_length=100, blank=True)
    target = models.TextField(_("적용 대상"), blank=True)
    exceptions = models.TextField(_("제외 대상"), blank=True)
    starts_on = models.DateField(_("시작일"))
    ends_on = models.DateField(_("종료일"), help_text=_("이날 자정까지 (한국 시간)"))
    display_order = models.PositiveIntegerField(
        _("표시 순서"), default=0, help_text=_("작은 수의 카드사가 먼저 나옵니다. 같으면 카드사의 순서를 따릅니다.")
    )
    in_use = models.BooleanField(_("사용"), default=True)
    source = models.CharField(_("출처"), max_length=10, choices=Source, default=Source.MANUAL, editable=False)

    class Meta:
        verbose_name = _("무이자할부 안내")
        verbose_name_plural = _("무이자할부 안내 관리")
        permissions = [("export_interestfreenotice", "Can export 무이자할부 안내")]
        ordering = ["-starts_on", "issuer__display_order", "issuer", "months", "min_amount"]
        indexes = [models.Index(fields=["nation", "ends_on", "starts_on"], name="notice_in_force")]
        constraints = [
            models.CheckConstraint(condition=Q(months__gte=2, months__lte=60), name="notice_months_sensible"),
            models.CheckConstraint(
                condition=Q(buyer_turns__lt=F("months")),
                name="notice_turns_within_months",
                violation_error_code="turns",
                violation_error_message=_("고객부담 회차는 할부개월보다 작아야 합니다."),
            ),
            models.CheckConstraint(
                condition=Q(min_amount__gte=0) & (Q(max_amount__isnull=True) | Q(max_amount__gte=F("min_amount"))),
                name="notice_amounts_in_order",
                violation_error_code="amounts",
                violation_error_message=_("금액은 0 이상, 최대 금액은 최소 금액 이상이어야 합니다."),
            ),
            models.CheckConstraint(
                condition=Q(starts_on__lte=F("ends_on")),
                name="notice_period_in_order",
                violation_error_code="period",
                violation_error_message=_("종료일은 시작일보다 앞설 수 없습니다."),
            ),
            models.CheckConstraint(condition=Q(bearer__in=Bearer.values), name="notice_bearer_known"),
            models.CheckConstraint(condition=Q(nation__regex=r"^[A-Z]{2}$"), name="notice_nation_is_code"),
            NoOverlap(
                name="one_notice_at_a_time",
                expressions=[
                    ("issuer", RangeOperators.EQUAL),
                    ("months", RangeOperators.EQUAL),
                    ("gateway", RangeOperators.EQUAL),
                    ("nation", RangeOperators.EQUAL),
                    (DateRange("starts_on", "ends_on", Value("[]")), RangeOperators.OVERLAPS),
                    (Int8Range("min_amount", "max_amount", Value("[]")), RangeOperators.OVERLAPS),
                ],
                condition=Q(in_use=True),
                violation_error_code="overlap",
                violation_error_message=_("같은 카드사와 개월수에 기간과 금액이 겹치는 안내가 이미 있습니다."),
            ),
        ]

    def __str__(self) -> str:
        months = str(_("%s개월")) % self.months
        return f"{self.issuer} {months} {self.amounts} ({self.starts_on}~{self.ends_on})"

    @property
    def amounts(self) -> str:
        """The band of amounts, as staff read it."""
        if self.max_amount is None:
            return str(_("%(min)s원 이상")) % {"min": f"{self.min_amount:,}"}
        return str(_("%(min)s~%(max)s원")) % {"min": f"{self.min_amount:,}", "max": f"{self.max_amount:,}"}

    @property
    def kind(self) -> str:
        """무이자, or 부분무이자 with the turns that the buyer pays, as staff read it."""
        if self.buyer_turns == 0:
            return str(_("무이자"))
        if self.buyer_turns == 1:
            return str(_("부분무이자 (고객 1회차)"))
        return str(_("부분무이자 (고객 1~%s회차)")) % self.buyer_turns

    def covers(self, amount: int) -> bool:
        """Whether an order of ``amount`` won is in the band."""
        return self.min_amount <= amount and (self.max_amount is None or amount <= self.max_amount)

    def overlapping(self) -> "models.QuerySet[InterestFreeNotice]":
        """Return the other rows in use that speak of the same issuer and months, of some day and amount of this one."""
        rows = (
            InterestFreeNotice.objects.exclude(pk=self.pk)
            .select_related("issuer")
            .filter(
                in_use=True,
                issuer=self.issuer_id,
                months=self.months,
                gateway=self.gateway,
                nation=self.nation,
                starts_on__lte=self.ends_on,
                ends_on__gte=self.starts_on,
            )
        )
        rows = rows.filter(Q(max_amount__isnull=True) | Q(max_amount__gte=self.min_amount))
        return rows if self.max_amount is None else rows.filter(min_amount__lte=self.max_amount)

    def validate_constraints(self, exclude: Any = None) -> None:
        """Refuse what the database would refuse, and name the row that is in the way."""
        try:
            super().validate_constraints(exclude)
        except ValidationError as error:
            others = any(one.code == "overlap" for one in error.error_dict.get(NON_FIELD_ERRORS, []))
            other = self.overlapping().first() if others else None
            if other is None:
                raise
            raise Overlap(other) from error
