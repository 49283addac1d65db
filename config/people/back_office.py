from django.contrib.admin.apps import AdminConfig


class BackOfficeConfig(AdminConfig):
    """Django's admin, with our site as the one that pages register with."""

    default_site = "config.people.site.BackOfficeSite"
