import os
import socket
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from bridge.health import missing_migrations
from config.environment import is_loopback
from config.local import follow_ports
from config.supervisor import Program, Supervisor


class Command(BaseCommand):
    help = "Runs web, dispatcher, worker and beat (and the sandbox) until SIGINT or SIGTERM ends them all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--web-host", default="127.0.0.1", help="address the web processes listen on")
        parser.add_argument("--web-port", type=int, default=8000)
        sandbox = parser.add_mutually_exclusive_group()
        local = is_loopback(urlsplit(settings.PGB_PUBLIC_URL).hostname or "")
        sandbox.add_argument(
            "--sandbox-port",
            type=int,
            default=9000 if local else None,
            help="default: 9000, and no sandbox where PGB_PUBLIC_URL is public",
        )
        sandbox.add_argument("--no-sandbox", action="store_const", const=None, dest="sandbox_port")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port, sandbox_port = options["web_host"], options["web_port"], options["sandbox_port"]
        require_free_port(host, port, "--web-port")
        if sandbox_port is not None:
            require_free_port("127.0.0.1", sandbox_port, "--sandbox-port")
        _require_migrations()
        with tempfile.TemporaryDirectory(prefix="pgb-up-") as scratch:
            programs = _programs(f"{host}:{port}", sandbox_port, Path(scratch))
            environment = follow_ports(os.environ, port, sandbox_port)
            Supervisor(programs, _counting_together(environment, Path(scratch)), settings.BASE_DIR).run()


def _programs(address: str, sandbox_port: int | None, scratch: Path) -> list[Program]:
    """Patience is longer than the longest foreign call: a call with effect should see its answer."""
    manage = [sys.executable, "manage.py"]
    # Running as root is no danger here: messages are JSON, and a task name is all they carry.
    celery = [sys.executable, "-W", "ignore:You're running the worker", "-m", "celery", "--quiet"]
    celery += ["--app", "config.celery"]
    web = [
        sys.executable, "-m", "gunicorn", "config.wsgi:application", "--bind", address,
        "--worker-class", "gthread", "--workers", "2", "--threads", str(settings.PGB_WEB_THREADS),
        "--graceful-timeout", "30", "--worker-tmp-dir", str(scratch), "--no-control-socket",
    ]  # fmt: skip
    worker = [
        *celery, "worker", "--pool", "threads", "--concurrency", str(settings.PGB_WORKER_THREADS),
        "--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat",
    ]  # fmt: skip
    beat = [*celery, "beat", "--schedule", str(scratch / "beat"), "--loglevel", "INFO"]
    programs = [
        Program("web", web, 35),
        Program("dispatch", [*manage, "dispatch"], 35),
        Program("worker", worker, 35),
        Program("beat", beat, 5),
    ]
    if sandbox_port is not None:
        programs.append(Program("sandbox", [*manage, "sandbox", "--port", str(sandbox_port)], 5, last=True))
    return programs


def _counting_together(environment: dict[str, str], scratch: Path) -> dict[str, str]:
    """Name the folder of the metrics, so that /metrics shows what all the programs count."""
    if not settings.PGB_METRICS_ALLOW or environment.get("PROMETHEUS_MULTIPROC_DIR"):
        return environment
    folder = scratch / "metrics"
    folder.mkdir()
    return {**environment, "PROMETHEUS_MULTIPROC_DIR": str(folder)}


def require_free_port(host: str, port: int, option: str) -> None:
    """Raises CommandError, which names the option that chooses another port."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} of {host} cannot be used ({error.strerror}). Choose another with {option}."
            ) from error


def _require_migrations() -> None:
    try:
        missing = missing_migrations()
    except OperationalError as error:
        raise CommandError(f"The database of DATABASE_URL does not answer: {error}") from error
    finally:
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's has it
    if missing:
        raise CommandError(f"The database lacks {missing} migrations: run `manage.py migrate` first.")
