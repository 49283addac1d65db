"""The functions of order pages beside a bare DRF view that makes as many statements."""

import statistics
from collections.abc import Callable, Iterator

from tests.bench import wire
from tests.bench.bench import Bench, Round, Row, one_round
from tests.bench.programs import free_port

PAIRS = 7
QUESTIONS = 400  # in one round
FUNCTIONS = {
    "payment-methods/connections": wire.question("/api/v1/payment-methods/connections", pay_type="CARD"),
    "merchants/lookup": wire.question("/api/v1/merchants/lookup", pay_type="CARD", amount=wire.AMOUNT),
    "pg-info": wire.question("/api/v1/pg-info", amount=wire.AMOUNT),
    "installments/interest-free": wire.question("/api/v1/installments/interest-free"),
    "account-verification-mid": wire.question("/api/v1/account-verification-mid"),
}
STATEMENTS = {"installments/interest-free": 3}  # the others: 2


def functions(bench: Bench) -> Iterator[Row]:
    """Questions of order pages, against bare DRF views."""
    port = free_port()
    with bench.programs.floor("unkept", "tests.bench.unkept:application", port) as unkept:
        kept = _compare(bench, lambda request: one_round(bench.web, bench.web_port, request), lambda name: 0)
        yield from _rows("configuration from its copy", kept)
        fresh = _compare(bench, lambda request: one_round(unkept, port, request), lambda name: STATEMENTS.get(name, 2))
        yield from _rows("nothing kept", fresh)


Pairs = dict[str, list[tuple[Round, Round]]]


def _compare(bench: Bench, ask: Callable[[list[bytes]], Round], statements: Callable[[str], int]) -> Pairs:
    """Return for each function its rounds beside the floor's."""
    found: Pairs = {name: [] for name in FUNCTIONS}
    for number in range(-1, PAIRS):
        for name, request in FUNCTIONS.items():
            bare = wire.question(f"/bare/{statements(name)}", pay_type="CARD")
            loads = [
                lambda request=request: ask([request] * QUESTIONS),
                lambda bare=bare: one_round(bench.floor, bench.floor_port, [bare] * QUESTIONS),
            ]
            ours, theirs = [load() for load in loads] if number % 2 else [load() for load in reversed(loads)][::-1]
            if number >= 0:  # the first warms both
                found[name].append((ours, theirs))
    return found


def _rows(how: str, found: Pairs) -> Iterator[Row]:
    for name, pairs in found.items():
        ratio = statistics.median(ours.rate / theirs.rate for ours, theirs in pairs)
        rates, cpu = (
            [statistics.median(getattr(pair[side], what) for pair in pairs) for side in (0, 1)]
            for what in ("rate", "micros")
        )
        detail = (
            f"{rates[0]:.0f}/s, the bare view {rates[1]:.0f}/s; processor per request {cpu[0]:.0f}, {cpu[1]:.0f} µs"
        )
        yield Row("API", f"{name}, {how}", f"{ratio:.2f} x a bare view", ">= 0.8", ratio >= 0.8, detail)
