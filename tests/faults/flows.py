"""The flows whose process is killed at every socket write, and what those outside do before and afterwards."""

from dataclasses import dataclass
from typing import Any

from bridge import drains
from payments.queues import Queue
from tests.faults.judge import Outcome
from tests.faults.town import Order, Town

PAID = Outcome(stage="PAID", told=("PayComplete",))


@dataclass(frozen=True)
class Flow:
    """An act of one process: ``web`` takes one request, a queue's name is a worker that works off what is due."""

    name: str
    process: str
    outcome: Outcome

    def prepare(self, town: Town) -> Order:
        """Bring an order to where the act begins."""
        return town.new_order()

    def call(self, town: Town, order: Order, at: str) -> Any:
        """What comes from outside to the process at ``at``; a worker is not called."""

    def go_on(self, town: Town, order: Order) -> None:
        """What those outside do in each second after the kill, until they have what they want."""

    def repeat(self, town: Town, order: Order) -> None:
        """Ask once more for what was done."""


class PayStart(Flow):
    """The shop repeats the same PayStart until it has a page, and the buyer pays there."""

    def call(self, town: Town, order: Order, at: str) -> None:
        town.start(order, at)

    def go_on(self, town: Town, order: Order) -> None:
        if not order.page:
            town.start(order)
        if order.page and not order.is_paid:
            town.pay(order)

    def repeat(self, town: Town, order: Order) -> None:
        town.start(order)


class Webhook(PayStart):
    """The gateway tells of the payment; what is not answered it tells again."""

    def prepare(self, town: Town) -> Order:
        order = town.new_order()
        town.start(order)
        return order

    def call(self, town: Town, order: Order, at: str) -> None:
        town.send_webhooks_to(at)
        town.pay(order)


class Notice(Webhook):
    """A worker finds a webhook that was stored."""

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


FLOWS = [
    PayStart("PayStart", "web", PAID),
    Webhook("webhook", "web", PAID),
    Notice("complete, by a webhook", Queue.NOTIFICATIONS, PAID),
    Look("complete, by a look", Queue.LOOKS, PAID),
    Forward("forward", Queue.DELIVERIES, PAID),
]
