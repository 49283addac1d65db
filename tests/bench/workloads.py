"""The workloads of the bench. Each returns the rows of its part of the table."""

import json
import socket
import statistics
import time
from collections import Counter
from collections.abc import Iterator

from tests.bench import orders, wire
from tests.bench.bench import CONNECTIONS, Bench, Round, Row, empty, one_round
from tests.bench.functions import functions
from tests.bench.load import begin, send
from tests.bench.programs import postgresql

PAIRS = 7
HOOKS = 1500  # webhooks in one round
MIXED_SECONDS = 4


def w1(bench: Bench) -> Iterator[Row]:
    """Webhooks stored before the ack, against both floors."""
    pgb, floor, raw = [], [], []
    sides = [
        (pgb, lambda number: one_round(bench.web, bench.web_port, wire.strangers(number))),
        (floor, lambda number: one_round(bench.floor, bench.floor_port, wire.strangers(number, "/take"))),
        (raw, lambda number: one_round(bench.raw, bench.raw_port, wire.strangers(number, "/take"))),
    ]
    for _, load in sides * 2:  # warm
        load(300)
    for number in range(PAIRS):
        empty()
        for rounds, load in sides if number % 2 else reversed(sides):
            rounds.append(load(HOOKS))
        rates = ", ".join(f"{rounds[-1].rate:.0f}/s" for rounds in (pgb, floor, raw))
        bench.said(f"  round {number + 1}: PGB, floor, raw floor: {rates}")
    empty()
    ratio = _median_ratio(pgb, floor)
    cpu = [f"{statistics.median(one.micros for one in rounds):.0f}" for rounds in (pgb, floor, raw)]
    rates = [f"{statistics.median(one.rate for one in rounds):.0f}" for rounds in (pgb, floor, raw)]
    generator = max(one.outcome.cpu / one.outcome.seconds for one in [*pgb, *floor, *raw])
    detail = (
        f"PGB {rates[0]}/s, floor {rates[1]}/s, raw floor {rates[2]}/s; processor per request "
        f"{cpu[0]}, {cpu[1]}, {cpu[2]} µs (ratio of the floor's to ours "
        f"{_median([b.micros / a.micros for a, b in zip(pgb, floor, strict=True)])}); "
        f"the generator used at most {generator:.0%} of one core"
    )
    title = f"signed webhooks, distinct, {CONNECTIONS} connections, worker stopped"
    yield Row("W1", title, f"{ratio:.2f} x the floor", ">= 0.9", ratio >= 0.9, detail)
    yield from _w1_beside_work(bench, floor)


def _w1_beside_work(bench: Bench, floor: list[Round]) -> Iterator[Row]:
    with bench.working():
        sessions = orders.sessions(HOOKS)
        got = one_round(bench.web, bench.web_port, [wire.webhook(one.reference) for one in sessions])
        bench.wait_told({one.order.order_id for one in sessions}, 120)
    beside = statistics.median(one.rate for one in floor)
    title = "the same of known payments, worker running"
    detail = f"{got.rate / beside:.2f} x the floor's {beside:.0f}/s; all {HOOKS} were told"
    yield Row("W1", title, f"{got.rate:.0f}/s", "reported", None, detail)


def _median_ratio(ours: list[Round], theirs: list[Round]) -> float:
    return statistics.median(a.rate / b.rate for a, b in zip(ours, theirs, strict=True))


def _median(values: list[float]) -> str:
    return f"{statistics.median(values):.2f}"


def w2(bench: Bench) -> Iterator[Row]:
    """Webhooks with 20 PayStarts a second beside them, while the gateway is slow."""
    quick, slow, hung = [], [], []
    for number in range(PAIRS):
        for seconds, rounds in ((0, quick), (0.3, slow), (30, hung)):
            rounds.append(_mixed(bench, seconds))
        bench.said(
            f"  round {number + 1}: {quick[-1]:.0f}/s at 0 ms, {slow[-1]:.0f}/s at 300 ms, {hung[-1]:.0f}/s at 30 s"
        )
    for name, rounds in (("300 ms", slow), ("30 s", hung)):
        ratio = statistics.median(a / b for a, b in zip(rounds, quick, strict=True))
        detail = f"{statistics.median(rounds):.0f}/s against {statistics.median(quick):.0f}/s"
        title = f"W1 with 20 PayStarts/s beside it, gateway at {name}"
        yield Row("W2", title, f"{ratio:.2f} x the same at 0 ms", "within 10 %", ratio >= 0.9, detail)


def _mixed(bench: Bench, seconds: float) -> float:
    """Return the webhooks per second that get through."""
    bench.peer.behave(fixed=seconds)
    empty()
    starts = begin(bench.web_port, list(wire.pay_starts(20 * MIXED_SECONDS + 20)), 64, 20)
    time.sleep(0.8)  # PayStarts have filled what they may
    hooks = wire.strangers(HOOKS)
    outcome = send(bench.web_port, hooks, CONNECTIONS)
    bench.peer.behave(fixed=0)
    beside = starts.result()
    if outcome.failed or beside.failed:
        raise RuntimeError(f"{outcome.failed} webhooks and {beside.failed} PayStarts failed")
    return outcome.rate


