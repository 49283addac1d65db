"""The rules of the code's shape, checked from its syntax: imports, lengths, clocks."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("config", "merchants", "installments", "payments", "bridge", "tests")
LONGEST_FILE, LONGEST_FUNCTION = 300, 40

# The arrows: a part of the code (the longest name counts), and which parts it may import beside itself.
ARROWS = {
    "config": set(),
    "config.settings": {"config", "bridge.gateways"},
    "config.urls": {"bridge"},
    "merchants": {"config"},
    "installments": {"config", "merchants"},
    "payments": {"config", "merchants"},
    "bridge": {"config", "merchants", "installments", "payments"},
    "config.people": {"config", "merchants", "payments"},
    "bridge.gateways": {"config.environment", "merchants.codes"},
    "bridge.sandbox": {"config", "merchants"},
    "bridge.sandbox.walk": {"bridge.sandbox", "bridge.gateways"},  # the demo calls through the one HTTP door
}
# The sandbox plays the other side: only the check against it and the demo may name it.
KNOWS_THE_SANDBOX = {
    "bridge.sandbox",
    "bridge.management.commands.sandbox",
    "bridge.management.commands.demo",
    "bridge.apps",
}
NETWORK = {
    "aiohttp", "celery", "ftplib", "http.client", "httpx", "kombu", "redis", "requests", "smtplib", "socket",
    "ssl", "stripe", "urllib.request", "urllib3",
}  # fmt: skip

WRONG_CLOCKS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.datetime.now",
    "date.today",
    "datetime.date.today",
}
# The default of a column, for code from before it, which runs while the new code is brought in.
COLUMNS_WITH_A_CLOCK = {"payments.models.events"}
SQL_CLOCK = re.compile(r"\b(now\(\)|current_timestamp|clock_timestamp|localtimestamp)", re.IGNORECASE)

# "path" or "path:function" -> why it may be longer.
LONGER: dict[str, str] = {}


@dataclass(frozen=True)
class Module:
    path: Path
    name: str
    text: str
    tree: ast.Module

    def imports(self) -> Iterator[str]:
        """Full dotted names; of `from a import b` both a and a.b."""
        package = self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                source = ".".join([*above, *([node.module] if node.module else [])])
                yield source
                yield from (f"{source}.{alias.name}" for alias in node.names)


@cache
def modules() -> list[Module]:
    files = [ROOT / "manage.py", *(path for part in OURS for path in sorted((ROOT / part).rglob("*.py")))]
    return [_read(path) for path in files]


def _read(path: Path) -> Module:
    text = path.read_text()
    parts = path.relative_to(ROOT).with_suffix("").parts
    return Module(path, ".".join(part for part in parts if part != "__init__"), text, ast.parse(text))


def inside(name: str, part: str) -> bool:
    return name == part or name.startswith(part + ".")


def part_of(name: str) -> str | None:
    return max((part for part in ARROWS if inside(name, part)), key=len, default=None)


def broken_arrows(module: Module) -> Iterator[str]:
    part = part_of(module.name)
    if part is None:
        return
    for name in module.imports():
        if name.split(".")[0] not in OURS:
            continue
        # `from merchants import codes` names the package too: no harm if an allowed part lies in it.
        if not any(inside(name, ok) or inside(ok, name) for ok in {part, *ARROWS[part]}):
            yield name


def sandbox_in_production(module: Module) -> Iterator[str]:
    if part_of(module.name) and not any(inside(module.name, ok) for ok in KNOWS_THE_SANDBOX):
        yield from (name for name in module.imports() if inside(name, "bridge.sandbox"))


def network_in_payments(module: Module) -> Iterator[str]:
    if inside(module.name, "payments"):
        yield from (name for name in module.imports() if any(inside(name, banned) for banned in NETWORK))


def models_in_gateways(module: Module) -> Iterator[str]:
    if inside(module.name, "bridge.gateways"):
        yield from (name for name in module.imports() if inside(name, "django.db"))


def foreign_clocks(module: Module) -> Iterator[str]:
    """Schedules and ladders are tested under the application's clock; money tables have no other."""
    if not inside(module.name, "payments") and part_of(module.name) != "bridge":
        return
    if module.name not in COLUMNS_WITH_A_CLOCK:
        yield from (name for name in module.imports() if name == "django.db.models.functions.Now")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in WRONG_CLOCKS:
            yield f"{ast.unparse(node)} in line {node.lineno}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL_CLOCK.search(node.value):
            yield f"SQL clock in line {node.lineno}"


def too_long(module: Module) -> Iterator[str]:
    path = str(module.path.relative_to(ROOT))
    if "migrations" in module.path.parts:
        return
    if (lines := module.text.count("\n")) > LONGEST_FILE and path not in LONGER:
        yield f"{lines} lines"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LONGEST_FUNCTION and f"{path}:{node.name}" not in LONGER:
                yield f"{node.name}: {lines} lines"


@pytest.mark.parametrize(
    "rule",
    [broken_arrows, sandbox_in_production, network_in_payments, models_in_gateways, foreign_clocks, too_long],
)
def test_code_keeps_the_rule(rule: Callable[[Module], Iterator[str]]) -> None:
    broken = {module.name: found for module in modules() if (found := list(rule(module)))}
    assert broken == {}


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        (broken_arrows, "payments.ledger", "from bridge import start"),
        (broken_arrows, "merchants.lookup", "import payments.models"),
        (broken_arrows, "installments.lookup", "from payments.money import parse"),
        (broken_arrows, "bridge.gateways.stripe", "from merchants.models import Merchant"),
        (broken_arrows, "bridge.gateways.stripe", "from ..start import start"),
        (broken_arrows, "bridge.sandbox.books", "from payments import ledger"),
        (broken_arrows, "bridge.sandbox.books", "from bridge.gateways import base"),
        (sandbox_in_production, "bridge.start", "from bridge.sandbox import books"),
        (broken_arrows, "config.local", "import bridge"),
        (broken_arrows, "payments.states", "from tests import factories"),
        (network_in_payments, "payments.ledger", "from urllib import request"),
        (network_in_payments, "payments.ledger", "import requests.adapters"),
        (models_in_gateways, "bridge.gateways.http", "from django.db import models"),
        (foreign_clocks, "payments.ledger", "from django.db.models.functions import Now"),
        (foreign_clocks, "bridge.recover", "datetime.now()"),
        (foreign_clocks, "payments.queues", "'WHERE due_at <= NOW()'"),
        (foreign_clocks, "payments.queues", "f'... < current_timestamp - {x}'"),
        (too_long, "payments.ledger", "\n" * 301),
        (too_long, "payments.ledger", "def f():\n" + " 1\n" * 40),
    ],
)
def test_rule_sees_what_breaks_it(rule: Callable[[Module], Iterator[str]], name: str, text: str) -> None:
    path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
    assert list(rule(Module(path, name, text, ast.parse(text))))


def test_exceptions_are_still_needed() -> None:
    files = {str(module.path.relative_to(ROOT)): module for module in modules()}
    for place in LONGER:
        assert place.split(":")[0] in files, f"{place} is gone: take it off the list"


@pytest.mark.parametrize("app", ["merchants", "installments", "payments", "bridge", "config/people"])
def test_app_has_migrations(app: str) -> None:
    assert (ROOT / app / "migrations" / "__init__.py").is_file()
