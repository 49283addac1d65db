"""결제내역: attempts to pay orders, and the button 다시 조회."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesCheckboxFilter
from unfold.decorators import display

from payments import staff
from payments.admin import cancel_page, columns, search, sums_file, words
from payments.admin.base import RecordAdmin
from payments.admin.cancel_page import CancelPage
from payments.admin.exports import ExportsFilter
from payments.admin.filters import (
    CurrencyFilter,
    DaysFilter,
    GatewayFilter,
    MerchantFilter,
    MethodFilter,
    ModeFilter,
    ShopFilter,
)
from payments.admin.personal import PERMISSION, PersonalData
from payments.admin.review_page import ReviewPage
from payments.admin.session_page import session_page
from payments.admin.session_sheet import SHEET
from payments.models import PaymentSession
from payments.states import Stage

STAGE_TONES = {str(stage): tone for stage, tone in words.STAGE_TONES.items()} | {"ATTENTION": "danger"}


@admin.register(PaymentSession)
class PaymentSessionAdmin(PersonalData, CancelPage, ReviewPage, ExportsFilter, RecordAdmin):
    """결제내역. By a period of payment, in its order."""

    sheet = SHEET

    list_display = (
        "created",
        "paid_on",
        "order_number",
        "gateway_account",
        "method_name",
        "money",
        "money_back",
        "stage_label",
    )
    list_display_links = ("created", "order_number")
    list_select_related = ("order", "merchant")
    list_only = (
        "created_at",
        "paid_at",
        "paid",
        "cancelled",
        "reference",
        "gateway",
        "method",
        "amount",
        "currency",
        "stage",
        "attention",
        "order__db_type",
        "order__order_id",
        "order__claim_id",
        "merchant__code",
        "merchant__mode",
    )
    list_filter = (
        ("paid_at", DaysFilter),
        ("created_at", DaysFilter),
        ModeFilter,
        ("stage", ChoicesCheckboxFilter),
        GatewayFilter,
        MerchantFilter,
        MethodFilter,
        ShopFilter,
        CurrencyFilter,
        ("attention", BooleanRadioFilter),
    )
    search_help_text = gettext_lazy("주문번호, 결제번호, PG 거래번호")
    page_template = "admin/payments/session.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the addresses of the button and of the file of sums."""
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/look-again/", view(self.look_again), name="payments_look_again"),
            path("sums/", view(sums_file.view(self.admin_site)), name="payments_sums"),
            *super().get_urls(),
        ]

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Show the newest first; what is chosen by its payment, by its payment: the same index serves both."""
        by_payment = any(request.GET.get(f"paid_at_{end}") for end in ("from", "to"))
        return ("-paid_at", "-pk") if by_payment else ("-created_at", "-pk")

    @display(description=gettext_lazy("생성"))
    def created(self, session: PaymentSession) -> str:
        """Return when the shop started it."""
        return columns.moment(session.created_at)

    @display(description=gettext_lazy("결제 시각"))
    def paid_on(self, session: PaymentSession) -> str:
        """Return when it was paid."""
        return columns.moment(session.paid_at)

    @display(description=gettext_lazy("주문, 결제번호"), header=True)
    def order_number(self, session: PaymentSession) -> tuple[str, str]:
        """Return the shop's number, and beneath it ours."""
        return str(session.order), session.reference

    @display(description=gettext_lazy("PG사, 가맹점"), header=True)
    def gateway_account(self, session: PaymentSession) -> tuple[str, str]:
        """Return the gateway, and beneath it whose contract it was paid with."""
        return str(session.get_gateway_display()), columns.merchant(session.merchant)

    @display(description=gettext_lazy("결제수단"))
    def method_name(self, session: Any) -> str:
        """Return what staff call the method; the list has looked it up."""
        return str(session.method_name)

    @display(description=gettext_lazy("금액"))
    def money(self, session: PaymentSession) -> str:
        """Return the amount that was asked for."""
        return words.amount(session.amount, session.currency)

    @display(description=gettext_lazy("취소 금액"))
    def money_back(self, session: PaymentSession) -> str:
        """Return what was given back."""
        return words.amount(session.cancelled, session.currency) if session.cancelled else ""

    @display(description=gettext_lazy("단계"), label=STAGE_TONES)
    def stage_label(self, session: PaymentSession) -> tuple[str, str]:
        """Return the stage, for a coloured label; red where a person must look."""
        label = str(session.get_stage_display())
        if not session.attention or session.stage == Stage.REVIEW:
            return session.stage, label
        return "ATTENTION", " · ".join([label, gettext("확인 필요")])

    def find(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Find by order, payment number, or an id at the gateway."""
        return rows.filter(pk__in=search.sessions(term))

    def page(self, request: HttpRequest, record: PaymentSession) -> dict[str, Any]:
        """Return everything that is known of one payment."""
        may = {
            "may_send": request.user.has_perm("payments.change_delivery"),
            "may_unmask": request.user.has_perm(PERMISSION),
            "may_cancel": request.user.has_perm(cancel_page.PERMISSION),
        }
        return {**session_page(record), **may}

    @method_decorator(require_POST)
    def look_again(self, request: HttpRequest, pk: int) -> HttpResponse:
        """다시 조회."""
        self.act(request, staff.look_again, pk, gettext("다시 조회를 요청했습니다. 결과는 곧 이 화면에 나타납니다."))
        return HttpResponseRedirect(reverse("admin:payments_paymentsession_change", args=[pk]))
