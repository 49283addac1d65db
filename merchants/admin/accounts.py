"""가맹점 관리: contracts (MIDs) with gateways."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from merchants.admin import checks, reviews
from merchants.admin.base import OneByOne, SecretsAdmin
from merchants.admin.merchant_list import ExpiryFilter, MerchantColumns, with_counts
from merchants.admin.merchant_page import merchant_page
from merchants.codes import GatewayCode
from merchants.consoles import CONSOLES
from merchants.merchant_form import form_of, key_inputs
from merchants.models import Merchant

# What a copy begins with: all but its name, its MID and its keys.
COPIED = ("mode", "currency", "purpose", "starts_at", "ends_at", "note")


@admin.register(Merchant)
class MerchantAdmin(MerchantColumns, OneByOne, SecretsAdmin):
    list_display = (
        "code",
        "gateway",
        "mid",
        "mode_label",
        "purpose",
        "currency",
        "period",
        "issuers_passed",
        "expiry",
        "is_active",
    )
    list_filter = ("gateway", "mode", "purpose", "currency", "is_active", ExpiryFilter)
    list_fullwidth = True
    search_fields = ("code", "mid", "note")
    search_help_text = _("가맹점 코드, MID, 메모")
    inlines = (reviews.IssuerReviewInline,)
    change_form_outer_before_template = "admin/merchants/merchant_head.html"
    change_form_outer_after_template = "admin/merchants/merchant_use.html"

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["merchants/merchant.css"]}
        js = ("merchants/merchant.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Merchant]:
        return with_counts(super().get_queryset(request))

    def get_urls(self) -> list[URLPattern]:
        views = {"check": self.check_keys, "copy": self.make_copy}
        wrap = self.admin_site.admin_view
        mine = [path(f"<int:pk>/{name}/", wrap(view), name=f"merchants_{name}") for name, view in views.items()]
        return [*mine, *super().get_urls()]

    # --- the form ------------------------------------------------------------------------------

    def get_form(self, request: HttpRequest, obj: Merchant | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, form=form_of(_gateway(request, obj)), **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Merchant | None = None) -> Any:
        gateway = _gateway(request, obj)
        who = ("gateway_name", "code", "mid", "mode", "currency", "purpose", "is_active")
        if self.has_change_permission(request, obj) or obj is None:
            keys = [*key_inputs(gateway, obj.credential_hints if obj else {}), "credentials_expire_on"]
        else:
            keys = ["credentials_state", "credentials_expire_on"]
        fixed = _FIXED if obj and obj.is_used() else ""
        return (
            (None, {"fields": who, "description": fixed}),
            (_("인증 정보"), {"fields": keys, "description": CONSOLES[gateway].where}),
            (_("사용 기간"), {"fields": ("starts_at", "ends_at")}),
            (_("메모"), {"fields": ("note",)}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Merchant | None = None) -> tuple[str, ...]:
        fixed = Merchant.FIXED_ONCE_USED[1:] if obj and obj.is_used() else ()
        return ("gateway_name", "credentials_state", *fixed)

    def get_inlines(self, request: HttpRequest, obj: Merchant | None = None) -> Any:
        return super().get_inlines(request, obj) if reviews.is_shown(obj) else ()

    @admin.display(description=_("PG사"))
    def gateway_name(self, merchant: Merchant) -> str:
        return merchant.get_gateway_display()

    @admin.display(description=_("등록된 인증 정보"))
    def credentials_state(self, merchant: Merchant) -> str:
        labels = CONSOLES[merchant.gateway].keys
        return ", ".join(f"{labels.get(name, name)} {hint}" for name, hint in merchant.credential_hints.items())

    # --- pages ---------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask for the gateway first: its form follows from it."""
        if request.GET.get("gateway") in CONSOLES:
            return super().add_view(request, form_url, extra_context)
        if not self.has_add_permission(request):
            raise PermissionDenied
        asked = {name: request.GET[name] for name in ("_popup", "_to_field") if name in request.GET}
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("어느 PG사의 가맹점을 등록합니까?"),
            "opts": self.opts,
            "is_popup": "_popup" in asked,
            "choices": [
                (label, CONSOLES[code], urlencode({"gateway": code, **asked})) for code, label in GatewayCode.choices
            ],
        }
        return TemplateResponse(request, "admin/merchants/choose_gateway.html", context)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        copied = Merchant.objects.filter(pk=_whole(request.GET.get("copy", ""))).first()
        return {name: getattr(copied, name) for name in COPIED} if copied else {"currency": "KRW"}

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if context.get("original"):
            context.update(merchant_page(request, context["original"]))
        else:
            context["title"] = gettext("%(gateway)s 가맹점 추가") % {
                "gateway": GatewayCode(request.GET["gateway"]).label
            }
        context["show_save_and_add_another"] = False
        return super().render_change_form(request, context, *args, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if change:
            request.pressed_review_button = reviews.fulfil(request, form.instance)  # type: ignore[attr-defined]

    def response_change(self, request: HttpRequest, obj: Merchant) -> HttpResponse:
        if getattr(request, "pressed_review_button", False):
            return HttpResponseRedirect(_page_of(obj.pk) + "#issuer-reviews")
        return super().response_change(request, obj)

    def response_post_save_add(self, request: HttpRequest, obj: Merchant) -> HttpResponse:
        """Show the new merchant: its webhook address and its reviews come next."""
        return HttpResponseRedirect(_page_of(obj.pk))

    # --- deleting, copying, checking -----------------------------------------------------------

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Say of a merchant that is used why it stays."""
        merchant = self.get_object(request, object_id)
        users = _users(merchant) if merchant and self.has_delete_permission(request, merchant) else []
        if not users:
            return super().delete_view(request, object_id, extra_context)
        words = gettext(
            "이 가맹점은 지울 수 없습니다. 쓰인 곳: %(users)s. 더 쓰지 않으려면 '사용'을 끄세요. "
            "지난 결제의 확인과 취소는 계속됩니다."
        )
        messages.warning(request, words % {"users": ", ".join(map(str, users))})
        return HttpResponseRedirect(_page_of(merchant.pk))

    def make_copy(self, request: HttpRequest, pk: int) -> HttpResponse:
        """복사: the form of a new merchant with what a copy may take over."""
        merchant = self._get(request, pk)
        if not self.has_add_permission(request):
            raise PermissionDenied
        words = gettext(
            "%(code)s의 설정을 가져왔습니다. 코드와 MID, 인증 정보를 입력하세요. 카드사 심사는 새로 받습니다."
        )
        messages.info(request, words % {"code": merchant})
        query = urlencode({"gateway": merchant.gateway, "copy": pk})
        return HttpResponseRedirect(f"{reverse('admin:merchants_merchant_add')}?{query}")

    def check_keys(self, request: HttpRequest, pk: int) -> HttpResponse:
        """인증 정보 확인: POST asks for it, GET tells how it stands."""
        merchant = self._get(request, pk)
        if request.method != "POST":
            return checks.panel(request, merchant)
        if not self.has_change_permission(request, merchant):
            raise PermissionDenied
        return checks.ask(request, merchant)

    def _get(self, request: HttpRequest, pk: int) -> Merchant:
        merchant: Merchant | None = self.get_object(request, str(pk))
        if not self.has_view_permission(request, merchant):
            raise PermissionDenied
        if merchant is None:
            raise Http404
        return merchant


_FIXED = _(
    "결제에 쓰인 가맹점이라 PG사, MID, 구분, 통화는 바꿀 수 없습니다: 지난 결제는 이 계약으로 확인하고 취소합니다. "
    "다른 값이 필요하면 '복사'로 새 가맹점을 등록하세요."
)


def _gateway(request: HttpRequest, merchant: Merchant | None) -> str:
    return merchant.gateway if merchant else request.GET["gateway"]


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None


def _page_of(pk: int) -> str:
    return reverse("admin:merchants_merchant_change", args=[pk])


def _users(merchant: Merchant) -> list[Any]:
    """Return what keeps a merchant, in words; asked cheapest first."""
    if merchant.is_used():
        return [_("결제")]
    found = [(_("결제수단 연결"), merchant.connections), (_("웹훅 수신내역"), merchant.notifications)]
    return [words for words, rows in found if rows.exists()]
