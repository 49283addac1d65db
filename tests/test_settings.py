"""The environment becomes settings, or a sentence that names what is wrong with it."""

import base64
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import (
    broker,
    database,
    field_keys,
    is_loopback,
    mail_server,
    networks,
    staff_webhook,
    web_address,
)
from config.local import DATA

ROOT = DATA.parent
KEY = base64.urlsafe_b64encode(b"\xff" * 32).decode()
PRODUCTION = {
    "SECRET_KEY": "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "PGB_FIELD_KEYS": KEY,
    "PGB_PUBLIC_URL": "https://pay.example.com",
    "DATABASE_URL": "postgres://pgb:secret@db.example.com:5432/pgb",
    "REDIS_URL": "redis://redis.example.com:6379/0",
    "PATH": os.environ["PATH"],
}


def check(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_production_is_clean() -> None:
    checked = check(PRODUCTION)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("name", ["SECRET_KEY", "PGB_FIELD_KEYS", "PGB_PUBLIC_URL", "DATABASE_URL", "REDIS_URL"])
def test_missing_variable_is_named_with_what_to_do(name: str) -> None:
    checked = check({**PRODUCTION, name: ""})
    assert checked.returncode == 1
    assert checked.stderr.startswith(f"manage.py: Set the environment variable {name}: ")
    assert checked.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "address",
    ["https://pay.example.com", "https://pay.example.com:8443/", "http://127.0.0.1:8000", "http://[::1]:80"],
)
def test_web_address(address: str) -> None:
    assert web_address("X", address) == address.rstrip("/")


@pytest.mark.parametrize(
    "address",
    ["http://pay.example.com", "pay.example.com", "ftp://127.0.0.1", "https://", "https://u@h", "https://h/?q", ""],
)
def test_web_address_refused(address: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="X is"):
        web_address("X", address)


@pytest.mark.parametrize(
    ("host", "is_so"),
    [("localhost", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("localhost.example", False)],
)
def test_loopback(host: str, is_so: bool) -> None:
    assert is_loopback(host) is is_so


def test_field_keys_keep_their_order() -> None:
    other = base64.urlsafe_b64encode(bytes(32)).decode()
    assert field_keys(f"{KEY}, {other}") == [b"\xff" * 32, bytes(32)]


@pytest.mark.parametrize("text", ["", ",", "short", KEY[:-4], KEY + ",x"])
def test_field_keys_refused(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PGB_FIELD_KEYS"):
        field_keys(text)


@pytest.mark.parametrize(
    ("url", "celerys"),
    [
        ("redis://h:6379/1", "redis://h:6379/1"),
        ("rediss://:p@h:6379/0", "rediss://:p@h:6379/0"),
        ("unix:///tmp/x/redis.sock?db=3", "redis+socket:///tmp/x/redis.sock?virtual_host=3"),
        ("unix:///tmp/x/redis.sock", "redis+socket:///tmp/x/redis.sock?virtual_host=0"),
    ],
)
def test_broker(url: str, celerys: str) -> None:
    assert broker(url) == celerys


def test_networks_are_ranges_or_single_addresses() -> None:
    assert [str(network) for network in networks("X", ["10.0.0.0/8", " 127.0.0.1", "fd00::/8"])] == [
        "10.0.0.0/8", "127.0.0.1/32", "fd00::/8",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["10.0.0.1/8", "prometheus.example", "10.0.0.0/33", ""])
def test_networks_refused(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="X must be networks"):
        networks("X", [text])


def test_other_servers_are_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL"):
        broker("amqp://h")
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        database("sqlite:///x.db", 1)


def test_database_has_a_connection_for_every_thread() -> None:
    config: dict[str, Any] = database("postgres://u:p%40@h:5433/pgb?sslmode=require", 17)
    assert config["PASSWORD"] == "p@"
    assert config["OPTIONS"]["sslmode"] == "require"
    assert config["OPTIONS"]["pool"]["max_size"] == 17
    assert "ATOMIC_REQUESTS" not in config


def test_mail_goes_to_the_server_of_its_url() -> None:
    server = mail_server("smtp+tls://pgb:secret@mail.example.com:587", ["ops@example.com"])
    assert (server["EMAIL_HOST"], server["EMAIL_PORT"], server["EMAIL_USE_TLS"]) == ("mail.example.com", 587, True)
    assert server["EMAIL_HOST_PASSWORD"] == "secret"
    assert "dummy" in str(mail_server("", [])["EMAIL_BACKEND"])


def test_mail_without_a_server_is_no_surprise() -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL is not"):
        mail_server("", ["ops@example.com"])


STAFF_SECRET = "whsec_" + base64.b64encode(b"x" * 24).decode()


@pytest.mark.parametrize("url", ["https://hooks.example.com/a?b=c", "http://127.0.0.1:9000/alerts"])
def test_staff_webhook(url: str) -> None:
    assert staff_webhook(url, STAFF_SECRET) == (url, STAFF_SECRET)
    assert staff_webhook("", "") == ("", "")


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("https://hooks.example.com", ""),
        ("https://hooks.example.com", "whsec_short"),
        ("https://hooks.example.com", "whsec_" + "?" * 40),
        ("http://hooks.example.com", STAFF_SECRET),
        ("", STAFF_SECRET),
    ],
)
def test_staff_webhook_refused(url: str, secret: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PGB_STAFF_WEBHOOK"):
        staff_webhook(url, secret)


def test_readme_lists_every_variable() -> None:
    read = re.findall(r'(?:required|env\.\w+)\("(\w+)"', (ROOT / "config" / "settings.py").read_text())
    table = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert sorted(table) == sorted(read)
