from corsheaders.signals import check_request_enabled
from django.apps import AppConfig
from django.utils.module_loading import import_string

from bridge.sandbox.checks import register_checks


class BridgeConfig(AppConfig):
    name = "bridge"
    verbose_name = "PG 연동"

    def ready(self) -> None:
        """Register the system checks, which pages may read what the functions answer, and what gateways can do."""
        register_checks()
        check_request_enabled.connect(import_string("bridge.functions.may_be_read_by"))
        import_string("payments.powers.GATEWAYS").is_known_by(import_string("bridge.gateways.powers_of"))
