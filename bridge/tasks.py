"""Celery shells. A task carries no ids: it says only that there is work."""

from datetime import timedelta
from typing import Any

from celery.signals import worker_shutting_down
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from bridge import drains, reconcile
from config.celery import app
from payments import retention
from payments.queues import Queue


@app.task
def drain(queue: str) -> None:
    """Work on what is due in ``queue``."""
    drains.drain(Queue(queue))


@app.task
def empty_old_bodies() -> int:
    """Empty the stored bodies that are older than PGB_BODY_DAYS."""
    return retention.empty_bodies(timezone.now() - timedelta(days=settings.PGB_BODY_DAYS))


@app.task(acks_late=False)
def reconcile_days() -> None:
    """Do yesterday's 대사, and what is left of the last week's. Not given to another worker while it runs."""
    reconcile.days_due(timezone.localdate())


@app.task
def clear_sessions() -> None:
    """Take out the sessions of staff that have ended."""
    call_command("clearsessions")


@worker_shutting_down.connect
def begin_nothing_more(**_: Any) -> None:
    """Let the drains of a worker that was told to end stop after the row in hand."""
    drains.ENDING.set()
