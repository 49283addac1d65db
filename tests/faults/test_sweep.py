"""A process that dies at any socket write loses nothing, does nothing twice and leaves nothing in doubt.

So does one that stands still there until others have done its work, and then goes on.
"""

import os

import pytest

from tests.faults.flows import FLOWS
from tests.faults.sweep import How, sweep

pytestmark = pytest.mark.process
WHOLE = os.environ.get("PGB_FAULTS") == "whole"
HANGING = [flow for flow in FLOWS if flow.may_hang and (WHOLE or flow.hangs)]


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_kill_at_any_socket_write_is_made_good(town, flow, record_property):
    swept = sweep(town, flow, How.KILLED, None if WHOLE else flow.kills)
    record_property("sweep", swept.row)
    assert swept.violations == []


@pytest.mark.parametrize("flow", HANGING, ids=lambda flow: flow.name)
def test_a_process_that_hangs_and_comes_back_changes_nothing(town, flow, record_property):
    swept = sweep(town, flow, How.STALLED, None if WHOLE else 1)
    record_property("sweep", swept.row)
    assert swept.violations == []
