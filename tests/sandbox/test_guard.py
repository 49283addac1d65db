"""The sandbox and production do not meet."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from bridge.sandbox.checks import check_no_sandbox_in_production
from bridge.sandbox.demo import play
from bridge.sandbox.guard import refuse_in_production
from bridge.sandbox.sandbox import Sandbox
from merchants.provision import ProvisionError

ROOT = Path(settings.BASE_DIR)
PRODUCTION = "https://pgb.example"
IN_PRODUCTION = {"DEBUG": "false", "PGB_PUBLIC_URL": PRODUCTION, "PGB_TWO_FACTOR": "true"}


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("debug", "url", "refused"),
    [
        (False, PRODUCTION, True),
        (True, PRODUCTION, False),
        (False, "http://127.0.0.1:8000", False),
        (False, "http://localhost:8000", False),
        (False, "http://[::1]:8000", False),
        (False, "https://127.0.0.1.example", True),
    ],
)
def test_production_is_what_is_neither_debug_nor_loopback(
    settings: Settings, debug: bool, url: str, refused: bool
) -> None:
    settings.DEBUG, settings.PGB_PUBLIC_URL = debug, url
    if refused:
        with pytest.raises(ImproperlyConfigured):
            refuse_in_production()
    else:
        refuse_in_production()


def test_no_module_that_serves_can_be_imported_in_production() -> None:
    serving = {"server", "sandbox", "stripe", "stripe.api", "stripe.page", "shop", "shop_front", "control", "demo"}
    folder = ROOT / "bridge" / "sandbox"
    modules = sorted(".".join(path.relative_to(folder).with_suffix("").parts) for path in folder.rglob("*.py"))
    modules = [name.removesuffix(".__init__") for name in modules]
    assert serving <= set(modules)
    code = (
        "import django, importlib, sys; django.setup()\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n"
        "        importlib.import_module('bridge.sandbox.' + name)\n"
        "        print(name)\n"
        "    except django.core.exceptions.ImproperlyConfigured: pass\n"
    )
    done = python("-c", code, *modules, **IN_PRODUCTION, DJANGO_SETTINGS_MODULE="config.settings")
    imported = set(done.stdout.split())
    assert imported >= {"guard", "checks"}, done.stderr
    assert not imported & serving


def test_the_command_refuses_production() -> None:
    done = python("manage.py", "sandbox", "--port", "0", **IN_PRODUCTION)
    assert done.returncode != 0
    assert "needs DEBUG=true or a PGB_PUBLIC_URL on loopback" in done.stderr


def test_the_check_finds_a_local_stand_in(settings: Settings) -> None:
    settings.DEBUG, settings.PGB_PUBLIC_URL = False, PRODUCTION
    settings.PGB_STRIPE_BASE_URL = "http://127.0.0.1:9000"
    (error,) = check_no_sandbox_in_production()
    assert error.id == "bridge.E001" and "PGB_STRIPE_BASE_URL" in error.msg
    settings.PGB_STRIPE_BASE_URL = "https://api.stripe.com"
    assert check_no_sandbox_in_production() == []
    settings.PGB_PUBLIC_URL, settings.PGB_STRIPE_BASE_URL = "http://127.0.0.1:8000", "http://127.0.0.1:9000"
    assert check_no_sandbox_in_production() == []


def test_the_demo_file_names_whom_it_plays(sandbox: Sandbox) -> None:
    play(sandbox, ROOT / "deploy" / "demo.yaml", os.environ, "http://127.0.0.1:8000")
    accounts = {one.mid: one for one in sandbox.stripe.accounts.values()}
    assert accounts["acct_demo_kr"].webhook_url.startswith("http://127.0.0.1:8000/PGBReturn/Webhook/stripe/demo-")
    assert accounts["acct_demo_kr"].webhook_secret == os.environ["PGB_DEMO_STRIPE_WEBHOOK_SECRET"]
    shop = sandbox.shop.account("JP1", 2001)
    assert shop and (shop.currency, shop.api_key) == ("JPY", os.environ["PGB_DEMO_SHOP_API_KEY"])


@pytest.mark.parametrize("content", ["shops: []", "- 1", "merchants: 7", "{", "merchants: [{gateway: stripe}]"])
def test_other_files_are_refused(sandbox: Sandbox, tmp_path: Path, content: str) -> None:
    file = tmp_path / "demo.yaml"
    file.write_text(content)
    with pytest.raises(ProvisionError):
        play(sandbox, file, os.environ, "http://127.0.0.1:8000")
    with pytest.raises(ProvisionError):
        play(sandbox, ROOT / "deploy" / "demo.yaml", {}, "http://127.0.0.1:8000")


@pytest.mark.process
def test_the_command_runs_until_it_is_told_to_end() -> None:
    with Sandbox() as free:
        port = free.url.rpartition(":")[2]
    process = subprocess.Popen(
        [sys.executable, "manage.py", "sandbox", "--port", port], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout and process.stdout.readline().startswith(f"sandbox at http://127.0.0.1:{port}")
        assert "JP1" in requests.get(f"http://127.0.0.1:{port}/shop/", timeout=5).text
        taken = python("manage.py", "sandbox", "--port", port)
        assert taken.returncode == 1 and "choose another --port" in taken.stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()
