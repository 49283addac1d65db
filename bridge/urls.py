"""Addresses of the bridge. The shops' callers are .NET: any letter case, a trailing slash or none."""

from django.urls import re_path

from bridge import views


def _any_case(words: str) -> str:
    """Return the pattern of ``words`` in any letter case; with (?i:...) no address of the site could be reversed."""
    return "".join(f"[{letter}{letter.swapcase()}]" if letter.isalpha() else letter for letter in words)


urlpatterns = [
    re_path(rf"^{_any_case('PGB/PayStart')}/?$", views.PayStartCall.as_view(), name="pay-start"),
    re_path(rf"^{_any_case('PGB/PayStatus')}/?$", views.PayStatusCall.as_view(), name="pay-status"),
    re_path(rf"^{_any_case('PGBReturn/Webhook')}/?$", views.webhook, name="default-webhook"),
    re_path(rf"^{_any_case('PGBReturn/Webhook')}/(?P<gateway>\w+)/(?P<token>[\w-]+)/?$", views.webhook, name="webhook"),
    re_path(rf"^{_any_case('PGBReturn/Return')}/(?P<token>[\w-]+)/?$", views.come_back, name="return"),
    re_path(rf"^{_any_case('PGBReturn/Cancel')}/(?P<token>[\w-]+)/?$", views.step_back, name="turn-back"),
]
