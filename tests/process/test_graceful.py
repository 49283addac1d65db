"""SIGTERM: what is in hand ends with its answer, what is not stays for others, and the program ends by itself."""

import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from bridge import complete, drains, tasks
from payments import ledger
from payments.models import CallState, Delivery, DeliveryAttempt, GatewayCall, Notification, PaymentSession
from payments.queues import Queue
from payments.states import Reason
from tests.factories import API_KEY
from tests.process.test_up import free_port
from tests.process.test_work import running
from tests.threads import until
from tests.world import World

pytestmark = pytest.mark.process
SLOW = 2.0
NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def environment(child_environment: dict[str, str], world: World) -> dict[str, str]:
    """What the processes are told: this test's database, sandbox and web server."""
    return child_environment | {
        "PGB_STRIPE_BASE_URL": world.sandbox.url,
        "PGB_PUBLIC_URL": settings.PGB_PUBLIC_URL,
    }


def end(process: subprocess.Popen[bytes]) -> int:
    """Ask it to end as `manage.py up` does, and return its exit code."""
    process.send_signal(signal.SIGTERM)
    return process.wait(35)


def states() -> list[str]:
    return [call.state for call in GatewayCall.objects.filter(kind="EXPIRE").order_by("pk")]


def to_be_closed(world: World, *order_ids: int) -> None:
    """Write closings that are due, in the order given."""
    for order_id in order_ids:
        world.start(order_id)
        with transaction.atomic():
            session = ledger.lock_session(world.session(order_id).pk)
            complete.close_at_gateway(session, Reason.LIFETIME, timezone.now())
    world.sandbox.faults.add("expire", "latency", seconds=SLOW, times=None)


def only_the_first_was_closed(world: World) -> None:
    assert states() == [CallState.DONE, CallState.READY, CallState.READY]
    assert world.stages(1) == ["EXPIRED LIFETIME"]
    nothing_is_in_hand()


def nothing_is_in_hand() -> None:
    for model in (GatewayCall, Delivery, Notification, PaymentSession):
        assert not model.objects.filter(lease_token__isnull=False).exists()
    assert not GatewayCall.objects.filter(state__in=(CallState.SENDING, CallState.UNKNOWN)).exists()


def test_a_web_process_ends_the_call_in_hand(world: World, environment: dict[str, str], tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    world.sandbox.faults.add("start", "latency", seconds=SLOW)

    def start() -> Any:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        return requests.post(f"http://{address}/PGB/PayStart", json=world.order(), headers=headers, timeout=30).json()

    environment["PGB_PUBLIC_URL"] = f"http://{address}"
    with running("web", environment, tmp_path, address) as web, ThreadPoolExecutor(1) as pool:
        until(lambda: answers(f"http://{address}/healthz"), 30)
        answer = pool.submit(start)
        until(lambda: GatewayCall.objects.filter(state=CallState.SENDING).exists(), 30)
        assert end(web) == 0
        assert answer.result()["Type"] == "Redirect"
        assert not answers(f"http://{address}/healthz")
    assert world.stages() == ["STANDBY"]
    nothing_is_in_hand()


def answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=10).ok
    except requests.RequestException:
        return False


def test_a_worker_ends_the_call_in_hand_and_begins_no_other(
    world: World, environment: dict[str, str], tmp_path: Path
) -> None:
    to_be_closed(world, 1, 2, 3)
    with running("worker", environment, tmp_path) as worker:
        tasks.drain.apply_async(("calls",))
        until(lambda: CallState.SENDING in states(), 30)
        assert end(worker) == 0
    only_the_first_was_closed(world)


def test_a_dispatcher_ends_the_call_in_hand_and_begins_no_other(
    world: World, environment: dict[str, str], tmp_path: Path
) -> None:
    to_be_closed(world, 1, 2, 3)
    with running("dispatch", environment | {"REDIS_URL": NOBODY}, tmp_path) as dispatcher:
        until(lambda: CallState.SENDING in states(), 30)
        assert end(dispatcher) == 0
    only_the_first_was_closed(world)


@pytest.mark.parametrize("name", ["worker", "dispatch"])
def test_a_message_on_its_way_to_the_shop_is_heard_out(
    world: World, environment: dict[str, str], tmp_path: Path, name: str
) -> None:
    world.start()
    world.pay()
    drains.drain(Queue.NOTIFICATIONS)
    world.sandbox.faults.add("forward", "latency", seconds=SLOW)
    sent = DeliveryAttempt.objects.filter(result="started")
    broker = environment["REDIS_URL"] if name == "worker" else NOBODY
    with running(name, environment | {"REDIS_URL": broker}, tmp_path) as program:
        tasks.drain.apply_async(("deliveries",))
        until(sent.exists, 30)
        assert end(program) == 0
    assert world.told() == ["PayComplete"]
    world.books_agree()
    nothing_is_in_hand()
