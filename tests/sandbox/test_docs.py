"""docs/sandbox.md tells of every fault and every control call what the code says."""

from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.control import PREFIX
from bridge.sandbox.kinds import API, KINDS, OPERATIONS, Kind
from bridge.sandbox.sandbox import Sandbox

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "sandbox.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| `")]


def row(name: str) -> list[str]:
    """The row of a table that begins with this name; none is a failure."""
    return next((cells for cells in ROWS if cells[0] == f"`{name}`"), [f"no row for {name}"])


def places(kind: Kind) -> str:
    """Where it can happen: "calls" are all calls of the gateway's API."""
    if set(API) <= set(kind.operations):
        return ", ".join(["calls", *(one for one in kind.operations if one not in API)])
    return ", ".join(kind.operations)


def shown(name: str, declared: Any) -> str:
    if isinstance(declared, tuple):
        return f"{name}: {', '.join(declared)}"
    if isinstance(declared, type):
        return f"{name} (must be given)"
    return f"{name} = {declared}"


@pytest.mark.parametrize("name", KINDS)
def test_every_fault_is_told_as_it_is(name: str) -> None:
    kind = KINDS[name]
    parameters = "; ".join(shown(*one) for one in kind.params.items()) or "-"
    seeded = "yes" if kind.drawn is not None else "by name"
    assert row(name)[:4] == [f"`{name}`", places(kind), parameters, seeded]


def test_every_operation_is_told() -> None:
    assert [name for name in OPERATIONS if len(row(name)) == 1] == []


def test_every_control_call_is_told(sandbox: Sandbox) -> None:
    calls = [f"{method} {PREFIX}{path}" for method, path in sandbox._control._operations]
    assert [call for call in calls if len(row(call)) == 1] == []
