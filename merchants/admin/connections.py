"""결제수단 연결: which merchant charges a method of payment, for whom."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from merchants.crafted import RefusesCrafted, WholeKeys
from merchants.models import MethodConnection


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
