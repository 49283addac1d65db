"""/healthz and /readyz of the real server, as in production: probes come by address, over http."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.process.test_graceful import answers
from tests.process.test_up import free_port
from tests.process.test_work import running
from tests.threads import until

pytestmark = pytest.mark.process
PRODUCTION = {
    "PGB_PUBLIC_URL": "https://pay.example.com",
    "PGB_TWO_FACTOR": "true",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


@pytest.fixture
def silent() -> Iterator[str]:
    """A database that takes connections and never answers, as a stopped one does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"postgres://pgb:secret@127.0.0.1:{listener.getsockname()[1]}/pgb"


def test_probes_need_no_redis_no_host_and_no_https(child_environment: dict[str, str], tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with running("web", child_environment | PRODUCTION, tmp_path, address):
        until(lambda: answers(f"http://{address}/healthz"), 30)
        ready = requests.get(f"http://{address}/readyz", timeout=10, allow_redirects=False)
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        elsewhere = requests.get(f"http://{address}/api/docs/", timeout=10, allow_redirects=False)
        assert elsewhere.status_code == 400


def test_without_a_database_the_process_lives_and_is_not_ready(
    child_environment: dict[str, str], tmp_path: Path, silent: str
) -> None:
    address = f"127.0.0.1:{free_port()}"
    with running("web", child_environment | PRODUCTION | {"DATABASE_URL": silent}, tmp_path, address):
        until(lambda: answers(f"http://{address}/healthz"), 30)
        for _ in range(3):
            response = requests.get(f"http://{address}/readyz", timeout=10)
            assert response.status_code == 503
            assert response.json() == {"status": "not ready", "why": "the database does not answer within 2 s"}
            assert "secret" not in response.text
        assert answers(f"http://{address}/healthz")
