"""A real Celery worker and two real dispatchers: what is due is worked within seconds, whatever befalls Redis."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings

from bridge import tasks
from bridge.management.commands.up import _programs
from config.celery import app
from config.environment import broker
from config.local import DATA
from config.processes import die_with_parent, stop
from config.redis import redis as running_redis
from tests.threads import until
from tests.world import World

pytestmark = pytest.mark.process
WITHIN = 5.0  # seconds: the most that a lost Redis may delay


@pytest.fixture
def server(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A Redis of this test's own, as a client; this process publishes there, too."""
    sockets = tmp_path_factory.mktemp("r")
    with running_redis(tmp_path, sockets) as url:
        monkeypatch.setitem(app.conf, "broker_url", broker(url))
        monkeypatch.setattr(app.amqp, "_producer_pool", None)
        with redis.Redis(unix_socket_path=str(sockets / "redis.sock")) as client:
            client.url, client.process = url, client.info("server")["process_id"]
            yield client
        app.amqp.producer_pool.force_close_all()


@pytest.fixture
def environment(child_environment: dict[str, str], world: World, server: Any) -> dict[str, str]:
    """What the processes are told: this test's database, Redis, sandbox and web server."""
    ours = {"PGB_STRIPE_BASE_URL": world.sandbox.url, "PGB_PUBLIC_URL": settings.PGB_PUBLIC_URL}
    return {**child_environment, **ours, "REDIS_URL": server.url}


@contextmanager
def running(
    name: str, environment: dict[str, str], folder: Path, address: str = "127.0.0.1:0"
) -> Iterator[subprocess.Popen[bytes]]:
    """One program of `manage.py up`; it must end by itself when told to."""
    command = next(program.command for program in _programs(address, None, folder) if program.name == name)
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=DATA.parent, env=environment, stdout=log, stderr=log, start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )  # fmt: skip
    try:
        yield process
    finally:
        stop(process, [(signal.SIGTERM, 20.0)])


def pay(world: World, order_id: int) -> None:
    world.start(order_id)
    world.pay(order_id)


def told(world: World, *order_ids: int, seconds: float = WITHIN) -> None:
    """Wait until the shop has been told of every order, and check that each took effect once."""
    until(lambda: all(world.told(one) == ["PayComplete"] for one in order_ids), seconds)
    for one in order_ids:
        world.books_agree(one)


def test_a_worker_that_is_woken_verifies_and_tells(world: World, environment: dict[str, str], tmp_path: Path) -> None:
    with running("worker", environment, tmp_path):
        pay(world, 1)
        tasks.drain.apply_async(("notifications",))
        until(lambda: world.session(1).stage == "PAID", 30)
        tasks.drain.apply_async(("deliveries",))
        told(world, 1)


def test_what_is_due_is_worked_whatever_befalls_redis(
    world: World, environment: dict[str, str], server: Any, tmp_path: Path
) -> None:
    with (
        running("worker", environment, tmp_path) as worker,
        running("dispatch", environment, tmp_path) as first,
        running("dispatch", environment, tmp_path) as second,
    ):
        pay(world, 1)
        told(world, 1, seconds=30)  # they are starting

        with flushed_again_and_again(server):
            for order_id in range(10, 20):
                pay(world, order_id)
            told(world, *range(10, 20))

        worker.kill()
        pay(world, 2)
        told(world, 2)

        os.kill(server.process, signal.SIGSTOP)
        pay(world, 3)
        told(world, 3)
        os.kill(server.process, signal.SIGCONT)
        pay(world, 4)
        told(world, 4)

        os.kill(server.process, signal.SIGKILL)
        pay(world, 5)
        told(world, 5)
    assert (first.returncode, second.returncode) == (0, 0)


@contextmanager
def flushed_again_and_again(server: Any) -> Iterator[None]:
    over = threading.Event()

    def flush() -> None:
        while not over.wait(0.02):
            server.flushall()

    flushing = threading.Thread(target=flush)
    flushing.start()
    try:
        yield
    finally:
        over.set()
        flushing.join()
