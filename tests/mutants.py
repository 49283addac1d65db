"""Tests of the tests: one guard after another is taken out, and the test that is named beside it must go red.

    make mutants                       all of mutants.txt, some minutes
    make mutants ARGS="ledger lease"   those that hold one of the words

In mutants.txt a paragraph is one mutant: the file, the text that stands there once (-), what replaces it (+),
and the test (!). A paragraph of one line is a heading.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = Path(__file__).with_suffix(".txt")


@dataclass(frozen=True)
class Mutant:
    """In ``file`` the text ``old`` becomes ``new``; ``test`` must fail then."""

    paragraph: str
    file: str
    old: str
    new: str
    test: str


def read_table() -> list[Mutant]:
    mutants = []
    for paragraph in TABLE.read_text().strip().split("\n\n"):
        file, *lines = paragraph.split("\n")
        old, new, test = ("\n".join(line[1:] for line in lines if line[0] == mark) for mark in "-+!")
        if lines:
            mutants.append(Mutant(paragraph, file, old, new, test.strip()))
    return mutants


def main(words: list[str]) -> int:
    mutants = [mutant for mutant in read_table() if not words or any(word in mutant.paragraph for word in words)]
    survived = 0
    with tempfile.TemporaryDirectory(prefix="pgb-mutants-") as folder:
        tree = Path(folder)
        copy_sources(tree)
        said = run_tests(tree, *sorted({mutant.test for mutant in mutants}))
        if not re.search(r"^\d+ passed", said, re.MULTILINE):
            print(said, "The tests are red before anything was changed.", sep="\n")
            return 1
        for number, mutant in enumerate(mutants, 1):
            begun = time.monotonic()
            why = why_it_survives(tree, mutant)
            survived += bool(why)
            fate = f"SURVIVED: {why}" if why else "killed"
            print(
                f"{number}/{len(mutants)} {mutant.paragraph}\n{fate} ({time.monotonic() - begun:.0f} s)\n", flush=True
            )
    print(f"{len(mutants) - survived} killed, {survived} survived")
    return bool(survived)


def copy_sources(tree: Path) -> None:
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")
    for file in filter(None, listed):
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, tree / file)


def run_tests(tree: Path, *tests: str) -> str:
    """Return what pytest says of the tests."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def why_it_survives(tree: Path, mutant: Mutant) -> str:
    """Return "" if the test fails for the mutant. An error before the test does not count as its failing."""
    path = tree / mutant.file
    before = path.read_text()
    if before.count(mutant.old) != 1:
        return f"its text stands there {before.count(mutant.old)} times, not once"
    path.write_text(before.replace(mutant.old, mutant.new))
    try:
        said = run_tests(tree, mutant.test)
    finally:
        path.write_text(before)
    return "" if re.search(r"^\d+ failed", said, re.MULTILINE) else said.strip().rpartition("\n")[2]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
