"""개인정보 보기: the buyer of one payment, unmasked, for a reason that is recorded."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminTextInputWidget

from merchants import audit
from merchants.crypto import CannotOpen
from payments.models import PaymentSession

PERMISSION = "payments.view_personal_data"
_LABELS = {
    "name": gettext_lazy("구매자"),
    "tel": gettext_lazy("연락처"),
    "email": gettext_lazy("이메일"),
}


class WhyForm(forms.Form):
    """What a look at personal data asks for."""

    reason = forms.CharField(
        label=gettext_lazy("사유"),
        min_length=4,
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("예: 환불 계좌 확인 전화. 본 사람, 시각과 함께 기록됩니다."),
    )


class PersonalData:
    """Beside RecordAdmin: a page of a payment's buyer, which only a press on the button opens."""

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the page."""
        view = self.admin_site.admin_view(self.personal_data)  # type: ignore[attr-defined]
        mine = path("<int:pk>/personal-data/", view, name="payments_personal_data")
        return [mine, *super().get_urls()]  # type: ignore[misc]

    @method_decorator(require_POST)
    def personal_data(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for the reason; then show the buyer, once."""
        if not (request.user.has_perm(PERMISSION) and self.has_view_permission(request)):  # type: ignore[attr-defined]
            raise PermissionDenied
        session = get_object_or_404(PaymentSession.objects.select_related("order"), pk=pk)
        form = WhyForm(request.POST if "reason" in request.POST else None)
        facts = None
        if form.is_valid():
            # Recorded first: what cannot be recorded is not shown.
            audit.record_access(request, session, form.cleaned_data["reason"])
            facts = _facts(session)
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": _("개인정보 보기"),
            "opts": PaymentSession._meta,
            "original": session,
            "form": form,
            "facts": facts,
        }
        return TemplateResponse(request, "admin/payments/personal_data.html", context)


def _facts(session: PaymentSession) -> list[tuple[Any, str]]:
    try:
        buyer = dict(session.buyer or {})
    except CannotOpen:
        return [(_("구매자"), _("열 수 없음: PGB_FIELD_KEYS를 확인하세요."))]
    return [(_LABELS.get(name, name), str(value)) for name, value in buyer.items() if value]
