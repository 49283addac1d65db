"""Several web processes of the real server, over one database."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.factories import API_KEY
from tests.process.test_up import free_port
from tests.threads import until
from tests.world import World

pytestmark = pytest.mark.process
PROCESSES, THREADS = 3, 16


@pytest.fixture
def door(world: World, child_environment: dict[str, str], settings: Any) -> Iterator[str]:
    """The address at which the processes take PayStarts."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = child_environment | {
        "PGB_PUBLIC_URL": address,
        "PGB_STRIPE_BASE_URL": settings.PGB_STRIPE_BASE_URL,
        "PGB_WEB_THREADS": str(THREADS),
    }
    options = f"--workers {PROCESSES} --threads {THREADS} --log-level warning --bind 127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", "config.wsgi:application", *options.split()]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: _is_open(address), 60)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def _is_open(address: str) -> bool:
    try:
        return requests.get(f"{address}/PGB/PayStart", timeout=10).status_code == 405
    except requests.RequestException:
        return False


def test_two_hundred_equal_starts_at_several_processes_open_one_payment(world: World, door: str) -> None:
    world.sandbox.faults.add("start", "latency", seconds=0.3)
    headers = {"Authorization": f"Bearer {API_KEY}"}

    def call(_: int) -> Any:
        return requests.post(f"{door}/PGB/PayStart", json=world.order(), headers=headers, timeout=60).json()

    with ThreadPoolExecutor(PROCESSES * THREADS) as pool:
        answers = list(pool.map(call, range(200)))
    world.has_one_page(answers)
