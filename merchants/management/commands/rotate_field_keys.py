"""Moves every encrypted value to the first of PGB_FIELD_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from merchants.rotation import rotate, sealed_columns


class Command(BaseCommand):
    help = (
        "Seals every encrypted value again with the first of PGB_FIELD_KEYS. It may run at any time and as "
        "often as you like. Take an old key out of PGB_FIELD_KEYS only after --check has found nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only report values that use other keys")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["check"]:
            self._rotate()
        self._check()

    def _rotate(self) -> None:
        for column in sealed_columns():
            done = rotate(column)
            changed = f", {done.changed} changed in the meantime" if done.changed else ""
            self.stdout.write(f"{column}: {done.sealed_again} sealed again{changed}")
            for problem in done.unreadable:
                self.stderr.write(f"{column}: {problem}")

    def _check(self) -> None:
        left = 0
        for column in sealed_columns():
            for key_id, count in column.outdated_by_key().items():
                self.stdout.write(f"{column}: {count} sealed with the key {key_id!r}")
                left += count
        if left:
            raise CommandError(f"{left} values still use other keys than the first of PGB_FIELD_KEYS.")
        self.stdout.write("Every value uses the first of PGB_FIELD_KEYS.")
