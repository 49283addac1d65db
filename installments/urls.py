"""Addresses of the functions that tell about instalments."""

from django.urls import path

from installments.api import InterestFree

urlpatterns = [path("interest-free", InterestFree.as_view(), name="interest-free")]
