"""결제수단: the methods of payment and their order."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display

from merchants.crafted import RefusesCrafted
from merchants.models import PaymentMethod


@admin.register(PaymentMethod)
class PaymentMethodAdmin(RefusesCrafted, ModelAdmin):
    list_display = ("name_here", "code", "kind_label", "connections", "lifetime", "display_order")
    list_display_links = ("name_here", "code")
    fields = ("code", "name", "name_ja", "name_en", "is_main", "lifetime_minutes", "display_order")
    list_filter = (("is_main", BooleanRadioFilter),)
    list_filter_submit = True
    list_before_template = "admin/merchants/tabs.html"
    search_fields = ("code", "name")
    show_full_result_count = False

    class Media:
        css = {"all": ("merchants/connections.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentMethod]:
        on = Q(connections__connected=True, connections__in_use=True)
        return (
            super().get_queryset(request).annotate(all_of_it=Count("connections"), on=Count("connections", filter=on))
        )

    def get_readonly_fields(self, request: HttpRequest, obj: PaymentMethod | None = None) -> tuple[str, ...]:
        return ("code",) if obj else ()

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "is_main":
            field.help_text = _("끄면 부결제수단(포인트, 예치금 등)입니다. 부결제수단은 PG로 보내지 않습니다.")
        return field

    @display(description=_("이름"), ordering="name")
    def name_here(self, method: PaymentMethod) -> str:
        return method.local_name

    @display(description=_("구분"), ordering="is_main", label={True: "primary", False: ""})
    def kind_label(self, method: PaymentMethod) -> tuple[bool, str]:
        return method.is_main, method.kind

    @admin.display(description=_("연결"))
    def connections(self, method: Any) -> str | SafeString:
        if not method.is_main:
            return gettext("PG로 보내지 않습니다")
        url = f"{reverse('admin:merchants_methodconnection_changelist')}?method__code__exact={method.pk}"
        text = gettext("%(all)s건 중 %(on)s건 사용") % {"all": method.all_of_it, "on": method.on}
        return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', url, text)

    @admin.display(description=_("결제 유효시간"), ordering="lifetime_minutes")
    def lifetime(self, method: PaymentMethod) -> str:
        return gettext("%(minutes)s분") % {"minutes": method.lifetime_minutes} if method.is_main else "-"
