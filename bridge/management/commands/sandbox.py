import os
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from bridge.sandbox.demo import play
from bridge.sandbox.sandbox import Sandbox
from merchants.provision import ProvisionError


class Command(BaseCommand):
    """Plays Stripe and the shop on this machine until SIGINT or SIGTERM, for demos and tests."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=9000)
        parser.add_argument("--seed", type=int, default=1, help="what is random in faults comes from it")
        parser.add_argument(
            "--clock", type=float, default=1.0, help="speeds webhook retries up: 60 makes an hour a minute"
        )
        parser.add_argument(
            "--config",
            type=Path,
            default=settings.BASE_DIR / "deploy" / "demo.yaml",
            help="the provision file that names the shops and accounts to play (default: deploy/demo.yaml)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        try:
            sandbox = Sandbox(options["port"], options["seed"], options["clock"])
        except (OSError, OverflowError) as error:
            raise CommandError(f"port {options['port']} cannot be used ({error}); choose another --port") from error
        try:
            play(sandbox, options["config"], os.environ, settings.PGB_PUBLIC_URL)
        except ProvisionError as error:
            raise CommandError(f"{options['config']}: {'; '.join(error.problems)}") from error
        with sandbox:
            self.stdout.write(f"sandbox at {sandbox.url}: the shop's page is {sandbox.url}/shop/")
            stop.wait()
