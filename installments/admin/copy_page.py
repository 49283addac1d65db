"""지난달 복사: choose two months, see what would be made and what is in the way, then do it."""

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import INPUT_CLASSES

from installments import copying
from installments.copying import Month


class MonthField(forms.CharField):
    """A month, in the browser's own calendar: 2026-12."""

    widget = forms.TextInput(attrs={"type": "month", "class": " ".join(INPUT_CLASSES), "placeholder": "2026-12"})

    def clean(self, value: Any) -> Month:
        """Return the month. Raises ValidationError."""
        match = re.fullmatch(r"(20\d\d)-(0[1-9]|1[0-2])", super().clean(value), re.ASCII)
        if match is None:
            raise ValidationError(_("달은 2026-12처럼 적습니다."), code="month")
        return Month(int(match[1]), int(match[2]))


class MonthsForm(forms.Form):
    """From which month to which."""

    source = MonthField(label=gettext_lazy("가져올 달"))
    target = MonthField(label=gettext_lazy("만들 달"))

    def clean(self) -> dict[str, Any]:
        """Refuse a month's copy into itself."""
        found: dict[str, Any] = super().clean() or {}
        if "source" in found and found["source"] == found.get("target"):
            raise ValidationError(_("서로 다른 달을 고르세요."), code="same")
        return found


def copy(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Show the plan; carry it out when it is confirmed."""
    if not (model_admin.has_add_permission(request) and model_admin.has_view_permission(request)):
        raise PermissionDenied
    this = Month.of(timezone.localdate())
    form = MonthsForm(request.POST or request.GET or {"source": str(this.before), "target": str(this)})
    copies = copying.plan(form.cleaned_data["source"], form.cleaned_data["target"]) if form.is_valid() else []
    if request.method == "POST" and form.is_valid() and _carried_out(request, copies):
        return HttpResponseRedirect(reverse("admin:installments_interestfreenotice_changelist"))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("지난달 안내를 이번 달로 복사"),
        "opts": model_admin.opts,
        "form": form,
        "copies": copies,
        "made": sum(one.obstacle is None for one in copies),
    }
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, "admin/installments/copy.html", context)


def _carried_out(request: HttpRequest, copies: list[copying.Copy]) -> bool:
    try:
        with transaction.atomic():
            made = len(copying.carry_out(copies))
    except (IntegrityError, ValidationError):
        messages.error(request, _("그사이에 안내가 바뀌었습니다. 다시 확인하세요."))
        return False
    counts = {"made": made, "skipped": len(copies) - made}
    messages.success(request, _("안내 %(made)s건을 만들었습니다. 겹쳐서 건너뛴 안내는 %(skipped)s건입니다.") % counts)
    return True
