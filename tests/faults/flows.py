"""The flows whose process is killed at every socket write, and what those outside do before and afterwards."""

from dataclasses import dataclass
from typing import Any, ClassVar

from bridge import drains
from payments.queues import Queue
from tests.faults.judge import Outcome
from tests.faults.town import Order, Town

PAID = Outcome("PAID", told=("PayComplete",))
LESS = Outcome("PARTIALLY_CANCELLED", told=("PayComplete", "CancelComplete"), gives_back=lambda order: order.part)
NOTHING_LEFT = Outcome("CANCELLED", told=("PayComplete", "CancelComplete"), gives_back=lambda order: order.price)
NEVER_PAID = Outcome("CANCELLED", told=("CancelComplete",), is_paid=False)


@dataclass(frozen=True)
class Flow:
    """An act of one process: ``web`` takes one request, a queue's name is a worker that works off what is due.

    ``again`` is what the shop's call comes to when it is repeated after everything. Where the gateway ``lags``, what
    is new there is not found for a minute. In `make test` it is killed at ``kills`` of its writes, and stands still
    at one if it ``hangs``.
    """

    name: str
    process: str
    outcome: Outcome
    again: str
    lags: bool = False
    kills: int = 3
    hangs: bool = False
    may_hang: ClassVar[bool] = True

    def prepare(self, town: Town) -> Order:
        """Bring an order to where the act begins."""
        if self.lags:
            town.let_the_gateway_lag()
        return town.new_order()

    def call(self, town: Town, order: Order, at: str) -> Any:
        """What comes from outside to the process at ``at``; a worker is not called."""

    def go_on(self, town: Town, order: Order) -> None:
        """What those outside do in each second after the kill, until they have what they want."""

    def repeat(self, town: Town, order: Order) -> str:
        """Ask once more for what was done; returns what the answer comes to."""
        raise NotImplementedError


class PayStart(Flow):
    """The shop repeats the same PayStart until it has a page, and the buyer pays there."""

    def call(self, town: Town, order: Order, at: str) -> None:
        town.start(order, at)

    def go_on(self, town: Town, order: Order) -> None:
        if not order.page:
            town.start(order)
        if order.page and not order.is_paid:
            town.pay(order)

    def repeat(self, town: Town, order: Order) -> str:
        return town.start(order)


class Webhook(PayStart):
    """The gateway tells of the payment; what is not answered it tells again."""

    may_hang = False  # the gateway waits for each answer 20 seconds, by no clock of ours

    def prepare(self, town: Town) -> Order:
        order = super().prepare(town)
        town.start(order)
        return order

    def call(self, town: Town, order: Order, at: str) -> None:
        town.send_webhooks_to(at)
        town.pay(order)


class Notice(Webhook):
    """A worker finds a webhook that was stored."""

    may_hang = True

    def prepare(self, town: Town) -> Order:
        order = super().prepare(town)
        town.pay(order)
        return order

    def call(self, town: Town, order: Order, at: str) -> None:
        """Nobody calls."""


class Look(Notice):
    """No webhook arrives: a worker asks the gateway by itself."""

    def prepare(self, town: Town) -> Order:
        town.lose_webhooks()
        order = super().prepare(town)
        town.wait(60)
        return order


class Forward(Notice):
    """A worker tells the shop."""

    def prepare(self, town: Town) -> Order:
        order = super().prepare(town)
        drains.drain(Queue.NOTIFICATIONS)
        return order


@dataclass(frozen=True)
class Cancel(Flow):
    """The shop asks for a cancel, and repeats the same request until it is done; ``named`` by a RequestId or not."""

    named: bool = False

    def prepare(self, town: Town) -> Order:
        order = super().prepare(town)
        town.start(order)
        if self.outcome.is_paid:
            town.pay(order)
        town.work()
        return order

    def call(self, town: Town, order: Order, at: str) -> None:
        with town.world.working(1):
            self._ask(town, order, at)

    def go_on(self, town: Town, order: Order) -> None:
        if not order.is_cancelled:
            self._ask(town, order, town.pgb)

    def repeat(self, town: Town, order: Order) -> str:
        return self._ask(town, order, town.pgb)

    def _ask(self, town: Town, order: Order, at: str) -> str:
        cancel = town.cancel_part if self.outcome is LESS else town.cancel_all
        return cancel(order, at, RequestId=f"cancel of {order.title}" if self.named else "")


class CancelCall(Cancel):
    """The worker asks the gateway for the cancel."""

    def prepare(self, town: Town) -> Order:
        order = super().prepare(town)
        self._ask(town, order, town.pgb)
        return order

    def call(self, town: Town, order: Order, at: str) -> None:
        """Nobody calls."""


FLOWS: list[Flow] = [
    PayStart("PayStart", "web", PAID, "ALREADY_PAID", hangs=True),
    PayStart("PayStart, lists lag", "web", PAID, "ALREADY_PAID", lags=True, kills=1),
    Webhook("webhook", "web", PAID, "ALREADY_PAID"),
    Notice("complete, by a webhook", Queue.NOTIFICATIONS, PAID, "ALREADY_PAID"),
    Look("complete, by a look", Queue.LOOKS, PAID, "ALREADY_PAID"),
    Cancel("partial cancel", "web", LESS, "Done"),
    Cancel("partial cancel, with an id", "web", LESS, "Done", named=True, kills=1),
    CancelCall("partial cancel, the call", Queue.CALLS, LESS, "Done", hangs=True),
    CancelCall("partial cancel, the call, lists lag", Queue.CALLS, LESS, "Done", lags=True, kills=1),
    Cancel("full cancel", "web", NOTHING_LEFT, "Done"),
    Cancel("full cancel, with an id", "web", NOTHING_LEFT, "Done", named=True, kills=1),
    CancelCall("full cancel, the call", Queue.CALLS, NOTHING_LEFT, "Done"),
    Cancel("full cancel, unpaid", "web", NEVER_PAID, "Done", kills=1),
    CancelCall("full cancel, unpaid, the call", Queue.CALLS, NEVER_PAID, "Done", kills=1, hangs=True),
    Forward("forward", Queue.DELIVERIES, PAID, "ALREADY_PAID", hangs=True),
]
