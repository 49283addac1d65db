"""Which seeded schedules are run: some in `make test`, 10,000 in `make faults`, or those that are asked for.

make faults ARGS="schedules"
make faults ARGS="schedules --first 20001 --count 500"
make faults ARGS="schedules --seed 123"    that one again, with its history and both books
"""

import argparse
import os

_SEEDS = "PGB_SCHEDULES"
# A part is run by one process: parts of one size keep all of them busy.
SAMPLE, WHOLE, PART = 100, 10_000, 10


def take(words: list[str]) -> list[str]:
    """Take what concerns seeds from a command line, and return what pytest is to be told."""
    parser = argparse.ArgumentParser(prog="schedules", add_help=False, allow_abbrev=False)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--count", type=int, default=WHOLE)
    wish, others = parser.parse_known_args(words)
    if wish.seed is not None:
        os.environ[_SEEDS] = f"{wish.seed}-{wish.seed}"
        return [*others, "-n", "0", "-s"]
    os.environ[_SEEDS] = f"{wish.first}-{wish.first + wish.count - 1}"
    return others


def wanted() -> list[str]:
    """Return the parts to be run, each as its first and last seed: "1-10"."""
    first, last = map(int, os.environ.get(_SEEDS, f"1-{SAMPLE}").split("-"))
    return [f"{begin}-{min(begin + PART - 1, last)}" for begin in range(first, last + 1, PART)]
