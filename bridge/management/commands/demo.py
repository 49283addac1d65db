"""manage.py demo: sets everything up with the sandbox, and lets one order after the other be paid."""

import os
import secrets
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from bridge.management.commands.up import require_free_port
from bridge.sandbox.walk import CARD, KONBINI, Walk, WalkFailed
from config.local import follow_ports
from config.processes import die_with_parent, stop
from installments import demo as demo_notices
from merchants.provision import apply, read

ADMIN = "admin"
ENDING = ((signal.SIGTERM, 60.0),)


class Command(BaseCommand):
    """The first five minutes with PGB, for people and for `make demo`."""

    help = "Sets up the demo, runs everything, and walks demo orders from PayStart to the shop's books."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--stay", action="store_true", help="keep running until Ctrl-C")
        parser.add_argument("--web-port", type=int, default=8000)
        parser.add_argument("--sandbox-port", type=int, default=9000)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0 only if every demo order is paid and told."""
        web_port, sandbox_port = options["web_port"], options["sandbox_port"]
        # Before anything else: whoever has the port would be taken for PGB.
        require_free_port("127.0.0.1", web_port, "--web-port")
        require_free_port("127.0.0.1", sandbox_port, "--sandbox-port")
        # One step to the back office, unless told otherwise: PGB_TWO_FACTOR=true shows the second.
        environment = {"PGB_TWO_FACTOR": "false", **follow_ports(os.environ, web_port, sandbox_port)}
        web, sandbox = environment["PGB_PUBLIC_URL"], environment["PGB_SANDBOX_URL"]
        walk = Walk(web, sandbox, environment["PGB_DEMO_SHOP_API_KEY"], self.say)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        password = self._set_up(walk, environment)
        with self._running(environment, web_port, sandbox_port) as (programs, log):
            try:
                self._walk(walk, programs)
                if options["stay"]:
                    self._show(environment, password, log)
                    programs.wait()
                    raise CommandError(f"PGB ended by itself; see {log}")
            except WalkFailed as error:
                raise CommandError(f"the demo failed: {error}. The log: {log}") from error
            except KeyboardInterrupt:
                self.say("\nending ...")

    def say(self, line: str) -> None:
        """Print a line at once."""
        self.stdout.write(line)
        self.stdout.flush()

    def _set_up(self, walk: Walk, environment: Mapping[str, str]) -> str:
        """Make database, demo data and the admin user; returns the admin's fresh password."""
        self.say("setting up")
        with walk.step("database: tables"):
            call_command("migrate", verbosity=0)
        with walk.step("shops, Stripe accounts and connections of deploy/demo.yaml"):
            apply(read(settings.BASE_DIR / "deploy" / "demo.yaml", environment))
        with walk.step("interest-free notices of this month"):
            demo_notices.fill()
        with walk.step("admin user"):
            password = secrets.token_urlsafe(12)
            user, _ = User.objects.get_or_create(username=ADMIN, defaults={"is_staff": True, "is_superuser": True})
            user.set_password(password)
            user.save(update_fields=["password"])
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's has it
        return password

    @contextmanager
    def _running(
        self, environment: Mapping[str, str], web_port: int, sandbox_port: int
    ) -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
        """Run `manage.py up`, its lines going to a file."""
        log = settings.BASE_DIR / ".pgb" / "demo.log"
        log.parent.mkdir(exist_ok=True)
        command = [sys.executable, "manage.py", "up", "--web-port", str(web_port), "--sandbox-port", str(sandbox_port)]
        with log.open("wb") as lines:
            programs = subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=lines,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
            try:
                yield programs, log
            finally:
                stop(programs, ENDING)

    def _walk(self, walk: Walk, programs: "subprocess.Popen[bytes]") -> None:
        self.say("starting")
        with walk.step("web, dispatcher, worker, beat and sandbox answer"):
            walk.wait_until_up(lambda: programs.poll() is None)
        first_id = int(time.time())
        for number, order in enumerate((CARD, KONBINI)):
            self.say(f"order {first_id + number}: {order.title}")
            walk.order(order, first_id + number)
        self.say("every demo order is paid, and the shop was told")

    def _show(self, environment: Mapping[str, str], password: str, log: Path) -> None:
        web, sandbox = environment["PGB_PUBLIC_URL"], environment["PGB_SANDBOX_URL"]
        self.say(f"\n  back office    {web}/admin/     user {ADMIN}   password {password}")
        if environment["PGB_TWO_FACTOR"] == "false":
            self.say("                 (to see the login with an authenticator app: PGB_TWO_FACTOR=true make run)")
        self.say(f"  API documents  {web}/api/docs/")
        self.say(f"  order by hand  {sandbox}/shop/        with the popup: {sandbox}/shop/order-sheet")
        self.say(f"  log            {log}")
        self.say("\nCtrl-C ends everything.")
