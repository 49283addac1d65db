"""The table of gateways: code -> class, imported on first use."""

from functools import cache

from django.utils.module_loading import import_string

from bridge.gateways.base import Gateway

GATEWAYS = {
    "stripe": "bridge.gateways.stripe.Stripe",
}


@cache
def gateway_class(code: str) -> type[Gateway]:
    """Return the adapter of the gateway ``code``. Raises KeyError if PGB has none yet."""
    found: type[Gateway] = import_string(GATEWAYS[code])
    return found
