"""결제수단 관리, 가맹점 관리, 상점. No page shows a secret."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget

from merchants.crafted import RefusesCrafted, WholeKeys
from merchants.crypto import CannotOpen
from merchants.forms import MerchantForm, ShopForm, masked
from merchants.models import Merchant, MethodConnection, PaymentMethod, Shop


class _SecretsAdmin(RefusesCrafted, ModelAdmin):
    """A page whose form takes secrets: they stay out of error reports."""

    @method_decorator(sensitive_post_parameters())
    def changeform_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(*args, **kwargs)


@admin.register(Shop)
class ShopAdmin(_SecretsAdmin):
    form = ShopForm
    list_display = ("__str__", "name", "nation_codes", "currency", "completion_url", "is_active")
    list_filter = ("is_active", "currency")
    search_fields = ("db_type", "joiner_id", "name")
    fieldsets = (
        (None, {"fields": ("db_type", "joiner_id", "name", "nations", "currency", "is_active")}),
        (_("주소"), {"fields": ("completion_url", "redirect_hosts")}),
        (_("API 키"), {"fields": ("api_key_state", "new_api_key", "drop_old_api_key")}),
        (
            _("서명 비밀값"),
            {"fields": ("signing_secret_state", "new_signing_secret", "drop_old_signing_secret")},
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Shop | None = None) -> tuple[str, ...]:
        """Which shop it is does not change: its orders belong to it."""
        return ("api_key_state", "signing_secret_state", *(("db_type", "joiner_id") if obj else ()))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in ("nations", "redirect_hosts"):
            kwargs["widget"] = UnfoldAdminTextInputWidget
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description=_("국가"))
    def nation_codes(self, shop: Shop) -> str:
        return ", ".join(shop.nations)

    @admin.display(description=_("등록된 API 키"))
    def api_key_state(self, shop: Shop) -> str:
        present = _("있음") if shop.api_key_hash else _("없음")
        return f"{present} / {_('이전 키 있음') if shop.api_key_old_hash else _('이전 키 없음')}"

    @admin.display(description=_("등록된 서명 비밀값"))
    def signing_secret_state(self, shop: Shop) -> str:
        old = _shown(shop, "signing_secret_old")
        return f"{_shown(shop, 'signing_secret')} / {_('이전 값')} {old}"


@admin.register(Merchant)
class MerchantAdmin(_SecretsAdmin):
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
            return str(_UNREADABLE)
        return ", ".join(f"{name} {masked(value)}" for name, value in sorted(credentials.items()))

    @admin.display(description=_("PG사에 등록할 웹훅 주소"))
    def webhook_url(self, merchant: Merchant) -> str:
        if merchant._state.adding:
            return str(_("저장하면 보입니다."))
        return f"{settings.PGB_PUBLIC_URL}/PGBReturn/Webhook/{merchant.gateway}/{merchant.webhook_token}"


@admin.register(PaymentMethod)
class PaymentMethodAdmin(RefusesCrafted, ModelAdmin):
    list_display = ("code", "name", "is_main", "lifetime_minutes", "display_order")
    list_filter = ("is_main",)

    def get_readonly_fields(self, request: HttpRequest, obj: PaymentMethod | None = None) -> tuple[str, ...]:
        return ("code",) if obj else ()


@admin.register(MethodConnection)
class MethodConnectionAdmin(RefusesCrafted, ModelAdmin):
    list_display = (
        "method",
        "db_type",
        "joiner_id",
        "nation",
        "device",
        "gateway",
        "merchant",
        "connected",
        "in_use",
        "priority",
        "min_amount",
        "max_amount",
        "starts_at",
        "ends_at",
    )
    list_filter = ("method", "nation", "device", "merchant__gateway", "connected", "in_use", "db_type")
    search_fields = ("db_type", "joiner_id", "merchant__code", "merchant__mid")
    autocomplete_fields = ("merchant",)
    fieldsets = (
        (_("대상"), {"fields": ("db_type", "joiner_id", "nation", "method", "device")}),
        (_("연결"), {"fields": ("merchant", "connected", "in_use", "priority")}),
        (
            _("조건 (금액은 통화의 최소 단위)"),
            {"fields": ("min_amount", "max_amount", "starts_at", "ends_at")},
        ),
    )

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.autocomplete_fields:
            kwargs["widget"] = WholeKeys(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description=_("PG사"), ordering="merchant__gateway")
    def gateway(self, connection: MethodConnection) -> str:
        return connection.merchant.get_gateway_display()


_UNREADABLE = _("열 수 없음: PGB_FIELD_KEYS를 확인하세요.")


def _shown(shop: Shop, attribute: str) -> str:
    if shop._state.adding:
        return "-"
    try:
        secret = getattr(shop, attribute)
    except CannotOpen:
        return str(_UNREADABLE)
    return masked(secret) if secret else str(_("없음"))
