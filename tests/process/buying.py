"""Buyers who pay their orders at PGB as shops and browsers do, over HTTP, while parts of it die."""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import requests

from tests.process.cancelling import AT_ONCE, Cancels
from tests.process.installation import PATIENCE, Installation
from tests.process.orders import UNDER_WAY, WEBHOOK_TAKES, Moment, Order, ask
from tests.threads import until

MOST_UNDER_WAY = 34
# Seconds that the buyer, the gateway and the shop take: work is under way at every stage when the kill comes.
THINKS = 1.0
LATENCY = [("start", "", 0.6), ("fetch", "", 0.3), ("cancel", "", 1.0)]
LATENCY += [("forward", "PayComplete", 0.5), ("forward", "CancelComplete", 1.0)]
ARRIVES_EVERY = 0.1
REPEATS_AFTER = 1.0


class Buyers:
    """Orders that come in one after the other; when one is told, the next comes. Some are cancelled."""

    def __init__(self, installation: Installation) -> None:
        self._there = installation
        self._pool = ThreadPoolExecutor(MOST_UNDER_WAY, thread_name_prefix="buyer")
        self._buying: list[Future[None]] = []
        self.cancels = Cancels(installation)
        self.orders: list[Order] = []  # of this kill
        self.earlier: list[Order] = []
        installation.control("faults", operation="webhook", kind="delay", seconds=WEBHOOK_TAKES, times=None)
        for name, event, seconds in LATENCY:
            match = {"event_type": event} if event else {}
            installation.control("faults", operation=name, kind="latency", seconds=seconds, match=match, times=None)

    def pay_some(self) -> None:
        """Returns when the shop was told of a few payments, which it can cancel."""
        self._let_in(2 * AT_ONCE)
        self.wait_until_told()

    def keep_coming_until_the_middle(self) -> Moment:
        """Returns at a moment when payments and cancels are under way at every stage."""
        self.earlier += self.orders
        self.orders, self.cancels.orders = [], []
        last = time.monotonic()
        ends = last + 2 * PATIENCE
        while not (moment := self._moment(told := self._told())).is_the_middle:
            now = time.monotonic()
            assert now < ends, moment
            self._let_in(min(1 + int((now - last) / ARRIVES_EVERY), MOST_UNDER_WAY - moment.under_way))
            if moment.under_way > UNDER_WAY // 2:
                self.cancels.go_on([*self.earlier, *told])
            last = now
            time.sleep(0.1)
        return moment

    def _let_in(self, arriving: int) -> None:
        for _ in range(arriving):
            self.orders.append(Order(1 + len(self.earlier) + len(self.orders)))
            self._buying.append(self._pool.submit(self._buy, self.orders[-1]))

    def wait_until_half_is_told(self) -> None:
        """Returns when the shop was told of half of the payments that were under way."""
        until(lambda: len(self.orders) - len(self._told()) <= UNDER_WAY // 2, PATIENCE, pause=0.2)

    def wait_until_told(self) -> None:
        """Returns when the shop was told of everything (or never will be), and everybody is content."""
        with suppress(TimeoutError):  # the books will show which
            until(self._all_is_told, 2 * PATIENCE, pause=0.2)
        while self._buying:
            self._buying.pop().result(PATIENCE)
        self.cancels.wait_until_answered()

    def end(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self.cancels.end()

    def _heard(self) -> dict[int, list[str]]:
        """What the shop was told, by order."""
        books = self._there.control("books/shop")["orders"]
        return {int(key.split("/")[1]): order["effects"] for key, order in books.items()}

    def _told(self) -> list[Order]:
        heard = self._heard()
        return [order for order in self.orders if order.id in heard]

    def _all_is_told(self) -> bool:
        heard = self._heard()
        all_orders = (*self.earlier, *self.orders)
        return all(len(heard.get(order.id, [])) >= len(order.must_be_told) for order in all_orders)

    def _moment(self, told: Sequence[Order]) -> Moment:
        now = time.monotonic()
        faults = self._there.control("faults")["faults"]
        held = {(one["operation"], *one["match"].values()): one["holding"] for one in faults}
        telling, refunding = held["forward", "PayComplete"], held["cancel",]
        stages = Counter(order.stage(now) for order in self.orders if order not in told)
        return Moment(
            starting=stages["starting"],
            page=stages["page"],
            webhook=stages["webhook"],
            verifying=stages["verifying"] - telling,
            telling=telling,
            told=len(told),
            asked=self.cancels.waiting - refunding,
            refunding=refunding,
            retelling=held["forward", "CancelComplete"],
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
            answer = ask(
                self._there, "PayStart", order, PayType="CARD", TotalPrice=str(order.price),
                OrderDescription=order.title, RedirectUrl=f"{self._there.sandbox}/shop/thanks",
            )  # fmt: skip
            order.answers[answer["ErrorCode"] or answer["Type"]] += 1
            if answer["IsSuccess"]:
                return str(answer["RedirectUrl"])
            time.sleep(REPEATS_AFTER)
        return None

    def ended_as(self, orders: Sequence[Order]) -> list[tuple[str, str, str]]:
        """Stage, balance and reserved sum of each, as PayStatus says."""
        with ThreadPoolExecutor(4) as pool:
            answers = pool.map(lambda order: ask(self._there, "PayStatus", order), orders)
            return [(one["Stage"], one["Balance"], one["Reserved"]) for one in answers]
