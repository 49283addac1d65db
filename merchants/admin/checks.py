"""인증 정보 확인: the button writes a row, the bridge asks the gateway, and the page watches.

The rows belong to payments; here they are reached from the merchant only.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from merchants.models import Merchant

TONES = {"WAITING": "info", "WORKS": "success", "REFUSED": "danger", "UNANSWERED": "warning"}
HINTS = {
    "wrong_account": gettext_lazy(
        "키는 맞지만 다른 계정의 키입니다. 아래 계정 ID가 맞다면 MID를 고치고, 아니면 이 MID의 키를 입력하세요."
    ),
    "wrong_mode": gettext_lazy("키의 구분(테스트, 실거래)이 가맹점의 구분과 다릅니다. 구분에 맞는 키를 입력하세요."),
    "account_not_readable": gettext_lazy(
        "제한된 키라서 계정을 읽을 수 없습니다. PG사 콘솔에서 이 키에 계정 읽기 권한을 주고 다시 확인하세요."
    ),
    "AuthenticationError": gettext_lazy("PG사가 모르는 키입니다. 콘솔에서 키를 다시 복사해 입력하세요."),
    "api_key_expired": gettext_lazy("만료된 키입니다. 콘솔에서 새 키를 만들어 입력하세요."),
    "cannot_open": gettext_lazy("저장된 키를 열 수 없습니다. PGB_FIELD_KEYS를 확인하거나 키를 모두 다시 입력하세요."),
}
NO_ANSWER = gettext_lazy(
    "PG사가 응답하지 않아 확인하지 못했습니다. 키가 틀렸다는 뜻은 아닙니다. 잠시 뒤에 다시 확인하세요."
)
REFUSED = gettext_lazy("PG사가 이 키를 받아들이지 않았습니다. 콘솔에서 키의 상태와 권한을 확인하세요.")
WORKS = gettext_lazy("PG사가 이 키를 받아들였고, 계정과 구분이 이 가맹점과 같습니다.")
# Later the page is left alone: nobody looks, or nobody works.
WATCHED_FOR = timedelta(seconds=60)
PICKED_UP_WITHIN = timedelta(seconds=10)


def facts(request: HttpRequest, merchant: Merchant) -> dict[str, Any]:
    """Return what the panel of the newest check shows."""
    check = merchant.checks.order_by("-requested_at", "-pk").first()
    return {
        "check": check,
        "merchant": merchant,
        "may_check": request.user.has_perm("merchants.change_merchant"),
        "can_check": merchant.gateway in settings.PGB_GATEWAYS,
        **(_told(merchant, check) if check else {}),
    }


def _told(merchant: Merchant, check: Any) -> dict[str, Any]:
    waited = timezone.now() - check.requested_at
    changed_at = merchant.credentials_changed_at
    is_waiting = check.state == "WAITING"
    return {
        "tone": TONES.get(check.state, ""),
        "hint": _hint(check),
        "is_waiting": is_waiting,
        "is_watched": is_waiting and waited < WATCHED_FOR,
        "is_left_lying": is_waiting and not check.attempts and waited > PICKED_UP_WITHIN,
        "is_outdated": changed_at is not None and changed_at > check.requested_at,
    }


def _hint(check: Any) -> Any:
    if check.state == "WORKS":
        return WORKS
    if check.state == "REFUSED":
        return HINTS.get(check.code, REFUSED)
    if check.state == "UNANSWERED":
        return HINTS.get(check.code, NO_ANSWER)
    return ""


def panel(request: HttpRequest, merchant: Merchant) -> HttpResponse:
    """Answer with the panel alone: the page asks for it until the check has ended."""
    return render(request, "admin/merchants/check.html", facts(request, merchant))


def ask(request: HttpRequest, merchant: Merchant) -> HttpResponse:
    """Write the row on which the bridge acts within a second."""
    if merchant.gateway not in settings.PGB_GATEWAYS:
        name = merchant.get_gateway_display()
        messages.error(request, _("PGB는 아직 %(gateway)s의 키를 확인하지 못합니다.") % {"gateway": name})
    elif not merchant.checks.request(merchant, request.user.get_username(), timezone.now()):
        messages.warning(request, _("이미 확인하고 있습니다."))
    return HttpResponseRedirect(reverse("admin:merchants_merchant_change", args=[merchant.pk]))
