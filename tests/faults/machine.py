"""The rules from which Hypothesis makes schedules: who may do what, in any order, with any luck."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from hypothesis import HealthCheck, Phase, assume, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from payments.queues import Queue
from tests.faults.checker import Checker
from tests.faults.simulation import Play
from tests.faults.stage import Stage

STEPS = 25
ORDERS = st.sampled_from([1, 1, 1, 2])
AMOUNTS = st.sampled_from([64900, 64900, 10000])
PLACES = st.sampled_from([0, 0, 0, 1, 2])
SECONDS = st.sampled_from([1, 6, 31, 65, 200, 620, 1900, 3700])
API = ("start", "fetch", "list", "expire")
FAULTS: list[tuple[str, str, dict[str, Any]]] = [
    *((operation, "drop", {"reset": reset}) for operation in (*API, "forward") for reset in (False, True)),
    *((operation, "answer_lost", {"reset": reset}) for operation in (*API, "forward") for reset in (False, True)),
    *((operation, "error_before", {"status": status}) for operation in (*API, "forward") for status in (500, 503)),
    *((operation, "error_after", {"status": status}) for operation in (*API, "forward") for status in (500, 502)),
    *((operation, "throttle", {}) for operation in API),
    *((operation, "conflict", {}) for operation in ("start", "expire")),
    *((operation, "answer_cut", {}) for operation in (*API, "forward")),
    *((operation, "garbage", {"body": body}) for operation in (*API, "forward") for body in ("html", "array", "empty")),
    *((operation, "not_visible", {"seconds": 60.0}) for operation in ("fetch", "list")),
    *(("fetch", "wrong", {"field": field}) for field in ("amount", "currency", "reference", "livemode")),
    ("webhook", "drop", {}),
    ("webhook", "duplicate", {"copies": 3}),
    ("webhook", "delay", {"seconds": 700.0}),
    ("webhook", "reorder", {"window": 3}),
    ("webhook", "answer_lost", {}),
    ("webhook", "wrong_signature", {}),
    ("webhook", "clock_skew", {"seconds": -400.0}),
    ("forward", "refuse", {}),
    ("forward", "redirect", {}),
    ("forward", "throttle", {}),
]


class Schedules(RuleBasedStateMachine):
    """One schedule. ``stage`` is set before the run; ``last`` is the play that ran last."""

    stage: Stage
    last: Play | None = None

    def __init__(self) -> None:
        super().__init__()
        self.held = ExitStack()
        self.play: Play | None = None

    @initialize(salt=st.integers(0, 2**32), amount=AMOUNTS, trouble=st.sampled_from([None, *FAULTS]))
    def begin(self, salt: int, amount: int, trouble: tuple[str, str, dict[str, Any]] | None) -> None:
        # The simplest choices of all are what Hypothesis tries first, seed or no seed: no schedule of its own.
        assume(salt)
        clock = self.held.enter_context(self.stage.curtain())
        self.play = Schedules.last = Play(self.stage, clock)
        if trouble:
            self.play.fault(trouble[0], trouble[1], 1, None, **trouble[2])
        self.play.pay_start(1, amount)

    @rule(order=ORDERS, amount=AMOUNTS)
    def shop_starts(self, order: int, amount: int) -> None:
        self.play.pay_start(order, amount)

    @rule(order=ORDERS)
    def shop_asks(self, order: int) -> None:
        self.play.pay_status(order)

    @rule(place=PLACES)
    def buyer_pays(self, place: int) -> None:
        self.play.buyer("pay", place)

    @rule(place=PLACES)
    def buyer_is_declined(self, place: int) -> None:
        self.play.buyer("decline", place)

    @rule(place=PLACES, way=st.sampled_from(["success_url", "cancel_url"]))
    def buyer_returns(self, place: int, way: str) -> None:
        self.play.buyer_returns(way, place)

    @rule(place=st.integers(0, 3))
    def webhook_arrives(self, place: int) -> None:
        self.play.webhook(place)

    @rule(queue=st.sampled_from(Queue))
    def worker_steps(self, queue: Queue) -> None:
        self.play.step(queue)

    @rule()
    def workers_work(self) -> None:
        self.play.work()

    @rule(queue=st.sampled_from([Queue.CALLS, Queue.LOOKS, Queue.NOTIFICATIONS, Queue.DELIVERIES]))
    def worker_dies(self, queue: Queue) -> None:
        self.play.abandon(queue)

    @rule(asleep=st.booleans())
    def workers_sleep(self, asleep: bool) -> None:
        self.play.workers_asleep = asleep
        self.play.note(f"workers: {'asleep' if asleep else 'awake'} while others wait")

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.play.pass_time(seconds)

    @rule(fault=st.sampled_from(FAULTS), times=st.sampled_from([1, 1, 2, 5]))
    def fault_begins(self, fault: tuple[str, str, dict[str, Any]], times: int) -> None:
        self.play.fault(fault[0], fault[1], times, None, **fault[2])

    @rule(fault=st.sampled_from(FAULTS), seconds=st.sampled_from([20.0, 300.0, 4000.0]))
    def fault_lasts(self, fault: tuple[str, str, dict[str, Any]], seconds: float) -> None:
        self.play.fault(fault[0], fault[1], None, seconds, **fault[2])

    @rule()
    def outage_begins(self) -> None:
        self.play.outage()

    @rule()
    def faults_end(self) -> None:
        self.play.faults_end()

    @rule(statements=st.integers(0, 30), dies=st.booleans())
    def database_breaks(self, statements: int, dies: bool) -> None:
        self.play.cut(statements, dies=dies)

    @rule(
        place=st.sampled_from(["before", "after"]),
        what=st.sampled_from(["die", "lapse", "buyer pays", "webhooks", "work", "equal start", "other start", "pause"]),
    )
    def meanwhile(self, place: str, what: str) -> None:
        self.play.plan(place, what, self._acts()[what])

    def _acts(self) -> dict[str, Callable[[], Any]]:
        play = self.play
        return {
            "die": play.die,
            "lapse": play.lapse,
            "buyer pays": lambda: play.buyer("pay"),
            "webhooks": play.webhooks,
            "work": play.work,
            "equal start": lambda: play.pay_start(1, 64900),
            "other start": lambda: play.pay_start(1, 10000),
            "pause": lambda: play.pass_time(6),
        }

    @rule(place=PLACES)
    def staff_look(self, place: int) -> None:
        self.play.staff_look(place)

    def teardown(self) -> None:
        try:
            if self.play is not None and sys.exc_info()[0] is None:
                checker = Checker(self.play)
                self.play.finish(checker.nothing_is_in_doubt)
                checker.check()
        finally:
            self.held.close()


def run(stage: Stage, number: int) -> Play:
    """Run the schedule of a seed and return it. Raises Broken, with the smallest history that breaks likewise."""
    Schedules.stage = stage
    wanted: Any = settings(
        max_examples=1,
        stateful_step_count=STEPS,
        phases=(Phase.generate, Phase.shrink),
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    # A class of its own: Hypothesis keeps the seed on it.
    run_state_machine_as_test(seed(number)(type("Schedule", (Schedules,), {})), settings=wanted)
    assert Schedules.last is not None
    return Schedules.last
