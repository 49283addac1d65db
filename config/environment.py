"""Reads the environment: a missing or unusable variable stops the start with its name and what to do."""

import base64
import binascii
import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()

_HOW = {
    "SECRET_KEY": "a random text of 50 characters or more, the same on every machine",
    "DATABASE_URL": "PostgreSQL 14 or later: postgres://user:password@host:5432/pgb",
    "REDIS_URL": "Redis 6.2 or later: redis://host:6379/0",
    "PGB_FIELD_KEYS": "keys divided by commas, each the urlsafe base64 of 32 random bytes; the first writes",
    "PGB_PUBLIC_URL": "the address under which buyers, shops and gateways reach PGB: https://pay.example.com",
}
_TRY = "`manage.py local -- COMMAND` starts a local database and sets what is missing."


def required(name: str) -> str:
    """The variable's text; ImproperlyConfigured when it is missing or empty."""
    value: str = env.str(name, default="").strip()
    if not value:
        raise ImproperlyConfigured(f"Set the environment variable {name}: {_HOW[name]}. {_TRY}")
    return value


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def web_address(name: str, value: str, *, query: bool = False) -> str:
    """An absolute https address without its last slash; plain http is for loopback only."""
    parts = urlsplit(value)
    host = parts.hostname or ""
    secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    if not (host and secure) or (parts.query and not query) or parts.fragment or parts.username:
        raise ImproperlyConfigured(
            f"{name} is {value!r}: it must be an absolute https:// address (http:// on loopback only)."
        )
    return value.rstrip("/")


def two_factor(wanted: bool, public_url: str) -> bool:
    """Whether a login needs a second factor: it may be turned off only where nobody else reaches PGB."""
    if not wanted and not is_loopback(urlsplit(public_url).hostname or ""):
        raise ImproperlyConfigured(
            "PGB_TWO_FACTOR is off: that is for loopback only. Leave it on where PGB_PUBLIC_URL is public."
        )
    return wanted


def pairs(name: str, values: Sequence[str]) -> dict[str, str]:
    """What stands behind each name: ``KR=one,JP=other``."""
    found = {who.strip(): what.strip() for who, _, what in (value.partition("=") for value in values)}
    if not all(found) or not all(found.values()) or len(found) < len(values):
        raise ImproperlyConfigured(f"{name} must be pairs divided by commas, each name once, as KR=one,JP=other.")
    return found


def networks(name: str, values: Sequence[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Networks in CIDR notation; a single address is a network of one."""
    try:
        return [ipaddress.ip_network(value.strip()) for value in values]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be networks divided by commas, as 10.0.0.0/8: {error}.") from error


def mail_server(url: str, needed_for: Sequence[str]) -> dict[str, object]:
    """Django's settings of the mail server; without an address no mail is sent, so nobody may wait for one."""
    if needed_for and not url:
        raise ImproperlyConfigured(
            "PGB_STAFF_EMAILS is set, but EMAIL_URL is not: smtp+tls://user:password@mail.example.com:587."
        )
    config: dict[str, object] = env.email_url_config(url or "dummymail://")
    return config | {"EMAIL_TIMEOUT": 15}


def staff_webhook(url: str, secret: str) -> tuple[str, str]:
    """Where staff's webhook goes, and the secret that signs it: both or neither."""
    if not url and not secret:
        return "", ""
    try:
        base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        is_secret = len(secret) >= 32
    except (binascii.Error, ValueError):
        is_secret = False
    if not is_secret:
        raise ImproperlyConfigured(
            "PGB_STAFF_WEBHOOK_SECRET must be whsec_ and the base64 of 24 random bytes or more,"
            " beside PGB_STAFF_WEBHOOK_URL."
        )
    return web_address("PGB_STAFF_WEBHOOK_URL", url, query=True), secret


def field_keys(value: str) -> list[bytes]:
    """The keys that open stored credentials, 32 bytes each; the first one writes."""
    try:
        keys = [base64.b64decode(part.strip(), altchars=b"-_", validate=True) for part in value.split(",")]
    except (binascii.Error, ValueError):
        keys = []
    if not keys or any(len(key) != 32 for key in keys):
        raise ImproperlyConfigured(f"PGB_FIELD_KEYS cannot be read: it must be {_HOW['PGB_FIELD_KEYS']}.")
    return keys


def database(url: str, pool_size: int) -> dict[str, object]:
    """Django's settings of the one database, with a pool that has a connection for every thread."""
    config: dict[str, object] = env.db_url_config(url)
    if config.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured(f"DATABASE_URL must name {_HOW['DATABASE_URL']}.")
    options = dict(config.get("OPTIONS") or {})  # type: ignore[call-overload]
    # Statements are planned once in a connection's life: half of the database's work is spared.
    options |= {"server_side_binding": True, "prepare_threshold": 3}
    # Connections that cannot be made are given up soon: then the next request tries anew, without a pause.
    options["pool"] = {"min_size": 1, "max_size": pool_size, "timeout": 5, "reconnect_timeout": 1}
    return {**config, "ENGINE": "config.pooled", "OPTIONS": options}


def broker(url: str) -> str:
    """The REDIS_URL in the form that Celery wants: its name for a Unix socket is another."""
    parts = urlsplit(url)
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise ImproperlyConfigured(f"REDIS_URL must name {_HOW['REDIS_URL']}.")
    if parts.scheme != "unix":
        return url
    number = dict(part.partition("=")[::2] for part in parts.query.split("&")).get("db", "0")
    return f"redis+socket://{parts.path}?virtual_host={number}"
