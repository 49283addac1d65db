"""확인 필요 처리: what was expected and what was found, and what a person can do about it."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldBooleanWidget

from config.people import recent
from payments import ledger, reviewing, staff_cancels
from payments.admin import cancel_page, columns, session_page, timeline, words
from payments.admin.asking import Offer, Offers, WhyField
from payments.admin.base import person
from payments.models import PaymentSession
from payments.reviewing import Choice
from payments.staff import NotPossible

MEANINGS = {
    Choice.ACCEPT: gettext_lazy("결제 완료로 바꾸고 상점에 알립니다. 다른 사람의 승인이 필요합니다."),
    Choice.CLOSED: gettext_lazy(
        "PG사에 남은 돈이 없거나 직접 처리했을 때 고릅니다. 상점에 결제 완료를 알리지 않습니다."
    ),
    Choice.FAILED: gettext_lazy("들어온 돈이 없거나 직접 처리했을 때 고릅니다. 상점에 결제 실패를 알립니다."),
    Choice.MARK: gettext_lazy("원인을 처리했고 더 할 일이 없을 때 고릅니다. 돈과 단계는 그대로입니다."),
    Choice.REFUNDED: gettext_lazy("PG사 관리자에서 환불을 확인했습니다. 취소 완료로 기록하고 상점에 알립니다."),
    Choice.NOT_REFUNDED: gettext_lazy(
        "PG사 관리자에 환불이 없습니다. 취소 거절로 기록하고 금액을 잔액으로 되돌립니다. 상점에도 알립니다."
    ),
}


class ReviewForm(forms.Form):
    """What a person chose of what is possible, and why."""

    version = forms.CharField(max_length=64, widget=forms.HiddenInput)
    choice = forms.ChoiceField(label=gettext_lazy("처리 방법"))
    stated = forms.BooleanField(
        label=gettext_lazy("PG사에 남은 돈을 직접 처리했습니다"), required=False, widget=UnfoldBooleanWidget
    )
    reason = WhyField(help_text=gettext_lazy("무엇을 확인했고 왜 이렇게 처리하는지 적습니다. 개인정보는 적지 마세요."))

    def __init__(self, session: PaymentSession, found: Mapping[Choice, str], data: Any = None) -> None:
        super().__init__(data, initial={"version": staff_cancels.version_of(session)})
        self.session = session
        offers = [Offer(choice.value, str(choice.label), MEANINGS[choice], why) for choice, why in found.items()]
        widget = Offers(offers)
        self.fields["choice"].widget = widget
        self.fields["choice"].choices = widget.choices  # type: ignore[attr-defined]
        if not any(reviewing.needs_statement(session, choice) for choice, why in found.items() if not why):
            del self.fields["stated"]

    def clean(self) -> dict[str, Any]:
        """Refuse to end what still holds money, unless the person states that it was dealt with."""
        given = super().clean() or {}
        choice = given.get("choice")
        if choice and reviewing.needs_statement(self.session, Choice(choice)) and not given.get("stated"):
            self.add_error("stated", reviewing.MONEY_IS_THERE)
        return given


class ReviewPage:
    """Beside RecordAdmin: the page behind 확인 필요 처리."""

    def get_urls(self) -> list[URLPattern]:
        """Add its address."""
        view = self.admin_site.admin_view(self.review)  # type: ignore[attr-defined]
        return [path("<int:pk>/review/", view, name="payments_review"), *super().get_urls()]  # type: ignore[misc]

    def review(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what is known and what can be done; write what was chosen."""
        may_view = self.has_view_permission(request)  # type: ignore[attr-defined]
        if not (request.user.has_perm(cancel_page.PERMISSION) and may_view):
            raise PermissionDenied
        session = get_object_or_404(PaymentSession.objects.select_related("order__shop", "merchant"), pk=pk)
        found = reviewing.obstacles(session)
        if not found:
            messages.info(request, _("이 결제에는 사람이 처리할 것이 없습니다."))
            return HttpResponseRedirect(cancel_page.page_of(session))
        possible = [choice for choice, why in found.items() if not why]
        form = ReviewForm(session, found, request.POST or None)
        proof = recent.form_for(request)
        if request.method == "POST" and form.is_valid() and recent.is_proved(request, proof):
            return _do(request, session, form)
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            **session_page.summary(session, timeline.latest(session.events.all()), ledger.open_call(session)),
            "title": _("확인 필요 처리"),
            "opts": PaymentSession._meta,
            "original": session,
            "form": form,
            "proof": proof,
            "possible": possible,
            "obstacle": "" if possible else " ".join(sorted(set(found.values()))),
            "facts": [(name, value) for name, value in _at_the_gateway(session).items() if value],
        }
        return TemplateResponse(request, "admin/payments/review.html", context)


def _at_the_gateway(session: PaymentSession) -> dict[str, str]:
    """Return by what a person finds the payment at the gateway, and the cancel of which it does not tell."""
    call = reviewing.call_in_doubt(session)
    cancel = call and call.cancellation
    found = {
        "MID": session.merchant.mid,
        _("PG 거래번호"): session.gateway_id,
        _("PG 결제번호"): session.gateway_payment_id,
        _("결제 시각"): columns.moment(session.paid_at),
    }
    if not cancel:
        return found
    asked = {
        _("취소 금액"): words.amount(cancel.amount, session.currency),
        _("취소번호"): str(cancel.uuid),
        _("취소 요청"): columns.moment(cancel.requested_at),
    }
    return {**found, **asked}


def _do(request: HttpRequest, session: PaymentSession, form: ReviewForm) -> HttpResponse:
    given = form.cleaned_data
    try:
        asked = reviewing.choose(
            session.pk,
            Choice(given["choice"]),
            given["reason"],
            person(request),
            given["version"],
            stated=bool(given.get("stated")),
        )
    except NotPossible as obstacle:
        messages.error(request, str(obstacle))
    else:
        done = _("승인을 요청했습니다. 다른 사람이 승인하면 곧바로 처리합니다.") if asked else _("처리를 기록했습니다.")
        messages.success(request, done)
    return HttpResponseRedirect(cancel_page.page_of(session))
