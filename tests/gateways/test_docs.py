"""docs/gateways.md says of each gateway what its adapter says."""

from dataclasses import fields
from datetime import timedelta
from pathlib import Path

from bridge.gateways import GATEWAYS, gateway_class
from bridge.gateways.base import Capabilities
from merchants.codes import GatewayCode

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "gateways.md"
BEGIN, END = "<!-- capabilities -->\n", "<!-- end -->\n"


def shown(value):
    match value:
        case bool():
            return "yes" if value else "no"
        case frozenset():
            return ", ".join(sorted(value)) or "none"
        case timedelta():
            return f"{value / timedelta(hours=1):g} h"
        case _:
            return f"{value:g} s"


def table():
    """One row for each capability, one column for each gateway."""
    records = [gateway_class(code).capabilities for code in GATEWAYS]
    rows = [["capability", *GATEWAYS], ["---"] * (1 + len(GATEWAYS))]
    rows += [
        [f"`{one.name}`", *(shown(getattr(record, one.name)) for record in records)] for one in fields(Capabilities)
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def test_page_shows_what_each_gateway_can_do():
    page = PAGE.read_text()
    there = page[page.index(BEGIN) + len(BEGIN) : page.index(END)]
    assert there.strip() == table().strip(), f"put this into docs/gateways.md:\n\n{table()}"


def test_every_adapter_is_of_a_gateway_that_pgb_knows_by_name():
    assert set(GATEWAYS) <= set(GatewayCode.values)
