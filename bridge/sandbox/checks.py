"""The system check that keeps production away from the sandbox (and from any other local stand-in)."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from bridge.sandbox.guard import in_production, points_here


def check_no_sandbox_in_production(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """bridge.E001 for each gateway base URL that points at this machine in production settings."""
    if not in_production():
        return []
    return [
        Error(
            f"{name} points at a stand-in on this machine, but these are production settings.",
            hint=f"Remove {name} from the environment.",
            id="bridge.E001",
        )
        for name in sorted(set(dir(settings)))
        if name.startswith("PGB_") and name.endswith("_BASE_URL") and points_here(getattr(settings, name) or "")
    ]


def register_checks() -> None:
    """Called from the bridge app's ready()."""
    register(check_no_sandbox_in_production)
