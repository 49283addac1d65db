"""결제수단: the methods of payment and their order."""

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from merchants.crafted import RefusesCrafted
from merchants.models import PaymentMethod


@admin.register(PaymentMethod)
class PaymentMethodAdmin(RefusesCrafted, ModelAdmin):
    list_display = ("code", "name", "is_main", "lifetime_minutes", "display_order")
    list_filter = ("is_main",)

    def get_readonly_fields(self, request: HttpRequest, obj: PaymentMethod | None = None) -> tuple[str, ...]:
        return ("code",) if obj else ()
