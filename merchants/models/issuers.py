"""Card issuers, and which of them let a contract charge their cards."""

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from merchants.codes import ReviewState
from merchants.models.accounts import Merchant
from merchants.models.names import Named
from merchants.rules import check_name


class CardIssuer(Named):
    """A company that issues cards (카드사). ``codes``: what each gateway calls it, the code to send first.

    ``{"inicis": ["34", "17"], "tosspayments": ["21"], "nice": ["16"]}``; gateways number them differently.
    """

    code = models.CharField(_("코드"), max_length=20, primary_key=True, validators=[check_name])
    codes = models.JSONField(_("PG사별 코드"), default=dict, blank=True)
    display_order = models.PositiveIntegerField(_("표시 순서"), default=0)

    class Meta:
        verbose_name = _("카드사")
        verbose_name_plural = _("카드사")
        ordering = ["display_order", "code"]

    def __str__(self) -> str:
        return self.local_name

    def code_at(self, gateway: str) -> str:
        """Return what to call it at a gateway; empty if that is not known."""
        codes = self.codes.get(gateway) or [""]
        return str(codes[0])


class IssuerReview(models.Model):
    """카드사 심사: how far an issuer's review of a contract is."""

    merchant = models.ForeignKey(
        Merchant, on_delete=models.CASCADE, related_name="issuer_reviews", verbose_name=_("가맹점")
    )
    issuer = models.ForeignKey(CardIssuer, on_delete=models.PROTECT, related_name="reviews", verbose_name=_("카드사"))
    state = models.CharField(_("심사 상태"), max_length=10, choices=ReviewState, default=ReviewState.REQUESTED)
    requested_on = models.DateField(_("신청일"), null=True, blank=True)
    decided_on = models.DateField(_("결정일"), null=True, blank=True)
    note = models.CharField(_("메모"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("카드사 심사")
        verbose_name_plural = _("카드사 심사")
        ordering = ["issuer__display_order", "issuer"]
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "issuer"],
                name="one_review_per_issuer",
                violation_error_message=_("이 카드사의 심사가 이미 있습니다."),
            ),
            models.CheckConstraint(condition=Q(state__in=ReviewState.values), name="review_state_known"),
            models.CheckConstraint(
                condition=Q(requested_on__isnull=True)
                | Q(decided_on__isnull=True)
                | Q(decided_on__gte=F("requested_on")),
                name="review_decided_after_request",
                violation_error_code="dates",
                violation_error_message=_("결정일은 신청일보다 앞설 수 없습니다."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.merchant} {self.issuer}: {self.get_state_display()}"

    def clean(self) -> None:
        """Fill in the day of a decision."""
        super().clean()
        self._date_the_decision()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; who says that an issuer passed it, without a day, means today."""
        self._date_the_decision()
        super().save(*args, **kwargs)

    def _date_the_decision(self) -> None:
        if self.state == ReviewState.PASSED and self.decided_on is None:
            self.decided_on = timezone.localdate()
