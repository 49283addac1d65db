"""카드사 심사: on a merchant's page, the issuers that have passed it, and those that have not."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from unfold.admin import TabularInline
from unfold.widgets import INPUT_CLASSES

from merchants.codes import ReviewState
from merchants.models import CardIssuer, IssuerReview, Merchant

TONES = {
    ReviewState.REQUESTED: "info",
    ReviewState.REVIEWING: "info",
    ReviewState.PASSED: "success",
    ReviewState.AGAIN: "warning",
}
ADD_ALL, PASS_CHOSEN, CHOSEN = "_add_issuers", "_pass_issuers", "chosen_reviews"


class DayInput(forms.DateInput):
    """The browser's own calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d", attrs={"class": " ".join(INPUT_CLASSES)})


class IssuerReviewInline(TabularInline):
    """One row per issuer; who may change the merchant may change these."""

    model = IssuerReview
    fields = ("issuer", "state", "requested_on", "decided_on", "note")
    template = "admin/merchants/issuer_reviews.html"
    extra = 1

    def get_queryset(self, request: HttpRequest) -> QuerySet[IssuerReview]:
        return super().get_queryset(request).select_related("issuer")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in ("requested_on", "decided_on"):
            kwargs["widget"] = DayInput
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        # The table's heads name the inputs for those who see them.
        getattr(field.widget, "widget", field.widget).attrs["aria-label"] = field.label
        return field

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("merchants.view_merchant") or self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("merchants.change_merchant")

    has_add_permission = has_delete_permission = has_change_permission


def is_shown(merchant: Merchant | None) -> bool:
    """Whether issuers' reviews mean anything for this merchant, or stand in its books."""
    return merchant is not None and (merchant.needs_issuer_reviews or merchant.issuer_reviews.exists())


def standing(merchant: Merchant) -> dict[str, Any]:
    """Return which issuers serve the merchant, and which are still closed."""
    passed = set(merchant.issuer_reviews.filter(state=ReviewState.PASSED).values_list("issuer_id", flat=True))
    issuers = list(CardIssuer.objects.all())
    return {
        "passed": [issuer for issuer in issuers if issuer.pk in passed],
        "closed": [issuer for issuer in issuers if issuer.pk not in passed],
    }


def fulfil(request: HttpRequest, merchant: Merchant) -> bool:
    """Do what a button under the table asks for, after the rest was saved; False if none was pressed."""
    if ADD_ALL in request.POST:
        _add_all(request, merchant)
    elif PASS_CHOSEN in request.POST:
        _pass_chosen(request, merchant)
    else:
        return False
    return True


def _add_all(request: HttpRequest, merchant: Merchant) -> None:
    """신청 with every issuer that has no row yet, today."""
    today = {"requested_on": timezone.localdate()}
    missing = CardIssuer.objects.exclude(reviews__merchant=merchant)
    # Somebody else may press the button at this moment.
    added = [IssuerReview.objects.get_or_create(merchant=merchant, issuer=one, defaults=today)[1] for one in missing]
    messages.success(request, _("카드사 %(count)s곳을 '신청'으로 추가했습니다.") % {"count": sum(added)})


def _pass_chosen(request: HttpRequest, merchant: Merchant) -> None:
    chosen = [int(key) for key in request.POST.getlist(CHOSEN) if key.isascii() and key.isdecimal() and len(key) < 18]
    reviews = merchant.issuer_reviews.filter(pk__in=chosen).exclude(state=ReviewState.PASSED).select_related("issuer")
    passed = 0
    for review in reviews:
        review.state, review.decided_on = ReviewState.PASSED, timezone.localdate()
        try:
            review.validate_constraints()
        except ValidationError as error:
            messages.error(request, f"{review.issuer}: {' '.join(error.messages)}")
        else:
            review.save()
            passed += 1
    if passed:
        messages.success(request, _("카드사 %(count)s곳을 '통과'로 바꿨습니다.") % {"count": passed})
    elif not chosen:
        messages.warning(request, _("통과로 바꿀 카드사를 왼쪽에서 고르세요."))
