"""The long fault runs, whole: each part is a module of tests that runs a sample in `make test`.

make faults                 all of them
make faults ARGS="sweep"    some; what else stands there goes to pytest
make faults ARGS="schedules --seed 123"    one of the seeded schedules again, with its history
"""

import os
import sys
from pathlib import Path

import pytest

from tests.faults import schedules

HERE = Path(__file__).parent
PARTS = {
    "races": HERE / "test_races.py",
    "sweep": HERE / "test_sweep.py",
    "schedules": HERE / "test_schedules.py",
    "outages": HERE / "outages.py",
}


def main(words: list[str]) -> int:
    words = schedules.take(words)
    parts = [word for word in words if word in PARTS] or list(PARTS)
    os.environ["PGB_FAULTS"] = "whole"
    return pytest.main([*(word for word in words if word not in PARTS), *(str(PARTS[part]) for part in parts)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
