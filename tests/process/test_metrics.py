"""The processes of one machine count together, and outlive neither a full disk nor each other's counts."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from config.local import DATA
from tests.factories import API_KEY
from tests.process.test_graceful import answers
from tests.process.test_up import free_port, up
from tests.threads import until
from tests.world import World

pytestmark = pytest.mark.process
COUNT = "from bridge.metrics import delivery_tried as tried; import django; django.setup(); tried('accepted', 1.0)"


def test_metrics_tell_what_web_worker_and_dispatcher_did(world: World, child_environment: dict[str, str]) -> None:
    port = free_port()
    web = f"http://127.0.0.1:{port}"
    told = {
        "PGB_STRIPE_BASE_URL": world.sandbox.url,
        "PGB_PUBLIC_URL": web,
        "PGB_LOCAL_ADDRESSES": "",  # these two stay as they are
        "PGB_METRICS_ALLOW": "127.0.0.1/32",
    }
    process = up(child_environment | told, "--web-port", str(port), "--no-sandbox")
    try:
        until(lambda: answers(f"{web}/healthz"), 60)
        for order_id in range(1, 6):
            headers = {"Authorization": f"Bearer {API_KEY}"}
            answer = requests.post(f"{web}/PGB/PayStart", json=world.order(order_id), headers=headers, timeout=30)
            assert answer.json()["Type"] == "Redirect"
            world.pay(order_id)
        until(lambda: all(world.told(order_id) for order_id in range(1, 6)), 60)
        until(lambda: scraped(web, "pgb_deliveries_total") == 5)
        for _ in range(10):  # whichever process answers
            assert scraped(web, "pgb_http_requests_total", view="pay-start", status="200") == 5
            assert scraped(web, "pgb_gateway_calls_total", operation="start", outcome="done") == 5
            assert scraped(web, "pgb_gateway_calls_total", operation="fetch", outcome="done") >= 5
            assert scraped(web, "pgb_delivery_duration_seconds_count") == 5
            assert scraped(web, "pgb_queue_due", queue="looks") == 0
            assert scraped(web, "pgb_database_up") == 1
        for child in children_of(process.pid):
            for worker in children_of(child):
                os.kill(worker, signal.SIGKILL)
        until(lambda: answers(f"{web}/healthz"), 60)
        assert scraped(web, "pgb_http_requests_total", view="pay-start", status="200") == 5
    finally:
        process.terminate()
        process.communicate(timeout=60)


def scraped(web: str, name: str, **labels: str) -> float:
    """Return the sum of a figure over all label sets that have these labels."""
    text = requests.get(f"{web}/metrics", timeout=30).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return sum(s.value for s in samples if s.name == name and labels.items() <= s.labels.items())


def children_of(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in found.stdout.split()]


@pytest.fixture
def counting(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a process that counts once in the folder."""
    told = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PGB_METRICS_ALLOW": "127.0.0.1",
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
    }

    def run(code: str = COUNT, **more: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code]
        return subprocess.run(command, cwd=DATA.parent, env=told, capture_output=True, text=True, check=True, **more)

    return run


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_who_starts_after_a_death_goes_on_with_its_counts(counting: Any, tmp_path: Path) -> None:
    for _ in range(3):
        counting()
    assert names(tmp_path) == ["0.lock", "counter_0.db", "histogram_0.db"]
    again = counting(COUNT + "; import bridge.metrics as m; print(m._deliveries.labels('accepted')._value.get())")
    assert again.stdout == "4.0\n"


def test_processes_that_live_together_count_apart(counting: Any, tmp_path: Path) -> None:
    counting(f"{COUNT}; import subprocess, sys; subprocess.run([sys.executable, '-c', {COUNT!r}], check=True)")
    assert names(tmp_path) == [
        *("0.lock", "1.lock"), *("counter_0.db", "counter_1.db"), *("histogram_0.db", "histogram_1.db"),
    ]  # fmt: skip


def test_room_for_the_counts_is_reserved(counting: Any, tmp_path: Path) -> None:
    counting()
    for name in ("counter_0.db", "histogram_0.db"):
        assert (tmp_path / name).stat().st_blocks * 512 >= 1024 * 1024


def test_a_full_disk_ends_the_sharing_and_no_process(counting: Any, tmp_path: Path) -> None:
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
    ended = counting(
        full + COUNT + "; import bridge.metrics as m; print(m._deliveries.labels('accepted')._value.get())"
    )
    assert ended.stdout == "1.0\n"
    assert "metrics_not_shared" in ended.stderr
