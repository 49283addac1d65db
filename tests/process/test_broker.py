"""A publish never waits for Redis: the dispatcher then drains by itself, and no buyer waits."""

import socket
import time

import kombu.transport.redis  # noqa: F401  its import is not the publish's time
import pytest
from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError


def celery_at(port: int) -> Celery:
    app = Celery("test", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_url = f"redis://127.0.0.1:{port}/0"
    return app


def test_hung_redis_is_given_up_at_once() -> None:
    """It takes connections and never answers, as a stopped process does."""
    with socket.create_server(("127.0.0.1", 0)) as listener, celery_at(listener.getsockname()[1]) as app:
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(OperationalError):
                app.send_task("nobody", expires=2)
            assert time.monotonic() - began < 2


def test_absent_redis_is_given_up_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    began = time.monotonic()
    with celery_at(port) as app, pytest.raises(OperationalError):
        app.send_task("nobody", expires=2)
    assert time.monotonic() - began < 2


def test_worker_takes_one_message_at_a_time_and_confirms_it_after_the_work() -> None:
    assert settings.CELERY_WORKER_PREFETCH_MULTIPLIER == 1
    assert settings.CELERY_TASK_ACKS_LATE is True
    assert settings.CELERY_TASK_IGNORE_RESULT is True
