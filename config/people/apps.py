from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_migrate
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _


class PeopleConfig(AppConfig):
    name = "config.people"
    label = "people"
    verbose_name = _("시스템")

    def ready(self) -> None:
        """Begin to keep the history, note each login, and see to the roles after every migrate."""
        # By name: what imports models cannot be imported before all of them are there.
        import_string("config.people.history.keep_history")()
        user_logged_in.connect(import_string("config.people.recent.remember"))
        post_migrate.connect(import_string("config.people.roles.set_up_roles"), sender=self)
