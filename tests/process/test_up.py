"""`manage.py up`: every process of one machine, for real."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from config.local import DATA, follow_ports, local_addresses

pytestmark = pytest.mark.process
ROOT = DATA.parent


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def up(environment: dict[str, str], *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "up", *options],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_all_run_and_all_end(child_environment: dict[str, str]) -> None:
    web, sandbox = free_port(), free_port()
    process = up(child_environment, "--web-port", str(web), "--sandbox-port", str(sandbox))
    assert process.stdout is not None
    try:
        assert any(line.startswith("worker ") and "ready" in line for line in process.stdout)
        for address in (f"http://127.0.0.1:{web}/api/schema/", f"http://127.0.0.1:{sandbox}/"):
            wait_for_answer(address)
    finally:
        asked = time.monotonic()
        process.terminate()
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    assert time.monotonic() - asked < 15
    assert "starts again" not in out
    assert "killed" not in out


def wait_for_answer(address: str) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            assert time.monotonic() < until, f"{address} does not answer"
            time.sleep(0.1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("option", ["--web-port", "--sandbox-port"])
def test_taken_port_is_one_sentence(child_environment: dict[str, str], taken_port: int, option: str) -> None:
    process = up(child_environment, option, str(taken_port))
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert out == (
        f"CommandError: Port {taken_port} of 127.0.0.1 cannot be used (Address already in use). "
        f"Choose another with {option}.\n"
    )


@pytest.mark.parametrize("option", ["--web-port", "--sandbox-port"])
def test_demo_does_not_take_another_server_for_its_own(taken_port: int, option: str) -> None:
    ports = {"--web-port": free_port(), "--sandbox-port": free_port(), option: taken_port}
    process = subprocess.run(
        [sys.executable, "manage.py", "demo", *(f"{name}={port}" for name, port in ports.items())],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == 1
    assert process.stdout == ""
    assert process.stderr == (
        f"CommandError: Port {taken_port} of 127.0.0.1 cannot be used (Address already in use). "
        f"Choose another with {option}.\n"
    )


def test_missing_migrations_are_one_sentence() -> None:
    # The plugin's database is empty: tests make databases of their own beside it.
    process = subprocess.run(
        [sys.executable, "manage.py", "up", "--web-port", str(free_port()), "--no-sandbox"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == 1
    assert process.stderr.startswith("CommandError: The database lacks ")
    assert process.stderr.endswith(" migrations: run `manage.py migrate` first.\n")


def test_addresses_that_local_filled_in_follow_the_ports() -> None:
    local = local_addresses({})
    assert follow_ports(local, 8123, 9123) == {
        **local,
        "PGB_PUBLIC_URL": "http://127.0.0.1:8123",
        "PGB_SANDBOX_URL": "http://127.0.0.1:9123",
        "PGB_STRIPE_BASE_URL": "http://127.0.0.1:9123",
    }


def test_addresses_that_were_given_stay() -> None:
    given = {"PGB_PUBLIC_URL": "https://pay.example.com", "PGB_SANDBOX_URL": "http://127.0.0.1:7000"}
    local = {**local_addresses(given), **given}
    assert local["PGB_STRIPE_BASE_URL"] == "http://127.0.0.1:7000"
    assert follow_ports(local, 8123, 9123) == local
