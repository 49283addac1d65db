"""Keeps the sandbox out of production: a stand-in that says "paid" has no place where money is expected."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.environment import is_loopback


def points_here(url: str) -> bool:
    """True if the URL's host is this machine."""
    return is_loopback(urlsplit(url).hostname or "")


def in_production() -> bool:
    """Production is whatever is neither in DEBUG nor served from a loopback address."""
    return not settings.DEBUG and not points_here(settings.PGB_PUBLIC_URL)


def refuse_in_production() -> None:
    """Raises ImproperlyConfigured in production settings."""
    if in_production():
        raise ImproperlyConfigured(
            "bridge.sandbox is for demos and tests: it needs DEBUG=true or a PGB_PUBLIC_URL on loopback."
        )
