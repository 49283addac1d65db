"""승인: what waits for a second person, and the buttons 승인, 반려 and 철회."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display

from config.people import recent
from merchants.codes import Mode
from payments import approvals, staff_cancels
from payments.admin import approval_words, columns, masking, search, words
from payments.admin.asking import WhyField
from payments.admin.base import RecordAdmin, person
from payments.admin.filters import CurrencyFilter, DaysFilter, ModeFilter
from payments.models import Approval, ApprovalState
from payments.staff import NotPossible
from payments.states import Reason

PERMISSION = "payments.decide_approval"


class NoteForm(forms.Form):
    """What a person says with a decision."""

    note = WhyField(
        label=gettext_lazy("메모"),
        required=False,
        help_text=gettext_lazy("반려할 때는 까닭을 꼭 적습니다. 개인정보는 적지 마세요."),
    )


@admin.register(Approval)
class ApprovalAdmin(RecordAdmin):
    """승인."""

    list_display = ("requested", "order_number", "kind_label", "money", "reason_text", "people", "state_label")
    list_display_links = ("requested", "order_number")
    list_select_related = ("session__order", "session__merchant", "requester", "decider")
    list_only = (
        "requested_at",
        "kind",
        "state",
        "amount",
        "reason",
        "session__reference",
        "session__currency",
        "session__order__db_type",
        "session__order__order_id",
        "session__order__claim_id",
        "session__merchant__mode",
        "requester__username",
        "decider__username",
    )
    list_filter = (
        ("state", ChoicesCheckboxFilter),
        ("kind", ChoicesCheckboxFilter),
        ("requested_at", DaysFilter),
        ModeFilter,
        CurrencyFilter,
    )
    search_help_text = gettext_lazy("주문번호, 결제번호, PG 거래번호")
    ordering = ("-requested_at", "-pk")
    page_template = "admin/payments/approval.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the addresses of the buttons."""
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/decide/", view(self.decide), name="payments_decide"),
            path("<int:pk>/withdraw/", view(self.withdraw), name="payments_withdraw"),
            *super().get_urls(),
        ]

    @display(description=gettext_lazy("요청"))
    def requested(self, approval: Approval) -> str:
        """Return when it was asked for."""
        return columns.moment(approval.requested_at)

    @display(description=gettext_lazy("주문, 결제번호"), header=True)
    def order_number(self, approval: Approval) -> tuple[str, str]:
        """Return the shop's number, and beneath it the payment's."""
        return str(approval.session.order), approval.session.reference

    @display(description=gettext_lazy("요청 내용"))
    def kind_label(self, approval: Approval) -> str:
        """Return what is asked for."""
        return str(approval.get_kind_display())

    @display(description=gettext_lazy("금액"))
    def money(self, approval: Approval) -> str:
        """Return how much it is about."""
        return words.amount(approval.amount, approval.session.currency)

    @display(description=gettext_lazy("사유"))
    def reason_text(self, approval: Approval) -> str:
        """Return why."""
        return masking.text(approval.reason)

    @display(description=gettext_lazy("담당자"), header=True)
    def people(self, approval: Approval) -> tuple[str, str]:
        """Return who asked, and beneath it who decided."""
        return approval_words.asked(approval), approval_words.decided(approval)

    @display(description=gettext_lazy("상태"), label=words.APPROVAL_TONES)
    def state_label(self, approval: Approval) -> tuple[str, str]:
        """Return the state, for a coloured label."""
        return approval.state, approval.get_state_display()

    def find(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Find by payment."""
        return rows.filter(session__in=search.sessions(term))

    def page(self, request: HttpRequest, record: Approval) -> dict[str, Any]:
        """Return one request, and what this person may do about it."""
        session = record.session
        is_waiting = record.state == ApprovalState.WAITING
        is_own = record.requester_id == request.user.pk
        may_decide = is_waiting and not is_own and request.user.has_perm(PERMISSION)
        return {
            "title": record.get_kind_display(),
            "approval": record,
            "session": session,
            "amount": words.amount(record.amount, session.currency),
            "tone": words.APPROVAL_TONES[ApprovalState(record.state)],
            "mode": Mode(session.merchant.mode),
            "facts": [(name, value) for name, value in _facts(record).items() if value],
            "has_changed": is_waiting and record.version != staff_cancels.version_of(session),
            "may_withdraw": is_waiting and is_own,
            "may_decide": may_decide,
            "is_own": is_own,
            "form": NoteForm(),
            "proof": recent.form_for(request) if may_decide else None,
        }

    @method_decorator(require_POST)
    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        """승인 or 반려, by somebody who has shown lately who they are."""
        if not (request.user.has_perm(PERMISSION) and self.has_view_permission(request)):
            raise PermissionDenied
        record = get_object_or_404(self.get_queryset(request), pk=pk)
        form, proof = NoteForm(request.POST), recent.form_for(request)
        if not (form.is_valid() and recent.is_proved(request, proof)):
            return self.show(request, record, form=form, proof=proof)
        note = form.cleaned_data["note"]
        try:
            if "approve" in request.POST:
                _say(request, approvals.approve(pk, person(request), note))
            else:
                approvals.reject(pk, person(request), note)
                messages.success(request, _("반려했습니다. 아무것도 바뀌지 않았습니다."))
        except NotPossible as obstacle:
            messages.error(request, str(obstacle))
        return HttpResponseRedirect(reverse("admin:payments_approval_change", args=[pk]))

    @method_decorator(require_POST)
    def withdraw(self, request: HttpRequest, pk: int) -> HttpResponse:
        """철회, by who asked."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        get_object_or_404(Approval, pk=pk, requester=request.user.pk)
        try:
            approvals.withdraw(pk, person(request))
        except NotPossible as obstacle:
            messages.error(request, str(obstacle))
        else:
            messages.success(request, _("요청을 철회했습니다."))
        return HttpResponseRedirect(reverse("admin:payments_approval_change", args=[pk]))


def _say(request: HttpRequest, approval: Approval) -> None:
    if approval.state == ApprovalState.STALE:
        why = _("요청한 뒤에 결제가 바뀌었거나 하루가 지나 효력을 잃었습니다. 아무것도 하지 않았으니 다시 요청하세요.")
        messages.error(request, why)
    else:
        messages.success(request, _("승인했습니다. 곧바로 처리합니다."))


def _facts(approval: Approval) -> dict[str, str]:
    session, currency = approval.session, approval.session.currency
    reason = str(Reason(session.reason).label) if session.reason else ""
    now = {
        _("결제 단계"): " · ".join(text for text in (str(session.get_stage_display()), reason) if text),
        _("주문 금액"): words.amount(session.amount, currency),
        _("결제 금액"): words.amount(session.paid, currency),
        _("잔액"): words.amount(session.balance, currency),
    }
    is_waiting = approval.state == ApprovalState.WAITING
    return {
        _("요청 내용"): approval.get_kind_display(),
        _("금액"): words.amount(approval.amount, currency),
        _("면세 금액"): words.amount(approval.tax_free, currency) if approval.tax_free else "",
        _("사유"): masking.text(approval.reason),
        _("환불 계좌"): _("받음 (암호화해 저장됨)") if approval.sealed_account else "",
        _("담당자"): approval_words.people(approval),
        _("요청"): columns.moment(approval.requested_at),
        _("결정"): columns.moment(approval.decided_at),
        _("메모"): approval.note,
        **(now if is_waiting else {}),
    }
