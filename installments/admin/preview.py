"""미리보기: the popup as shoppers see it, on a desk and on a phone, for any day, amount, gateway and nation."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.clickjacking import xframe_options_sameorigin
from unfold.widgets import INPUT_CLASSES

from installments import lookup
from installments.listing import listing
from installments.models import LARGEST_AMOUNT
from merchants.codes import GatewayCode
from merchants.rules import check_nation

_CLASS = {"class": " ".join(INPUT_CLASSES)}
LANGUAGES = [("ko", "한국어"), ("ja", "日本語"), ("en", "English")]


class PreviewForm(forms.Form):
    """Who looks: the day, the order's amount, through which gateway, from where."""

    day = forms.DateField(label=gettext_lazy("날짜"), widget=forms.DateInput(attrs=_CLASS | {"type": "date"}))
    amount = forms.IntegerField(
        label=gettext_lazy("주문 금액 (원)"),
        required=False,
        min_value=0,
        max_value=LARGEST_AMOUNT,
        widget=forms.NumberInput(attrs=_CLASS | {"step": 1, "placeholder": gettext_lazy("비우면 모두")}),
    )
    gateway = forms.ChoiceField(
        label=gettext_lazy("PG사"),
        choices=[("", gettext_lazy("공통 안내만")), *GatewayCode.choices],
        required=False,
        widget=forms.Select(attrs=_CLASS),
    )
    nation = forms.CharField(
        label=gettext_lazy("국가"),
        max_length=2,
        validators=[check_nation],
        widget=forms.TextInput(attrs=_CLASS | {"size": 2}),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("언어"), choices=LANGUAGES, required=False, widget=forms.Select(attrs=_CLASS)
    )


def _form(model_admin: Any, request: HttpRequest) -> PreviewForm:
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    usual = {"day": timezone.localdate().isoformat(), "amount": "64900", "nation": "KR"}
    return PreviewForm(request.GET.dict() or usual)


def page(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Show the choices and two frames."""
    form = _form(model_admin, request)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("무이자할부 안내 미리보기"),
        "opts": model_admin.opts,
        "form": form,
        "frame": f"{reverse('admin:installments_preview_frame')}?{urlencode(form.data)}",
    }
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, "admin/installments/preview.html", context)


@xframe_options_sameorigin
def frame(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Show an order page with the popup open, fed by ``notices``."""
    form = _form(model_admin, request)
    form.is_valid()
    context = {
        "source": f"{reverse('admin:installments_preview_notices')}?{urlencode(form.data)}",
        "amount": form.cleaned_data.get("amount"),
        "language": form.cleaned_data.get("language") or "ko",
    }
    return TemplateResponse(request, "admin/installments/preview_frame.html", context)


def notices(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Answer what the API would, for staff, read afresh."""
    form = _form(model_admin, request)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=400)
    wish = form.cleaned_data
    groups = lookup.in_force_now(day=wish["day"], nation=wish["nation"], amount=wish["amount"], gateway=wish["gateway"])
    return JsonResponse(listing(wish["day"], wish["nation"], wish["amount"], groups))