def w3(bench: Bench) -> Iterator[Row]:
    """Three copies of each of 300 events, while workers are killed."""
    sessions = orders.sessions(300)
    hooks = [copy for one in sessions for copy in [wire.webhook(one.reference)] * 3]
    begun = time.monotonic()
    with bench.programs.pgb("dispatch"):
        load = begin(bench.web_port, hooks, CONNECTIONS, 150)
        for seconds in (2.5, 2.5):
            with bench.programs.pgb("worker") as worker:
                time.sleep(seconds)
                worker.kill()
        with bench.programs.pgb("worker"):
            outcome = load.result()
            bench.wait_told({one.order.order_id for one in sessions}, 120)
            took = time.monotonic() - begun
            time.sleep(5)  # what would be told twice has the time for it
    told = bench.peer.books()["told"]
    effects = sum(len(set(told[str(one.order.order_id)])) for one in sessions)
    repeats = sum(len(told[str(one.order.order_id)]) for one in sessions) - effects
    good = effects == 300 and outcome.failed == 0
    detail = f"2 workers killed; {repeats} messages came a second time with the same EventId; {took:.1f} s in all"
    yield Row("W3", "300 events x 3 copies, worker kills", f"{effects} effects", "exactly 300", good, detail)


def w9(bench: Bench) -> Iterator[Row]:
    """PayStarts that arrive at their own pace, at a gateway as slow as real ones."""
    seconds, rate = 30, 50
    bench.peer.reset()
    with bench.working() as workers:
        bench.peer.behave(p50=0.120, p99=0.380, faults=0.007)
        before = bench.web.cpu(), sum(one.cpu() for one in workers)
        outcome = send(bench.web_port, list(wire.pay_starts(seconds * rate)), 64, rate)
        used = bench.web.cpu() - before[0], sum(one.cpu() for one in workers) - before[1]
        bench.peer.behave()
    took = bench.peer.books()["took"]
    added, codes = [], Counter()
    for one in outcome.answers:
        said = json.loads(one.body) if one.status == 200 else {"ErrorCode": str(one.status)}
        codes[said["ErrorCode"] or "opened"] += 1
        if said.get("IsSuccess"):
            added.append(one.latency - took[said["PaymentId"]])
    added.sort()
    p50, p95 = added[len(added) // 2], added[int(len(added) * 0.95)]
    within = sum(one.ended <= seconds for one in outcome.answers) / seconds
    good = outcome.failed == 0 and within >= rate * 0.97 and p95 <= 0.025
    detail = (
        f"{len(outcome.answers)} PayStarts in {outcome.seconds:.1f} s: "
        f"{', '.join(f'{number} {code}' for code, number in codes.most_common())}; {outcome.failed} system errors; "
        f"web used {used[0] / len(outcome.answers) * 1000:.1f} ms of processor each"
    )
    result = f"{within:.0f}/s, adds p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms"
    title = "PayStart at 50/s, gateway p50 120 / p99 380 ms, 0.7 % faults"
    yield Row("W9", title, result, ">= 50/s, p95 <= 25 ms, 0 errors", good, detail)


def w10(bench: Bench) -> Iterator[Row]:
    """From the webhook to the shop, one at a time."""
    times = []
    with bench.working():
        for one in orders.sessions(200):
            hook = wire.webhook(one.reference)
            begun = time.monotonic()
            send_one(bench, hook)
            bench.wait_told({one.order.order_id}, 20)
            times.append(bench.peer.books()["told_at"][str(one.order.order_id)] - begun)
    times.sort()
    p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
    good = p50 <= 0.5 and p99 <= 2
    title = "webhook received -> shop told, idle system"
    detail = f"200 payments one after the other, slowest {times[-1]:.2f} s"
    yield Row("W10", title, f"p50 {p50:.2f} s, p99 {p99:.2f} s", "p50 <= 0.5 s, p99 <= 2 s", good, detail)


def w12(bench: Bench) -> Iterator[Row]:
    """How many payments a second are verified and told, for a while."""
    rate, seconds = 130, 20
    with bench.working() as workers:
        sessions = orders.sessions(rate * seconds)
        hooks = [wire.webhook(one.reference) for one in sessions]
        programs = [bench.web, *workers, postgresql(), bench.peer.running]
        before = [one.cpu() for one in programs]
        begun = time.monotonic()
        outcome = send(bench.web_port, hooks, 16, rate)
        bench.wait_told({one.order.order_id for one in sessions}, 300)
        used = [one.cpu() - was for one, was in zip(programs, before, strict=True)]
    told_at = sorted(bench.peer.books()["told_at"][str(one.order.order_id)] - begun for one in sessions)
    # The middle: neither the first that had no others beside them nor the last of a queue.
    first, last = len(told_at) // 10, len(told_at) * 9 // 10
    sustained = (last - first) / (told_at[last] - told_at[first])
    cost = ", ".join(f"{one.name} {cpu / len(sessions) * 1000:.1f}" for one, cpu in zip(programs, used, strict=True))
    detail = (
        f"{rate}/s arrive for {seconds} s ({outcome.failed} refused); all {len(sessions)} told after "
        f"{told_at[-1]:.1f} s; processor per payment in ms: {cost}"
    )
    yield Row("W12", "verified and told, sustained", f"{sustained:.0f}/s", ">= 100/s", sustained >= 100, detail)


def send_one(bench: Bench, hook: bytes) -> None:
    """Ring once, from this process."""
    with socket.create_connection(("127.0.0.1", bench.web_port), 10) as door:
        door.sendall(hook)
        door.recv(4096)


ALL = {"W1": w1, "W2": w2, "W3": w3, "W9": w9, "W10": w10, "W12": w12, "API": functions}


def memory(bench: Bench) -> list[Row]:
    """What the processes held at their largest."""
    return [
        Row("", f"largest {name} process in memory", f"{held:.0f} MB", "<= 150 MB", held <= 150)
        for name, held in sorted(bench.resident.items())
    ]
