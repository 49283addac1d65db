from django.apps import AppConfig
from django.utils.module_loading import import_string


class PeopleConfig(AppConfig):
    name = "people"
    verbose_name = "직원"

    def ready(self) -> None:
        """Begin to keep the history."""
        # By name: auditlog cannot be imported before all models are there.
        import_string("people.history.keep_history")()
