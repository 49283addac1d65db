"""A plan of faults that a seed decides: the same seed does the same to the same exchanges."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bridge.sandbox.kinds import KINDS, OPERATIONS, checked

Drawn = tuple[str, dict[str, Any], random.Random]  # kind, parameters, and what else is random in it


class SeededPlan:
    """See Faults.plan()."""

    def __init__(
        self,
        seed: int,
        rate: float,
        kinds: Sequence[str] | None,
        operations: Sequence[str] | None,
        limit: int | None,
    ) -> None:
        if not 0 <= rate <= 1:
            raise ValueError("rate must be from 0 to 1")
        self._seed = seed
        self._rate = rate
        self._kinds = _known(kinds, [name for name, kind in KINDS.items() if kind.drawn is not None], tuple(KINDS))
        self._operations = _known(operations, OPERATIONS, OPERATIONS)
        self._left = limit
        self._counts: Counter[str] = Counter()

    def draw(self, operation: str, kinds: Sequence[str]) -> Drawn | None:
        """The fault of the next exchange of the operation; `kinds` are those that fit this part of it (all: none)."""
        part = f"{operation}/{','.join(kinds)}"
        self._counts[part] += 1
        dice = random.Random(f"{self._seed}/{part}/{self._counts[part]}")
        fitting = [name for name in self._kinds if operation in KINDS[name].operations and (not kinds or name in kinds)]
        if operation not in self._operations or not fitting or self._left == 0 or dice.random() >= self._rate:
            return None
        if self._left is not None:
            self._left -= 1
        kind = dice.choice(fitting)
        return kind, checked(operation, kind, _params(kind, dice)), dice


def _params(kind: str, dice: random.Random) -> dict[str, Any]:
    """A value for each parameter that has several."""
    drawn = KINDS[kind].drawn or {}
    choices = {name: known for name, known in KINDS[kind].params.items() if isinstance(known, tuple)}
    return {name: dice.choice(values) for name, values in {**choices, **drawn}.items()}


def _known(given: Sequence[str] | None, usual: Sequence[str], known: Sequence[str]) -> list[str]:
    if given is None:
        return list(usual)
    if unknown := sorted(set(given) - set(known)):
        raise ValueError(f"unknown: {', '.join(unknown)}")
    return [name for name in known if name in given]  # in the table's order, whatever order was given
