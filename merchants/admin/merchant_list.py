"""The list of merchants: its columns and its filters."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Count, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from merchants.admin import words
from merchants.codes import ReviewState
from merchants.models import CardIssuer, IssuerReview, Merchant
from merchants.models.accounts import EXPIRY_WARNING


def with_counts(merchants: QuerySet[Any]) -> QuerySet[Any]:
    """Add to each row how many card issuers there are, and how many passed it."""
    passed = IssuerReview.objects.filter(merchant=OuterRef("pk"), state=ReviewState.PASSED).order_by()
    of_merchant = passed.values("merchant").annotate(count=Count("pk")).values("count")
    in_all = CardIssuer.objects.order_by().annotate(one=Value(1)).values("one").annotate(count=Count("pk"))
    return merchants.annotate(
        issuers_open=Coalesce(Subquery(of_merchant), 0), issuers_in_all=Subquery(in_all.values("count"))
    )


class ExpiryFilter(SimpleListFilter):
    """By the end of the keys."""

    title = _("인증 정보 만료")
    parameter_name = "keys"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, Any]]:
        return [("soon", _("30일 안에 만료")), ("over", _("만료됨"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        today = timezone.localdate()
        if self.value() == "soon":
            return queryset.filter(credentials_expire_on__range=(today, today + EXPIRY_WARNING))
        if self.value() == "over":
            return queryset.filter(credentials_expire_on__lt=today)
        return queryset


class MerchantColumns:
    """Columns that are no plain fields."""

    @display(description=_("구분"), ordering="mode", label=words.MODE_TONES)
    def mode_label(self, merchant: Merchant) -> tuple[str, str]:
        return merchant.mode, merchant.get_mode_display()

    @display(description=_("기간"), ordering="starts_at")
    def period(self, merchant: Merchant) -> str | None:
        ends = [f"{timezone.localtime(at):%Y-%m-%d}" if at else "" for at in (merchant.starts_at, merchant.ends_at)]
        return " ~ ".join(ends).strip() if any(ends) else None

    @display(description=_("카드사 심사"), label={"closed": "danger", "open": "success"})
    def issuers_passed(self, merchant: Any) -> tuple[str, str]:
        if not merchant.needs_issuer_reviews:
            return "", ""
        text = gettext("통과 %(open)s / %(all)s") % {"open": merchant.issuers_open, "all": merchant.issuers_in_all}
        return "open" if merchant.issuers_open else "closed", text

    @display(
        description=_("인증 정보 만료"),
        ordering="credentials_expire_on",
        label={"over": "danger", "soon": "warning"},
    )
    def expiry(self, merchant: Merchant) -> tuple[str, str]:
        ends_on, today = merchant.credentials_expire_on, timezone.localdate()
        if ends_on is None:
            return "", ""
        if ends_on < today:
            return "over", gettext("%(day)s 만료됨") % {"day": ends_on}
        return ("soon" if merchant.credentials_expire_soon(today) else ""), str(ends_on)
