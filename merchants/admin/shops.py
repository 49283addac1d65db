"""상점: who calls PGB."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from merchants.admin.base import UNREADABLE, SecretsAdmin
from merchants.crypto import CannotOpen
from merchants.fields import masked
from merchants.forms import ShopForm
from merchants.models import Shop


@admin.register(Shop)
class ShopAdmin(SecretsAdmin):
    form = ShopForm
    list_display = ("__str__", "name", "nation_codes", "currency", "completion_url", "is_active")
    list_filter = ("is_active", "currency")
    search_fields = ("db_type", "joiner_id", "name")
    fieldsets = (
        (None, {"fields": ("db_type", "joiner_id", "name", "nations", "currency", "is_active")}),
        (_("주소"), {"fields": ("completion_url", "redirect_hosts")}),
        (_("API 키"), {"fields": ("api_key_state", "new_api_key", "drop_old_api_key", "publishable_key")}),
        (
            _("서명 비밀값"),
            {"fields": ("signing_secret_state", "new_signing_secret", "drop_old_signing_secret")},
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Shop | None = None) -> tuple[str, ...]:
        """Which shop it is does not change: its orders belong to it."""
        return ("api_key_state", "signing_secret_state", "publishable_key", *(("db_type", "joiner_id") if obj else ()))

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
        old = _("이전 키 있음") if shop.api_key_old_hash else _("이전 키 없음")
        return f"{present} / {old}"

    @admin.display(description=_("등록된 서명 비밀값"))
    def signing_secret_state(self, shop: Shop) -> str:
        old = _("이전 값 %s") % _shown(shop, "signing_secret_old")
        return f"{_shown(shop, 'signing_secret')} / {old}"


def _shown(shop: Shop, attribute: str) -> str:
    if shop._state.adding:
        return "-"
    try:
        secret = getattr(shop, attribute)
    except CannotOpen:
        return str(UNREADABLE)
    return masked(secret) if secret else str(_("없음"))
