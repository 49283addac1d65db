"""The shop cancels orders that it was told are paid, over HTTP, while parts of PGB die."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from tests.process.installation import PATIENCE, Installation
from tests.process.orders import GivesBack, Order, ask

AT_ONCE = 5  # one gateway account takes two; with more the waits would keep the places of PayStarts
REPEATS_AFTER = 1.0
# What the shop repeats its request on, word for word; every other answer is an end.
REPEATS_ON = {"OUTCOME_UNKNOWN", "CANCEL_IN_PROGRESS", "UNAVAILABLE", "no answer"}


class Cancels:
    """Each is asked for, and repeated until its end. ``orders``: those of this kill."""

    def __init__(self, installation: Installation) -> None:
        self._there = installation
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="cancel")
        self._answers: list[Future[None]] = []
        self.orders: list[Order] = []

    def go_on(self, paid: Sequence[Order]) -> None:
        """Let the shop cancel the next of them, unless enough are under way: of two in three a part."""
        wanted = [order for order in paid if not order.refund]
        if wanted and self.waiting < AT_ONCE:
            order = wanted[0]
            order.gives_back = GivesBack.ALL if order.id % 3 == 0 else GivesBack.A_PART
            self.orders.append(order)
            self._answers.append(self._pool.submit(self._repeat, order))

    @property
    def waiting(self) -> int:
        """How many are not answered yet."""
        return sum(not one.done() for one in self._answers)

    def wait_until_answered(self) -> None:
        """Returns when the shop has asked for the last time."""
        while self._answers:
            self._answers.pop().result(2 * PATIENCE)

    def end(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _repeat(self, order: Order) -> None:
        call, wish = request_of(order)
        ends = time.monotonic() + 2 * PATIENCE
        while time.monotonic() < ends:
            order.cancel_answers.append(ask(self._there, call, order, **wish))
            if order.cancel_answers[-1]["ErrorCode"] not in REPEATS_ON:
                return
            time.sleep(REPEATS_AFTER)


def request_of(order: Order) -> tuple[str, dict[str, str]]:
    """The call and its keys: of the parts, every second has a RequestId."""
    if order.gives_back is GivesBack.ALL:
        return "FullCancel", {"PGType": "stripe", "PayType": "CARD", "CurrentTotalPrice": str(order.price)}
    prices = (order.price, order.refund, order.price - order.refund)
    names = ("CurrentTotalPrice", "RefundPrice", "ModifedTotalPrice")
    named = {"RequestId": f"cancel of {order.title}"} if order.id % 2 else {}
    return "PartialCancel", {**dict(zip(names, map(str, prices), strict=True)), **named}
