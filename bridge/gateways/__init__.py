"""The table of gateways: code -> class, imported on first use."""

from functools import cache

from django.utils.module_loading import import_string

from bridge.gateways.base import Capabilities, Gateway

GATEWAYS = {
    "stripe": "bridge.gateways.stripe.Stripe",
}


@cache
def gateway_class(code: str) -> type[Gateway]:
    """Return the adapter of the gateway ``code``. Raises KeyError if PGB has none yet."""
    found: type[Gateway] = import_string(GATEWAYS[code])
    return found


def powers_of(code: str) -> Capabilities | None:
    """Return what the gateway ``code`` can do; None if PGB has no adapter for it yet."""
    return gateway_class(code).capabilities if code in GATEWAYS else None
