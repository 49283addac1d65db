"""Celery shells. A task carries no ids: it says only that a queue has due rows."""

from bridge import drains
from config.celery import app
from payments.queues import Queue


@app.task
def drain(queue: str) -> None:
    """Work on what is due in ``queue``."""
    drains.drain(Queue(queue))
