"""The look of the back office, and its menu: three levels, drawn by templates/unfold/helpers/app_list.html."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


def _page(title: Any, icon: str, model: str) -> dict[str, Any]:
    """Return the entry of a list that only those see who may view it."""
    app, _dot, name = model.partition(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": _may_view(app, name),
    }


def _may_view(app: str, name: str) -> Callable[[HttpRequest], bool]:
    def permission(request: HttpRequest) -> bool:
        return request.user.has_perm(f"{app}.view_{name}") or request.user.has_perm(f"{app}.change_{name}")

    return permission


MENU: list[dict[str, Any]] = [
    {
        "title": _("주문/결제"),
        "items": [
            {
                "title": _("결제수단 관리"),
                "items": [
                    _page(_("결제수단 관리"), "credit_card", "merchants.methodconnection"),
                    _page(_("가맹점 관리"), "storefront", "merchants.merchant"),
                    _page(_("무이자할부 안내 관리"), "percent", "installments.interestfreenotice"),
                ],
            },
            {
                "title": _("결제 현황"),
                "items": [
                    _page(_("결제내역"), "receipt_long", "payments.paymentsession"),
                    _page(_("취소내역"), "undo", "payments.cancellation"),
                    {
                        **_page(pgettext_lazy("menu", "승인"), "task_alt", "payments.approval"),
                        "count": "payments.approvals.waiting_count",
                    },
                    _page(_("웹훅 수신내역"), "call_received", "payments.notification"),
                    _page(_("상점 통보내역"), "outgoing_mail", "payments.delivery"),
                    _page(_("대사"), "compare_arrows", "payments.reconciliation"),
                    _page(_("확인 필요"), "flag", "payments.attention"),
                ],
            },
        ],
    },
    {
        "title": _("시스템"),
        "items": [
            {
                "title": "",
                "items": [
                    _page(pgettext_lazy("menu", "상점"), "store", "merchants.shop"),
                    _page(_("승인 한도"), "rule", "payments.approvallimit"),
                    _page(_("직원"), "badge", "auth.user"),
                    _page(_("역할"), "admin_panel_settings", "auth.group"),
                    _page(_("변경 이력"), "history", "people.historyentry"),
                ],
            },
        ],
    },
]

UNFOLD = {
    "SITE_TITLE": "PGB",
    "SITE_HEADER": "PGB",
    "SITE_SUBHEADER": "Payment Gateway Bridge",
    "SITE_SYMBOL": "sync_alt",
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_LANGUAGES": True,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("payments/icon.svg")}],
    "STYLES": [
        lambda request: static("payments/back_office.css"),
        lambda request: static("payments/figures.css"),
    ],
    "DASHBOARD_CALLBACK": "payments.admin.overview.overview",
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": MENU},
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 254.6)",
            "100": "oklch(93.2% .032 255.6)",
            "200": "oklch(88.2% .059 254.1)",
            "300": "oklch(80.9% .105 251.8)",
            "400": "oklch(70.7% .165 254.6)",
            "500": "oklch(62.3% .214 259.8)",
            "600": "oklch(54.6% .245 262.9)",
            "700": "oklch(48.8% .243 264.4)",
            "800": "oklch(42.4% .199 265.6)",
            "900": "oklch(37.9% .146 265.5)",
            "950": "oklch(28.2% .091 267.9)",
        },
    },
}
