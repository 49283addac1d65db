import shutil
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

from tests.bench import orders, report, workloads
from tests.bench.bench import Bench
from tests.bench.models import Note
from tests.bench.programs import Programs, free_port

FLOOR = {"DJANGO_SETTINGS_MODULE": "tests.bench.settings"}


class Command(BaseCommand):
    help = "Runs the workloads of the bench on an empty database and prints what came out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workloads", nargs="*", choices=[[], *workloads.ALL], help="default: all")
        parser.add_argument("--write", action="store_true", help="write docs/bench.md")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = []
        with self._bench() as bench:
            for code in options["workloads"] or workloads.ALL:
                self.say(f"{code}: {workloads.ALL[code].__doc__}")
                for row in workloads.ALL[code](bench):
                    self.say(f"  {row.workload}: {row.result} (wanted: {row.bar}); {row.detail}")
                    rows.append(row)
            rows += workloads.memory(bench)
        page = report.page(rows)
        self.say(page)
        if options["write"]:
            (settings.BASE_DIR / "docs" / "bench.md").write_text(page)

    def say(self, line: str) -> None:
        """Print a line at once."""
        self.stdout.write(line)
        self.stdout.flush()

    @contextmanager
    def _bench(self) -> Iterator[Bench]:
        call_command("migrate", verbosity=0)
        with connection.schema_editor() as editor:
            editor.create_model(Note)
        folder = settings.BASE_DIR / ".pgb" / "bench-logs"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        ports = [free_port() for _ in range(4)]
        environment = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PGB_PUBLIC_URL": f"http://127.0.0.1:{ports[0]}",
            "PGB_STRIPE_BASE_URL": f"http://127.0.0.1:{ports[3]}",
            "PGB_SHOP_CALLS_PER_MINUTE": "1000000000",
            "PGB_ACCOUNT_VERIFICATION_MIDS": "KR=INIacct001",
        }
        programs = Programs(environment, folder)
        with ExitStack() as held:
            peer = held.enter_context(programs.peer(ports[3]))
            orders.set_up(peer.url)
            web = held.enter_context(programs.pgb("web", ports[0]))
            floor = held.enter_context(
                programs.floor("floor", "django.core.wsgi:get_wsgi_application()", ports[1], **FLOOR)
            )
            raw = held.enter_context(programs.floor("raw", "tests.bench.raw_floor:application", ports[2]))
            yield Bench(programs, peer, web, ports[0], floor, ports[1], raw, ports[2], self.say)
