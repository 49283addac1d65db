"""Celery shells. A task carries no ids: it says only that a queue has due rows."""

from celery import shared_task

from bridge import drains
from payments.queues import Queue


@shared_task(ignore_result=True)  # type: ignore[untyped-decorator]
def drain(queue: str) -> None:
    """Work on what is due in ``queue``."""
    drains.drain(Queue(queue))
