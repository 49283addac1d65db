"""The secrets of a local installation: made once, kept in a file that only its owner reads."""

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path


def _bytes(length: int) -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(length)).decode()


def _signing() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


_MAKERS: Mapping[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(64),
    "PGB_FIELD_KEYS": lambda: _bytes(32),
    "PGB_DEMO_STRIPE_SECRET_KEY": lambda: "sk_test_" + secrets.token_hex(24),
    "PGB_DEMO_STRIPE_WEBHOOK_SECRET": _signing,
    "PGB_DEMO_SHOP_API_KEY": lambda: secrets.token_urlsafe(32),
    "PGB_DEMO_SHOP_PUBLISHABLE_KEY": lambda: "pgb_pub_" + secrets.token_urlsafe(24),
    "PGB_DEMO_SHOP_SIGNING_SECRET": _signing,
}


def random_secrets() -> dict[str, str]:
    return {name: make() for name, make in _MAKERS.items()}


def kept_secrets(path: Path) -> dict[str, str]:
    """The secrets of the file, which is made at the first call."""
    known = dict(line.split("=", 1) for line in path.read_text().splitlines()) if path.exists() else {}
    wanted = {**random_secrets(), **known}
    if wanted != known:
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.writelines(f"{name}={value}\n" for name, value in wanted.items())
        part.rename(path)
    return wanted
