"""What a load balancer hears: alive, ready, or what is wrong."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from bridge import health
from bridge.metrics import tables
from bridge.waiting import NoAnswer, answer_within
from payments.models import Delivery
from payments.queues import Queue
from tests.sql import another_connection, statements
from tests.threads import at_once, until
from tests.world import World

BY_ADDRESS = {"headers": {"Host": "10.0.0.7:8000"}}


@pytest.fixture
def probe(transactional_db: None) -> Client:
    return Client(**BY_ADDRESS)  # type: ignore[arg-type]


@pytest.fixture
def one_missing(transactional_db: None) -> Any:
    """A database that lacks the newest migration of the payments."""
    row = MigrationRecorder.Migration.objects.filter(app="payments").latest("id")
    row.delete()
    yield
    row.save()


def test_alive_asks_nobody(probe: Client) -> None:
    with statements() as sent:
        response = probe.get("/healthz")
    assert (response.status_code, response.json(), sent) == (200, {"status": "alive"}, [])


def test_ready_tells_what_waits(world: World, probe: Client) -> None:
    quiet = {"due": 0, "oldest_seconds": 0.0}
    assert probe.get("/readyz").json() == {
        "status": "ready",
        "late": [],
        "queues": {str(queue): quiet for queue in Queue},
    }
    world.start()
    world.pay()
    assert probe.get("/readyz").json()["queues"]["notifications"]["due"] > 0


def test_a_late_queue_is_told_and_takes_no_web_machine_out(world: World, probe: Client) -> None:
    world.start()
    world.pay()
    world.sandbox.faults.add("forward", "refuse")
    world.work()
    Delivery.objects.update(due_at=timezone.now() - timedelta(seconds=61))
    response = probe.get("/readyz")
    assert (response.status_code, response.json()["late"]) == (200, ["deliveries"])
    assert 61 <= response.json()["queues"]["deliveries"]["oldest_seconds"] < 600


def test_a_missing_migration_is_told(probe: Client, one_missing: None) -> None:
    response = probe.get("/readyz")
    why = "the database lacks 1 migrations: run `manage.py migrate`"
    assert (response.status_code, response.json()) == (503, {"status": "not ready", "why": why})


def test_a_database_that_hangs_is_told_in_time(probe: Client) -> None:
    with another_connection() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")
        for _ in range(2):
            response = probe.get("/readyz")
            assert response.status_code == 503
            assert response.json()["why"].startswith("the database does not answer")
            assert probe.get("/healthz").status_code == 200
        cursor.execute("ROLLBACK")
    until(lambda: probe.get("/readyz").status_code == 200)


@pytest.mark.parametrize("ask", [health._ask, lambda: tables._ask(timezone.now())])
def test_a_question_that_was_left_behind_ends_by_itself(transactional_db: None, ask: Any) -> None:
    with another_connection() as cursor, ThreadPoolExecutor(1) as pool:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE payments_delivery IN ACCESS EXCLUSIVE MODE")
        asked = pool.submit(asking, ask)
        try:
            assert isinstance(asked.exception(30), OperationalError)
        finally:
            cursor.execute("ROLLBACK")


def asking(ask: Any) -> None:
    try:
        ask()
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_come_to_an_address_over_plain_http(probe: Client, settings: Any, path: str) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["pay.example.com"]
    assert probe.get(path).status_code == 200
    assert probe.head(path).content == b""
    assert Client().get("/api/docs/", headers={"Host": "pay.example.com"}).status_code == 301
    assert Client().get("/api/docs/", headers={"Host": "10.0.0.7"}).status_code == 400


def test_nothing_tells_where_the_database_is(probe: Client, one_missing: None) -> None:
    database = connection.settings_dict
    said = probe.get("/readyz").content.decode()
    assert not [word for word in (database["NAME"], database["HOST"]) if word and word in said]


def test_questions_that_hang_are_left_behind_a_few_at_most() -> None:
    let_go, asked = threading.Event(), []

    def hang() -> None:
        asked.append(1)
        let_go.wait(60)

    for _ in range(7):
        with pytest.raises(NoAnswer):
            answer_within(0.01, hang)
    assert len(asked) == 4
    let_go.set()
    until(answered)


def test_many_questions_at_once_are_all_answered() -> None:
    def ask() -> bool:
        time.sleep(0.05)
        return True

    assert all(at_once(*[lambda: answer_within(10, ask)] * 16))


def answered() -> bool:
    try:
        return answer_within(5, lambda: True)
    except NoAnswer:
        return False
