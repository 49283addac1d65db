"""가맹점 관리: contracts (MIDs) with gateways."""

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from merchants.admin.base import UNREADABLE, SecretsAdmin
from merchants.crypto import CannotOpen
from merchants.fields import masked
from merchants.forms import MerchantForm
from merchants.models import Merchant


@admin.register(Merchant)
class MerchantAdmin(SecretsAdmin):
    form = MerchantForm
    list_display = ("code", "gateway", "mid", "mode", "currency", "is_active")
    list_filter = ("gateway", "mode", "currency", "is_active")
    search_fields = ("code", "mid")
    fieldsets = (
        (None, {"fields": ("code", "gateway", "mid", "mode", "currency", "is_active")}),
        (_("인증 정보"), {"fields": ("credentials_state", "new_credentials")}),
        (_("웹훅"), {"fields": ("webhook_url",)}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Merchant | None = None) -> tuple[str, ...]:
        fixed = Merchant.FIXED_ONCE_USED if obj and obj.is_used() else ()
        return ("credentials_state", "webhook_url", *fixed)

    @admin.display(description=_("등록된 인증 정보"))
    def credentials_state(self, merchant: Merchant) -> str:
        if merchant._state.adding:
            return "-"
        try:
            credentials = merchant.credentials
        except CannotOpen:
            return str(UNREADABLE)
        return ", ".join(f"{name} {masked(value)}" for name, value in sorted(credentials.items()))

    @admin.display(description=_("PG사에 등록할 웹훅 주소"))
    def webhook_url(self, merchant: Merchant) -> str:
        if merchant._state.adding:
            return str(_("저장하면 보입니다."))
        return f"{settings.PGB_PUBLIC_URL}/PGBReturn/Webhook/{merchant.gateway}/{merchant.webhook_token}"
