"""Buyers who pay their orders at PGB as shops and browsers do, over HTTP, while parts of it die."""

import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.process.installation import PATIENCE, Installation
from tests.threads import until

SHOP = {"DBType": "KR1", "JoinerId": 1001}
UNDER_WAY = 30  # payments at the moment of the kill, at the least
MOST_UNDER_WAY = 34
AT_EACH_STAGE = 2
# Seconds that the buyer, the gateway and the shop take: work is under way at every stage when the kill comes.
THINKS = WEBHOOK_TAKES = 1.0
LATENCY = {"start": 0.6, "fetch": 0.3, "forward": 0.5}
ARRIVES_EVERY = 0.1
REPEATS_AFTER = 1.0


@dataclass
class Order:
    """One order; each has a price of its own, so that no two can be mistaken for each other."""

    id: int
    answers: Counter[str] = field(default_factory=Counter)  # of PayStart
    has_page: bool = False
    paid_at: float | None = None

    @property
    def title(self) -> str:
        return f"order {self.id}"

    @property
    def price(self) -> int:
        return 10_000 + self.id

    def stage(self, now: float) -> str:
        """How far it is, as far as its buyer can know."""
        if self.paid_at is None:
            return "page" if self.has_page else "starting"
        return "webhook" if now - self.paid_at < WEBHOOK_TAKES else "verifying"


@dataclass(frozen=True)
class Moment:
    """How many payments are at each stage."""

    starting: int  # PayStart was sent
    page: int  # the buyer has the gateway's page before him
    webhook: int  # paid; the webhook is on its way
    verifying: int  # the webhook has come
    telling: int  # the shop is hearing of it
    told: int

    @property
    def under_way(self) -> int:
        return self.starting + self.page + self.webhook + self.verifying + self.telling

    @property
    def is_the_middle(self) -> bool:
        """Whether a kill now finds work of every kind."""
        least = min(self.starting, self.page, self.webhook, self.verifying, self.telling)
        return self.under_way >= UNDER_WAY and least >= AT_EACH_STAGE and self.told >= 1


class Buyers:
    """Orders that come in one after the other; when one is told, the next comes."""

    def __init__(self, installation: Installation) -> None:
        self._there = installation
        self._pool = ThreadPoolExecutor(MOST_UNDER_WAY, thread_name_prefix="buyer")
        self._buying: list[Future[None]] = []
        self.orders: list[Order] = []  # of this kill
        self.earlier: list[Order] = []
        installation.control("faults", operation="webhook", kind="delay", seconds=WEBHOOK_TAKES, times=None)
        for name, seconds in LATENCY.items():
            installation.control("faults", operation=name, kind="latency", seconds=seconds, times=None)

    def keep_coming_until_the_middle(self) -> Moment:
        """Returns at a moment when payments are under way at every stage."""
        self.earlier += self.orders
        self.orders = []
        last = time.monotonic()
        ends = last + 2 * PATIENCE
        while not (moment := self._moment()).is_the_middle:
            now = time.monotonic()
            assert now < ends, moment
            self._let_in(min(1 + int((now - last) / ARRIVES_EVERY), MOST_UNDER_WAY - moment.under_way))
            last = now
            time.sleep(0.03)
        return moment

    def _let_in(self, arriving: int) -> None:
        for _ in range(arriving):
            self.orders.append(Order(1 + len(self.earlier) + len(self.orders)))
            self._buying.append(self._pool.submit(self._buy, self.orders[-1]))

    def wait_until_half_is_told(self) -> None:
        """Returns when the shop was told of half of the payments that were under way."""
        until(lambda: len(self.orders) - len(self._told()) <= UNDER_WAY // 2, PATIENCE, pause=0.2)

    def wait_until_told(self) -> None:
        """Returns when the shop was told of every order (or never will be), and every buyer is content."""
        with suppress(TimeoutError):  # the books will show which
            until(lambda: len(self._told()) == len(self.orders), PATIENCE, pause=0.2)
        while self._buying:
            self._buying.pop().result(PATIENCE)

    def end(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _told(self) -> list[Order]:
        heard = self._there.control("books/shop")["orders"]
        return [order for order in self.orders if f"{SHOP['DBType']}/{order.id}/0" in heard]

    def _moment(self) -> Moment:
        told, now = self._told(), time.monotonic()
        faults = self._there.control("faults")["faults"]
        telling = next(one["holding"] for one in faults if one["operation"] == "forward")
        waiting = [order for order in self.orders if order not in told]
        stages = Counter(order.stage(now) for order in waiting)
        return Moment(
            starting=stages["starting"],
            page=stages["page"],
            webhook=stages["webhook"],
            verifying=stages["verifying"] - telling,
            telling=telling,
            told=len(told),
        )

    def _buy(self, order: Order) -> None:
        page = self._page_of(order)
        if page is None:
            return
        order.has_page = True
        time.sleep(THINKS)
        order.paid_at = time.monotonic()
        paid = requests.post(page, {"do": "pay"}, timeout=PATIENCE, allow_redirects=False)
        assert paid.status_code == 303, "the page could not be paid"
        if order.id % 3 == 0:  # the others close their browsers
            with suppress(requests.ConnectionError):
                assert requests.get(paid.headers["Location"], timeout=PATIENCE).status_code in (200, 503)

    def _page_of(self, order: Order) -> str | None:
        """As a shop does: repeats the same PayStart until there is a page, or its patience ends."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            answer = self._call(
                "PayStart", order, PayType="CARD", NationCode="KR", TotalPrice=str(order.price),
                OrderDescription=order.title, RedirectUrl=f"{self._there.sandbox}/shop/thanks",
            )  # fmt: skip
            order.answers[answer["ErrorCode"] or answer["Type"]] += 1
            if answer["IsSuccess"]:
                return str(answer["RedirectUrl"])
            time.sleep(REPEATS_AFTER)
        return None

    def _call(self, name: str, order: Order, **more: str) -> Any:
        key = self._there.environment["PGB_DEMO_SHOP_API_KEY"]
        headers = {"Authorization": f"Bearer {key}"}
        body = {**SHOP, "OrderId": order.id, **more}
        try:
            return requests.post(f"{self._there.web}/PGB/{name}", json=body, headers=headers, timeout=PATIENCE).json()
        except requests.RequestException:
            return {"IsSuccess": False, "ErrorCode": "no answer"}

    def stages_by_pgb(self) -> set[str]:
        """What PayStatus says of the orders."""
        with ThreadPoolExecutor(4) as pool:
            return {answer["Stage"] for answer in pool.map(lambda one: self._call("PayStatus", one), self.orders)}
