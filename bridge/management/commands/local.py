from argparse import REMAINDER, ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from config import local


class Command(BaseCommand):
    """For `manage.py help`; manage.py itself runs `local` before it reads the settings."""

    help = local.__doc__ or ""
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("arguments", nargs=REMAINDER, metavar="[--data DIR] -- COMMAND")

    def handle(self, *args: Any, **options: Any) -> None:
        raise SystemExit(local.main(options["arguments"]))
