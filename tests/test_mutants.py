"""The table of mutants follows the code: what it changes is there, and so is the test that must notice."""

from tests.mutants import ROOT, Mutant, read_table


def can_be_made(mutant: Mutant) -> bool:
    path, *_, name = mutant.test.split("::")
    is_there = (ROOT / mutant.file).read_text().count(mutant.old) == 1
    return is_there and f"def {name.partition('[')[0]}(" in (ROOT / path).read_text()


def test_every_mutant_can_be_made() -> None:
    assert [mutant.paragraph for mutant in read_table() if not can_be_made(mutant)] == []
