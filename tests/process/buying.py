"""Buyers who pay their orders at PGB as shops and browsers do, over HTTP, and the books that judge it.

What PGB itself believes is never asked: only the gateway's books, the shop's, and the answers of the interface.
"""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, fields
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
LATENCY = {"start": 0.6, "fetch": 0.3, "forward": 0.4}
REPEATS_AFTER = 1.0
# What PGB may answer while parts of it die: repeat the same call.
MAY_ANSWER = {"Redirect", "PAYMENT_IN_PROGRESS", "OUTCOME_UNKNOWN", "UNAVAILABLE", "no answer"}


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
        ends = time.monotonic() + PATIENCE
        while not (moment := self._moment()).is_the_middle:
            assert time.monotonic() < ends, moment
            if moment.under_way < MOST_UNDER_WAY:
                self.orders.append(Order(1 + len(self.earlier) + len(self.orders)))
                self._buying.append(self._pool.submit(self._buy, self.orders[-1]))
            time.sleep(0.03)
        return moment

    def wait_until_half_is_told(self) -> None:
        """Returns when the shop was told of half of the payments that were under way."""
        until(lambda: len(self.orders) - len(self._told()) <= UNDER_WAY // 2, PATIENCE)

    def wait_until_told(self) -> None:
        """Returns when the shop was told of every order (or never will be), and every buyer is content."""
        with suppress(TimeoutError):  # the books will show which
            until(lambda: len(self._told()) == len(self.orders), PATIENCE)
        while self._buying:
            self._buying.pop().result(PATIENCE)

    def end(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _told(self) -> list[Order]:
        heard = self._there.control("books/shop")["orders"]
        return [order for order in self.orders if _key(order) in heard]

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
        order.has_page = True
        time.sleep(THINKS)
        order.paid_at = time.monotonic()
        paid = requests.post(page, {"do": "pay"}, timeout=PATIENCE, allow_redirects=False)
        assert paid.status_code == 303, "the page could not be paid"
        if order.id % 3 == 0:  # the others close their browsers
            with suppress(requests.ConnectionError):
                assert requests.get(paid.headers["Location"], timeout=PATIENCE).status_code in (200, 503)

    def _page_of(self, order: Order) -> str:
        """As a shop does: repeats the same PayStart until there is a page."""
        ends = time.monotonic() + PATIENCE
        while True:
            answer = self._call(
                "PayStart", order, PayType="CARD", NationCode="KR", TotalPrice=str(order.price),
                OrderDescription=order.title, RedirectUrl=f"{self._there.sandbox}/shop/thanks",
            )  # fmt: skip
            order.answers[answer["ErrorCode"] or answer["Type"]] += 1
            if answer["IsSuccess"]:
                return str(answer["RedirectUrl"])
            assert time.monotonic() < ends, order
            time.sleep(REPEATS_AFTER)

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


@dataclass
class Verdict:
    """Order ids that were lost or told twice, and whatever else is not as it should be."""

    lost: list[int] = field(default_factory=list)
    twice: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def judge(books: Any, orders: Sequence[Order]) -> Verdict:
    """Hold the gateway's books and the shop's against each other; `orders` are all that there ever were."""
    gateway, shop = books["stripe"], books["shop"]
    verdict = Verdict()
    pages: dict[str, list[Any]] = {}
    for page in gateway["sessions"].values():
        pages.setdefault(page["params"]["line_items"][0]["price_data"]["product_data"]["name"], []).append(page)
    received = {session: 0 for session in gateway["sessions"]}
    for payment in gateway["payments"].values():
        received[payment["session"]] += payment["captured"] - payment["refunded"]
    messages: dict[int, list[Any]] = {}
    for message in shop["messages"]:
        messages.setdefault(message["OrderId"], []).append(message)
    for order in orders:
        paid = [page for page in pages.get(order.title, []) if received[page["id"]]]
        _judge_one(verdict, order, paid, messages.pop(order.id, []))
        if len(pages.get(order.title, [])) != 1:
            verdict.wrong.append(f"{order.title}: the gateway made {len(pages.get(order.title, []))} pages")
        if any(received[page["id"]] != order.price for page in paid):
            verdict.wrong.append(f"{order.title}: the gateway took another price")
    if set(shop["received"]) != set(shop["applied"]) or any(times != 1 for times in shop["applied"].values()):
        verdict.wrong.append("the shop heard of something that had no effect, or several")
    if shop["rejected"] or messages:
        verdict.wrong.append(f"the shop heard nonsense: {shop['rejected']} {list(messages)}")
    if answers := {sent["status"] for sent in gateway["webhooks"]} - {200, 503, None}:
        verdict.wrong.append(f"webhooks were answered with {answers}")
    return verdict


def _judge_one(verdict: Verdict, order: Order, paid: list[Any], told: list[Any]) -> None:
    if not paid or not told:
        verdict.lost.append(order.id)
    elif len(paid) > 1 or len(told) > 1:
        verdict.twice.append(order.id)
    else:
        right = ("PayComplete", "PAID", str(order.price), str(order.price), paid[0]["reference"])
        said = tuple(told[0][name] for name in ("EventType", "Stage", "TotalPrice", "PaidPrice", "PaymentId"))
        if said != right:
            verdict.wrong.append(f"{order.title}: the shop was told {said} instead of {right}")
    if odd := set(order.answers) - MAY_ANSWER:
        verdict.wrong.append(f"{order.title}: PayStart answered {odd}")


def _key(order: Order) -> str:
    return f"{SHOP['DBType']}/{order.id}/0"


STAGES = [one.name for one in fields(Moment)]
TABLE_HEAD = f"{'killed':<18} payments  {'  '.join(STAGES)} | lost  twice  all told after"


def row_of_table(what: str, payments: int, at: Moment, verdict: Verdict, seconds: float) -> str:
    """A line of the kill table: how many payments there were, at which stage at that moment, and how it ended."""
    stages = "  ".join(f"{getattr(at, name):>{len(name)}}" for name in STAGES)
    return f"{what:<18} {payments:>8}  {stages} | {len(verdict.lost):>4}  {len(verdict.twice):>5}  {seconds:>12.1f} s"
