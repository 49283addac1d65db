from django.apps import AppConfig


class InstallmentsConfig(AppConfig):
    name = "installments"
    verbose_name = "무이자할부"
