"""전액취소 and 부분취소 of a payment: a form, a page that shows what it will change, and the wish that is written."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from config.people import recent
from merchants.codes import Mode
from payments import approvals, refunds, staff_cancels
from payments.admin import words
from payments.admin.asking import MoneyField, WhyField
from payments.admin.base import person
from payments.models import Approval, PaymentSession
from payments.staff import NotPossible
from payments.staff_cancels import Ask

PERMISSION = "payments.cancel_paymentsession"


class CancelForm(forms.Form):
    """What a cancel needs; of a payment only those fields that it has a use for."""

    version = forms.CharField(max_length=64, widget=forms.HiddenInput)
    reason = WhyField(help_text=gettext_lazy("예: 고객 변심, 재고 없음. 카드번호, 이름, 연락처는 적지 마세요."))

    def __init__(self, session: PaymentSession, *, is_full: bool, data: Any = None) -> None:
        super().__init__(data, initial={"version": staff_cancels.version_of(session)})
        self.session, self.is_full = session, is_full
        # The fields of the request come before its reason.
        fields: dict[str, forms.Field] = {}
        if not is_full:
            most = words.amount(session.balance, session.currency)
            help_text = _("%s까지 취소할 수 있습니다.") % most
            fields["amount"] = MoneyField(session.currency, label=_("취소 금액"), help_text=help_text)
        tax_free = refunds.tax_free_balance(session)
        if tax_free and not is_full:
            help_text = _("면세 금액이 %s 남아 있습니다. 비워 두면 과세 금액부터 취소합니다.")
            help_text %= words.amount(tax_free, session.currency)
            fields["tax_free"] = MoneyField(
                session.currency, label=_("그중 면세 금액"), help_text=help_text, required=False
            )
        if staff_cancels.needs_account(session):
            fields |= _account_fields()
        self.fields = {**fields, **self.fields}

    def clean_amount(self) -> int:
        """Refuse nothing, and more than there is."""
        amount: int = self.cleaned_data["amount"]
        if not 0 < amount <= self.session.balance:
            most = words.amount(self.session.balance, self.session.currency)
            raise forms.ValidationError(_("취소할 수 있는 금액 %s보다 큽니다.") % most)
        return amount

    def clean(self) -> dict[str, Any]:
        """Refuse a tax-free part that does not fit."""
        given = super().clean() or {}
        amount, tax_free = given.get("amount"), given.get("tax_free")
        if amount and tax_free is not None and not refunds.fits(self.session, amount, tax_free):
            self.add_error("tax_free", _("남은 과세, 면세 금액에 맞지 않습니다."))
        return given

    def ask(self) -> Ask:
        """Return what was asked for."""
        given = self.cleaned_data
        amount = self.session.balance if self.is_full else given["amount"]
        account = {name: given[name] for name in ("bank", "account", "holder") if given.get(name)}
        return Ask(amount, given["reason"], given.get("tax_free"), account)


def _account_fields() -> dict[str, forms.Field]:
    labels = {"bank": _("환불 은행"), "account": _("환불 계좌번호"), "holder": _("예금주")}
    widget = UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
    made = {name: forms.CharField(label=label, max_length=50, widget=widget) for name, label in labels.items()}
    made["account"].help_text = _("숫자와 -만 적습니다. 암호화해 저장하고 화면에 다시 보이지 않습니다.")
    made["account"].validators.append(_account_number)
    return dict(made)


def _account_number(text: str) -> None:
    digits = text.replace("-", "")
    if not (digits.isascii() and digits.isdecimal() and 6 <= len(digits) <= 20):
        raise forms.ValidationError(_("계좌번호는 6~20자리 숫자입니다."))


class CancelPage:
    """Beside RecordAdmin: the pages behind the buttons 전액취소 and 부분취소."""

    def get_urls(self) -> list[URLPattern]:
        """Add their address."""
        view = self.admin_site.admin_view(self.cancel)  # type: ignore[attr-defined]
        return [path("<int:pk>/cancel/", view, name="payments_cancel"), *super().get_urls()]  # type: ignore[misc]

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask what to cancel; show what that changes; write the wish."""
        if not (request.user.has_perm(PERMISSION) and self.has_view_permission(request)):  # type: ignore[attr-defined]
            raise PermissionDenied
        session = get_object_or_404(PaymentSession.objects.select_related("order", "merchant"), pk=pk)
        is_full = request.GET.get("part") != "yes"
        no_part = "" if is_full else staff_cancels.why_no_part(session)
        obstacle = staff_cancels.why_not(session, timezone.now()) or no_part
        if obstacle:
            return _back(request, session, obstacle)
        form = CancelForm(session, is_full=is_full, data=request.POST or None)
        step = "form"
        proof = recent.form_for(request)
        if request.method == "POST" and form.is_valid():
            step = request.POST.get("step", "check")
            is_asked = approvals.is_needed(session, form.ask().amount, person(request))
            if step == "do" and (not is_asked or recent.is_proved(request, proof)):
                return _do(request, session, form)
            step = "check"
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": _("전액취소") if is_full else _("부분취소"),
            "opts": PaymentSession._meta,
            "original": session,
            "form": form,
            "step": step,
            **(_preview(request, session, form, proof) if step == "check" else {}),
            **_facts(session),
        }
        return TemplateResponse(request, "admin/payments/cancel.html", context)


def _facts(session: PaymentSession) -> dict[str, Any]:
    return {
        "mode": Mode(session.merchant.mode),
        "amount": words.amount(session.balance, session.currency),
        "asks_buyer": staff_cancels.asks_buyer(session),
    }


def _preview(request: HttpRequest, session: PaymentSession, form: CancelForm, proof: Any) -> dict[str, Any]:
    """Return what the cancel changes, and whether somebody must agree to it."""
    ask = form.ask()
    is_asked = approvals.is_needed(session, ask.amount, person(request))
    sums = {
        _("결제 금액"): (session.paid, session.paid),
        _("취소 금액"): (session.cancelled, session.cancelled + session.reserved + ask.amount),
        _("진행 중인 취소"): (session.reserved, 0),
        _("잔액"): (session.balance, session.balance - ask.amount),
    }
    rows = [(name, *(words.amount(one, session.currency) for one in pair)) for name, pair in sums.items() if any(pair)]
    return {
        "rows": rows,
        "asked": words.amount(ask.amount, session.currency),
        "reason": ask.reason,
        "tax_free": words.amount(ask.tax_free, session.currency) if ask.tax_free else "",
        "is_asked": is_asked,
        "limit": words.amount(approvals.limit_of(person(request), session.currency), session.currency),
        "proof": proof if is_asked else None,
    }


def _do(request: HttpRequest, session: PaymentSession, form: CancelForm) -> HttpResponse:
    try:
        made = approvals.cancel(session.pk, form.ask(), person(request), form.cleaned_data["version"])
    except NotPossible as obstacle:
        return _back(request, session, str(obstacle))
    if isinstance(made, Approval):
        messages.success(request, _("승인을 요청했습니다. 다른 사람이 승인하면 곧바로 취소합니다."))
    else:
        messages.success(request, _("취소를 요청했습니다. 진행 상황은 곧 이 화면에 나타납니다."))
    return HttpResponseRedirect(page_of(session))


def _back(request: HttpRequest, session: PaymentSession, obstacle: str) -> HttpResponse:
    messages.error(request, obstacle)
    return HttpResponseRedirect(page_of(session))


def page_of(session: PaymentSession) -> str:
    """Return the path of the payment's page."""
    return reverse("admin:payments_paymentsession_change", args=[session.pk])
