from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from config.people import lockout, two_factor


class Command(BaseCommand):
    """For the last superuser, whom nobody in the back office can help."""

    help = "Takes a person's authenticator app and lock away: the next login sets up another app."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare whom it is for."""
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        """Reset app, recovery codes and lock."""
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no person {options['username']!r}.")
        two_factor.reset(user)
        lockout.unlock(user)
        self.stdout.write(f"{user} sets up an authenticator app at the next login.")
