"""Whether this process is alive, and whether it can work: what a load balancer asks before it sends anybody here."""

from datetime import datetime
from typing import Any

import structlog
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from bridge.log_lines import is_logged
from bridge.waiting import NoAnswer, answer_within
from payments.queues import Backlog, backlogs

SECONDS = 2.0
LATE_SECONDS = 60

log = structlog.get_logger(__name__)


class NotReady(Exception):
    """This process cannot do its work. The text says why, without an address or a name: anybody may read it."""


def live(_request: HttpRequest) -> HttpResponse:
    """Say that this process answers. Nothing is asked: a database that is gone is no reason to kill it."""
    return JsonResponse({"status": "alive"})


def ready(_request: HttpRequest) -> HttpResponse:
    """Say within SECONDS whether the database answers and has every migration, and what waits in the queues.

    A queue that is late is told, and stays a 200: the workers are slow then, not the web. Taking web machines out
    would turn away payments and webhooks that they can still store, and make nothing quicker.
    """
    try:
        queues = _queues()
    except NotReady as error:
        log.warning("not_ready", why=str(error))
        return is_logged(JsonResponse({"status": "not ready", "why": str(error)}, status=503))
    late = [name for name, queue in queues.items() if queue["oldest_seconds"] > LATE_SECONDS]
    return JsonResponse({"status": "ready", "late": late, "queues": queues})


def missing_migrations() -> int:
    """Return how many migrations of this code the database lacks; one that has more is fine."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _queues() -> dict[str, dict[str, Any]]:
    try:
        missing, waiting = answer_within(SECONDS, _ask)
    except NoAnswer:
        raise NotReady(f"the database does not answer within {SECONDS:.0f} s") from None
    except DatabaseError as error:
        raise NotReady(f"the database does not answer: {type(error).__name__}") from None
    if missing:
        raise NotReady(f"the database lacks {missing} migrations: run `manage.py migrate`")
    now = timezone.now()
    return {str(queue): _told(backlog, now) for queue, backlog in waiting.items()}


def _ask() -> tuple[int, dict[Any, Backlog]]:
    """Ask for the queues only where their tables must be there."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(SECONDS * 1000))])
        missing = missing_migrations()
        return missing, {} if missing else backlogs(timezone.now())


def _told(backlog: Backlog, now: datetime) -> dict[str, Any]:
    age = (now - backlog.oldest).total_seconds() if backlog.oldest else 0.0
    return {"due": backlog.due, "oldest_seconds": round(max(age, 0.0), 1)}
