"""Addresses of the functions, below /api/v1/."""

from django.urls import path

from merchants import api

urlpatterns = [
    path("payment-methods/connections", api.PaymentMethodConnection.as_view(), name="payment-method-connection"),
    path("merchants/lookup", api.MerchantLookup.as_view(), name="merchant-lookup"),
    path("pg-info", api.PgInfo.as_view(), name="pg-info"),
    path("account-verification-mid", api.AccountVerificationMid.as_view(), name="account-verification-mid"),
]
