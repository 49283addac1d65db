"""Addresses of the bridge. The callers are .NET: any letter case, a trailing slash or none."""

from django.urls import URLPattern, path, re_path

from bridge import api, views
from bridge.shop_call import ShopCall


def _any_case(words: str) -> str:
    """Return the pattern of ``words`` in any letter case; with (?i:...) no address of the site could be reversed."""
    return "".join(f"[{letter}{letter.swapcase()}]" if letter.isalpha() else letter for letter in words)


def _shop_call(route: str, call: type[ShopCall], name: str) -> list[URLPattern]:
    """The route as the schema documents it, then in any spelling."""
    return [
        path(route, call.as_view(), name=name),
        re_path(rf"^{_any_case(route)}/?$", call.as_view(schema=None), name=name),
    ]


urlpatterns = [
    re_path(rf"^{_any_case('PGBReturn/Webhook')}/(?P<gateway>\w+)/(?P<token>[\w-]+)/?$", views.webhook, name="webhook"),
    *_shop_call("PGB/PayStart", views.PayStartCall, "pay-start"),
    *_shop_call("PGB/PartialCancel", views.PartialCancelCall, "partial-cancel"),
    *_shop_call("PGB/FullCancel", views.FullCancelCall, "full-cancel"),
    *_shop_call("PGB/PayStatus", views.PayStatusCall, "pay-status"),
    path("api/v1/inicis/pc-payment-parameters", api.InicisPcParameters.as_view(), name="inicis-pc-parameters"),
    re_path(rf"^{_any_case('PGB')}(?:/.*)?$", views.no_such_call),
    re_path(rf"^{_any_case('PGBReturn/Webhook')}/?$", views.webhook, name="default-webhook"),
    re_path(rf"^{_any_case('PGBReturn/Return')}/(?P<token>[\w-]+)/?$", views.come_back, name="return"),
    re_path(rf"^{_any_case('PGBReturn/Cancel')}/(?P<token>[\w-]+)/?$", views.step_back, name="turn-back"),
]
