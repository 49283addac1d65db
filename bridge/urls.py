"""Addresses of the bridge. The shops' callers are .NET: any letter case, a trailing slash or none."""

from django.urls import re_path

from bridge import views

urlpatterns = [
    re_path(r"^(?i:PGB/PayStart)/?$", views.PayStartCall.as_view(), name="pay-start"),
    re_path(r"^(?i:PGB/PayStatus)/?$", views.PayStatusCall.as_view(), name="pay-status"),
    re_path(r"^(?i:PGBReturn/Webhook)/?$", views.webhook, name="default-webhook"),
    re_path(r"^(?i:PGBReturn/Webhook)/(?P<gateway>\w+)/(?P<token>[\w-]+)/?$", views.webhook, name="webhook"),
    re_path(r"^(?i:PGBReturn/Return)/(?P<token>[\w-]+)/?$", views.come_back, name="return"),
    re_path(r"^(?i:PGBReturn/Cancel)/(?P<token>[\w-]+)/?$", views.step_back, name="turn-back"),
]
