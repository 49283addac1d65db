"""확인 필요 처리: what was expected and what was found, and what a person can do about it."""

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
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldBooleanWidget

from config.people import recent
from payments import cancelling, ledger, reviewing
from payments.admin import cancel_page, session_page, timeline
from payments.admin.asking import WhyField
from payments.admin.base import person
from payments.models import PaymentSession
from payments.reviewing import Choice
from payments.staff import NotPossible


class ReviewForm(forms.Form):
    """What a person chose of what is possible, and why."""

    version = forms.CharField(max_length=64, widget=forms.HiddenInput)
    choice = forms.ChoiceField(label=gettext_lazy("처리"), widget=UnfoldAdminRadioSelectWidget)
    stated = forms.BooleanField(
        label=gettext_lazy("PG사에 남은 돈을 직접 처리했습니다"), required=False, widget=UnfoldBooleanWidget
    )
    reason = WhyField(help_text=gettext_lazy("무엇을 확인했고 왜 이렇게 처리하는지 적습니다. 개인정보는 적지 마세요."))

    def __init__(self, session: PaymentSession, possible: list[Choice], data: Any = None) -> None:
        super().__init__(data, initial={"version": cancelling.version_of(session)})
        choices = [(choice.value, choice.label) for choice in possible]
        self.fields["choice"].choices = choices  # type: ignore[attr-defined]
        if not any(reviewing.needs_statement(session, choice) for choice in possible):
            del self.fields["stated"]


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
        form = ReviewForm(session, possible, request.POST or None)
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
            "impossible": [(choice.label, why) for choice, why in found.items() if why],
        }
        return TemplateResponse(request, "admin/payments/review.html", context)


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
