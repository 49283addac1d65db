"""Sets up shops, merchants and connections from a file."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from merchants.provision import ProvisionError, apply, read


class Command(BaseCommand):
    help = (
        "Sets up shops, merchants and connections from a YAML or JSON file, all or nothing, again and again. "
        "${NAME} in a text takes a value from the environment. Rows that the file does not name are left "
        "alone; names, switches (is_active, connected, in_use) and webhook tokens that it does not give stay "
        "as they are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            outcomes = apply(read(path, os.environ))
        except ProvisionError as error:
            problems = "\n".join(f"  {problem}" for problem in error.problems)
            raise CommandError(f"{path}: nothing was changed:\n{problems}") from None
        for outcome in outcomes:
            self.stdout.write(str(outcome))
