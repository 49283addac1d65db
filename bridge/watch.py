"""The watch: every few seconds, what needs a person is put on the list, and staff are told of what is new there."""

import threading

import structlog
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone
from psycopg_pool import PoolTimeout

from bridge import alerts
from payments import approvals, attention, reconciling

EVERY_SECONDS = 15.0

log = structlog.get_logger(__name__)


def run(stop: threading.Event) -> None:
    """Watch until ``stop`` is set. Any number of processes may."""
    while not stop.wait(EVERY_SECONDS):
        try:
            once()
        except (DatabaseError, PoolTimeout):
            log.exception("database_unavailable")
        except Exception:
            # Whatever is wrong with one round, the next one is tried.
            log.exception("watch_failed")
        finally:
            connection.close()


def once() -> None:
    """End requests that nobody decided, bring the list up to date, write what is to be told, and send what is due."""
    now = timezone.now()
    reconciling.recheck(now)
    approvals.expire(now)
    attention.sweep(now)
    alerts.write(now)
    alerts.send()
