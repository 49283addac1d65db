"""The long fault runs, whole: each part is a module of tests that runs a sample in `make test`.

make faults                 all of them
make faults ARGS="sweep"    some; what else stands there goes to pytest
make faults ARGS="schedules --seed 123"    one of the seeded schedules again, with its history
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.faults import schedules

HERE = Path(__file__).parent
PARTS = {
    "races": HERE / "test_races.py",
    "sweep": HERE / "test_sweep.py",
    "schedules": HERE / "test_schedules.py",
    "outages": HERE / "outages.py",
}
# They measure time: nothing may run beside them.
ALONE = {"outages"}


def main(words: list[str]) -> int:
    words = schedules.take(words)
    parts = [word for word in words if word in PARTS] or list(PARTS)
    options = [word for word in words if word not in PARTS]
    os.environ["PGB_FAULTS"] = "whole"
    together = [str(PARTS[part]) for part in parts if part not in ALONE]
    runs = [[*options, *together]] if together else []
    runs += [[*options, "-n", "0", "-s", str(PARTS[part])] for part in parts if part in ALONE]
    return max(subprocess.call([sys.executable, "-m", "pytest", *run]) for run in runs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
