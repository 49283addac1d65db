"""The long fault runs, whole: each part is a module of tests that runs a sample in `make test`.

make faults                 all of them
make faults ARGS="sweep"    some; what else stands there goes to pytest
"""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PARTS = {
    "sweep": HERE / "test_sweep.py",
}


def main(words: list[str]) -> int:
    parts = [word for word in words if word in PARTS] or list(PARTS)
    os.environ["PGB_FAULTS"] = "whole"
    return pytest.main([*(word for word in words if word not in PARTS), *(str(PARTS[part]) for part in parts)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
