"""What the kills are about: orders, how far each of them is, and what the shop asks PGB for."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import requests

from tests.process.installation import PATIENCE, Installation

WEBHOOK_TAKES = 1.0
UNDER_WAY = 30  # payments at the moment of the kill, at the least
AT_EACH_STAGE = 2
SHOP = {"DBType": "KR1", "JoinerId": 1001, "NationCode": "KR"}


class GivesBack(Enum):
    """What the shop cancels of an order that is paid, and the stage that the order ends at."""

    NOTHING = "PAID"
    A_PART = "PARTIALLY_CANCELLED"
    ALL = "CANCELLED"


@dataclass
class Order:
    """One order; each has a price of its own, so that no two can be mistaken for each other."""

    id: int
    answers: Counter[str] = field(default_factory=Counter)  # of PayStart
    has_page: bool = False
    paid_at: float | None = None
    gives_back: GivesBack = GivesBack.NOTHING
    cancel_answers: list[Any] = field(default_factory=list)

    @property
    def title(self) -> str:
        return f"order {self.id}"

    @property
    def price(self) -> int:
        return 10_000 + self.id

    @property
    def refund(self) -> int:
        """What goes back of its price."""
        return {GivesBack.NOTHING: 0, GivesBack.A_PART: 3_000 + self.id, GivesBack.ALL: self.price}[self.gives_back]

    @property
    def must_be_told(self) -> list[tuple[str, str]]:
        """The messages that the shop must have, in this order, and the stages that they tell."""
        cancelled = [("CancelComplete", self.gives_back.value)] if self.refund else []
        return [("PayComplete", "PAID"), *cancelled]

    @property
    def ends_as(self) -> tuple[str, str, str]:
        """Its stage, what is left of its price, and what is reserved."""
        return self.gives_back.value, str(self.price - self.refund), "0"

    @property
    def is_cancelled(self) -> bool:
        """Whether the shop was answered that the money went back."""
        return any(answer["Type"] == "Done" for answer in self.cancel_answers)

    def stage(self, now: float) -> str:
        """How far its payment is, as far as its buyer can know."""
        if self.paid_at is None:
            return "page" if self.has_page else "starting"
        return "webhook" if now - self.paid_at < WEBHOOK_TAKES else "verifying"


@dataclass(frozen=True)
class Moment:
    """How many payments are at each stage, and how many cancels."""

    starting: int  # PayStart was sent
    page: int  # the buyer has the gateway's page before him
    webhook: int  # paid; the webhook is on its way
    verifying: int  # the webhook has come
    telling: int  # the shop is hearing of it
    told: int
    asked: int  # the shop waits for the answer to a cancel
    refunding: int  # the gateway is at work on it
    retelling: int  # the shop is hearing of it

    @property
    def under_way(self) -> int:
        return self.starting + self.page + self.webhook + self.verifying + self.telling

    @property
    def is_the_middle(self) -> bool:
        """Whether a kill now finds work of every kind."""
        payments = min(self.starting, self.page, self.webhook, self.verifying, self.telling)
        others = min(self.told, self.asked, self.refunding, self.retelling)
        return self.under_way >= UNDER_WAY and payments >= AT_EACH_STAGE and others >= 1


def ask(there: Installation, name: str, order: Order, **more: str) -> Any:
    """Call PGB as the shop does; whoever breaks off has not answered."""
    headers = {"Authorization": f"Bearer {there.environment['PGB_DEMO_SHOP_API_KEY']}"}
    body = {**SHOP, "OrderId": order.id, **more}
    try:
        return requests.post(f"{there.web}/PGB/{name}", json=body, headers=headers, timeout=PATIENCE).json()
    except requests.RequestException:
        return {"IsSuccess": False, "ErrorCode": "no answer", "Type": ""}
