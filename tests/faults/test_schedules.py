"""Whatever goes wrong, and in whatever order: PGB, the gateway and the shop agree in the end."""

import pytest

from tests.faults import machine, schedules
from tests.faults.checker import Checker
from tests.faults.stage import open_stage


@pytest.fixture
def stage(transactional_db):
    with open_stage() as stage:
        yield stage


@pytest.mark.parametrize("seeds", schedules.wanted())
def test_the_books_agree_after_any_schedule(stage, seeds):
    first, last = map(int, seeds.split("-"))
    alone = first == last
    broken = []
    for number in range(first, last + 1):
        try:
            play = machine.run(stage, number, smallest=alone)
        except Exception as error:
            error.add_note(f'Seed {number}: make faults ARGS="schedules --seed {number}"')
            broken.append(error)
    if broken:
        raise ExceptionGroup(f"{len(broken)} of the seeds {seeds}", broken)
    if alone:
        print("\n".join(Checker(play).story()))
