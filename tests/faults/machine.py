"""The rules from which Hypothesis makes schedules: who may do what, in any order, with any luck."""

import sys
from contextlib import ExitStack
from typing import Any

from hypothesis import HealthCheck, Phase, assume, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from payments.queues import Queue
from tests.faults.checker import Checker
from tests.faults.simulation import Play
from tests.faults.stage import Stage
from tests.faults.troubles import Trouble, troubles

STEPS = 25
ORDERS = st.sampled_from([1, 1, 1, 1, 1, 2])
AMOUNTS = st.sampled_from([64900, 64900, 10000])
PLACES = st.sampled_from([0, 0, 0, 1, 2])
QUEUES = [Queue.CALLS, Queue.CALLS, Queue.LOOKS, Queue.NOTIFICATIONS, Queue.DELIVERIES]
SECONDS = st.sampled_from([1, 6, 31, 65, 200, 620, 1900, 3700])


class Schedules(RuleBasedStateMachine):
    """One schedule. ``stage`` is set before the run; ``last`` is the play that ran last."""

    stage: Stage
    last: Play | None = None

    def __init__(self) -> None:
        super().__init__()
        self.held = ExitStack()
        self.play: Play | None = None

    @initialize(salt=st.integers(0, 2**32), amount=AMOUNTS, trouble=troubles("start"), paid=st.booleans())
    def begin(self, salt: int, amount: int, trouble: Trouble | None, paid: bool) -> None:
        # The simplest choices of all are what Hypothesis tries first, seed or no seed: no schedule of its own.
        assume(salt)
        clock = self.held.enter_context(self.stage.curtain())
        self.play = Schedules.last = Play(self.stage, clock)
        if trouble and not paid:
            trouble.strike(self.play)
        self.play.pay_start(1, amount)
        if paid:
            self.order_is_paid(place=0, trouble=trouble)

    def meet(self, trouble: Trouble | None) -> None:
        if trouble is not None:
            trouble.strike(self.play)

    @rule(order=ORDERS, amount=AMOUNTS, trouble=troubles("start", "list", "expire", "fetch"))
    def shop_starts(self, order: int, amount: int, trouble: Trouble | None) -> None:
        self.meet(trouble)
        self.play.pay_start(order, amount)

    @rule(
        order=ORDERS,
        refund=st.sampled_from([1000, 4900, 30000]),
        request_id=st.sampled_from(["", "", "r-1", "r-2"]),
        wrong=st.sampled_from([0, 0, 0, 0, 100]),
        trouble=troubles("cancel", "refunds", "fetch"),
    )
    def shop_cancels_a_part(
        self, order: int, refund: int, request_id: str, wrong: int, trouble: Trouble | None
    ) -> None:
        self.play.pay_status(order)
        self.meet(trouble)
        self.play.cancel(order, refund, request_id, wrong)

    @rule(order=ORDERS, ask=st.booleans(), trouble=troubles("cancel", "refunds", "fetch", "expire"))
    def shop_cancels_all(self, order: int, ask: bool, trouble: Trouble | None) -> None:
        if ask:
            self.play.pay_status(order)
        self.meet(trouble)
        self.play.cancel(order, None, "")

    @rule(place=PLACES, trouble=troubles("cancel", "refunds", "fetch"))
    def shop_cancels_again(self, place: int, trouble: Trouble | None) -> None:
        self.meet(trouble)
        self.play.cancel_again(place)

    @rule(place=PLACES, trouble=troubles("fetch", "webhook", "forward"))
    def order_is_paid(self, place: int, trouble: Trouble | None) -> None:
        self.meet(trouble)
        self.play.buyer("pay", place)
        self.play.webhooks()
        self.play.work()

    @rule(amount=AMOUNTS, trouble=troubles("start", "fetch", "webhook", "forward"), luck=st.integers(0, 4))
    def order_is_paid_twice(self, amount: int, trouble: Trouble | None, luck: int) -> None:
        """The page was said to be closed when the buyer chose again; he pays on both. It takes long, so it is rare."""
        if luck:
            return
        self.play.fault("fetch", "alter", 2, None, set={"status": "expired"})
        self.play.staff_look(0)
        self.play.work()
        self.play.pay_start(1, amount)
        self.meet(trouble)
        self.play.buyer("pay", 1)
        self.play.buyer("pay", 0)
        self.play.webhooks()
        self.play.work()

    @rule(amount=st.sampled_from([None, 1000, 30000]), place=PLACES, trouble=troubles("fetch", "refunds", "webhook"))
    def somebody_refunds_in_the_console(self, amount: int | None, place: int, trouble: Trouble | None) -> None:
        self.meet(trouble)
        self.play.console_refund(amount, place)

    @rule(status=st.sampled_from(["succeeded", "failed", "failed"]), place=PLACES)
    def refund_ends(self, status: str, place: int) -> None:
        self.play.refund_ends(status, place)

    @rule(won=st.sampled_from([None, True, False]), place=PLACES)
    def buyer_disputes(self, won: bool | None, place: int) -> None:
        if won is None:
            self.play.dispute(place)
        else:
            self.play.dispute_ends(won=won)

    @rule(place=PLACES, how=st.sampled_from(["pay", "pay", "decline"]))
    def buyer_acts(self, place: int, how: str) -> None:
        self.play.buyer(how, place)

    @rule(
        place=PLACES,
        way=st.sampled_from(["success_url", "cancel_url"]),
        trouble=troubles("fetch", "webhook", "forward"),
    )
    def buyer_returns(self, place: int, way: str, trouble: Trouble | None) -> None:
        self.meet(trouble)
        self.play.buyer_returns(way, place)

    @rule(place=st.integers(0, 3))
    def webhook_arrives(self, place: int) -> None:
        self.play.webhook(place)

    @rule(queue=st.sampled_from(QUEUES), dies=st.booleans())
    def worker_steps(self, queue: Queue, dies: bool) -> None:
        if dies:
            self.play.abandon(queue)
        else:
            self.play.step(queue)

    @rule(trouble=troubles("fetch", "refunds", "cancel", "expire", "forward"))
    def workers_work(self, trouble: Trouble | None) -> None:
        self.meet(trouble)
        self.play.work()

    @rule(seconds=SECONDS, work=st.booleans())
    def time_passes(self, seconds: float, work: bool) -> None:
        self.play.pass_time(seconds)
        if work:
            self.play.webhooks()
            self.play.work()

    @rule(begins=st.sampled_from([False, False, True]), seconds=SECONDS)
    def outage(self, begins: bool, seconds: float) -> None:
        if begins:
            self.play.outage()
        else:
            self.play.pass_time(seconds)
            self.play.faults_end()

    @rule(place=PLACES, who=st.sampled_from(["staff", "shop", "nobody for a while", "workers again"]))
    def somebody_looks(self, place: int, who: str) -> None:
        if who == "staff":
            self.play.staff_look(place)
        elif who == "shop":
            self.play.pay_status(1)
        else:
            self.play.workers_asleep = who == "nobody for a while"
            self.play.note(f"workers: {'asleep' if self.play.workers_asleep else 'awake'} while others wait")

    def teardown(self) -> None:
        try:
            if self.play is not None and sys.exc_info()[0] is None:
                checker = Checker(self.play)
                self.play.finish(checker.nothing_is_in_doubt)
                checker.check()
        finally:
            self.held.close()


def run(stage: Stage, number: int, smallest: bool = False) -> Play:
    """Run the schedule of a seed and return it. Raises Broken with its history.

    ``smallest``: with the smallest history that breaks likewise, which takes minutes to find.
    """
    Schedules.stage = stage
    wanted: Any = settings(
        max_examples=1,
        stateful_step_count=STEPS,
        phases=(Phase.generate, Phase.shrink) if smallest else (Phase.generate,),
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
