"""A process that dies at any socket write loses nothing, does nothing twice and leaves nothing in doubt."""

import os

import pytest

from tests.faults.flows import FLOWS
from tests.faults.sweep import sweep

pytestmark = pytest.mark.process
WHOLE = os.environ.get("PGB_FAULTS") == "whole"


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_kill_at_any_socket_write_is_made_good(town, flow, record_property):
    swept = sweep(town, flow, whole=WHOLE)
    record_property("sweep", swept.row)
    assert swept.violations == []
