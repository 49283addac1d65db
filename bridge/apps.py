from django.apps import AppConfig

from bridge.sandbox.checks import register_checks


class BridgeConfig(AppConfig):
    name = "bridge"
    verbose_name = "PG 연동"

    def ready(self) -> None:
        """Register the system checks of the bridge."""
        register_checks()
