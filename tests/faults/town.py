"""Everybody around PGB in the sweep: the shop's program, the buyers, the gateway, PGB's workers, and the clock.

The clock stands still but for what the sweep moves it, also for the process under the knife.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
import time_machine
from django.db import connection
from django.utils import timezone

from bridge.sandbox.stripe.accounts import Account
from bridge.sandbox.stripe.events import signature_header
from tests.factories import API_KEY
from tests.faults.knife import APPLICATION_NAME, Knife
from tests.threads import until
from tests.world import World, code

PATIENCE = 60.0  # seconds of real time
NO_ANSWER = {"ErrorCode": "no answer", "Type": "", "RedirectUrl": ""}


@dataclass
class Order:
    """One order of the shop; each has a price of its own, so that no two can be mistaken for each other."""

    id: int
    page: str = ""  # the gateway's, once PGB has told the shop of it
    is_paid: bool = False  # by its buyer
    is_cancelled: bool = False  # or a part of it, as the shop was answered
    answers: Counter[str] = field(default_factory=Counter)

    @property
    def title(self) -> str:
        return f"order {self.id}"

    @property
    def price(self) -> int:
        return 10_000 + self.id

    @property
    def part(self) -> int:
        """What a partial cancel gives back."""
        return 3_000 + self.id


@dataclass
class Town:
    """``pgb`` is the address of the PGB that is whole; a process under the knife has one of its own."""

    world: World
    clock: time_machine.Traveller
    knife: Knife
    pgb: str
    orders: list[Order] = field(default_factory=list)

    def new_order(self) -> Order:
        """An order that PGB has not heard of."""
        self.orders.append(Order(1 + len(self.orders)))
        return self.orders[-1]

    def act_holds_a_lock(self) -> bool:
        """Say whether the process that stands still does so in a transaction: everybody must wait for it then."""
        with connection.cursor() as cursor:
            until(lambda: "active" not in self._states(cursor), PATIENCE)
            return any(state.startswith("idle in transaction") for state in self._states(cursor))

    def _states(self, cursor: Any) -> list[str]:
        cursor.execute("SELECT state FROM pg_stat_activity WHERE application_name = %s", [APPLICATION_NAME])
        return [state or "" for (state,) in cursor.fetchall()]

    # The shop's program

    def ask(self, order: Order, call: str, at: str, **body: Any) -> Any:
        """Call PGB ``at`` an address; whoever breaks off has not answered."""
        keys = {"DBType": "KR1", "OrderId": order.id, "JoinerId": 1001}
        headers = {"Authorization": f"Bearer {API_KEY}"}
        try:
            answer = requests.post(f"{at}/PGB/{call}", json={**keys, **body}, headers=headers, timeout=PATIENCE).json()
        except requests.RequestException:  # also half an answer is none
            answer = NO_ANSWER
        order.answers[code(answer)] += 1
        return answer

    def start(self, order: Order, at: str = "") -> str:
        """PayStart; if it brings a page, the shop has it. Returns what the answer comes to."""
        wish = {
            "PayType": "CARD",
            "NationCode": "KR",
            "TotalPrice": str(order.price),
            "OrderDescription": order.title,
            "RedirectUrl": f"{self.world.sandbox.url}/shop/thanks",
        }
        answer = self.ask(order, "PayStart", at or self.pgb, **wish)
        order.page = order.page or answer["RedirectUrl"]
        return code(answer)

    def cancel_part(self, order: Order, at: str, **more: str) -> str:
        """PartialCancel of a part of an order that is paid; returns what the answer comes to."""
        prices = (order.price, order.part, order.price - order.part)
        names = ("CurrentTotalPrice", "RefundPrice", "ModifedTotalPrice")
        return self._cancel(order, "PartialCancel", at, **dict(zip(names, map(str, prices), strict=True)), **more)

    def cancel_all(self, order: Order, at: str, **more: str) -> str:
        """FullCancel of an order, paid or not; returns what the answer comes to."""
        wish = {"PGType": "stripe", "PayType": "CARD", "CurrentTotalPrice": str(order.price)}
        return self._cancel(order, "FullCancel", at, **wish, **more)

    def _cancel(self, order: Order, call: str, at: str, **wish: str) -> str:
        answer = self.ask(order, call, at, NationCode="KR", **wish)
        order.is_cancelled = order.is_cancelled or answer["Type"] == "Done"
        return code(answer)

    # The buyer and the gateway

    def pay(self, order: Order) -> None:
        """The buyer pays on the gateway's page, and closes the browser; returns when the webhook was tried."""
        order.is_paid = True
        paid = requests.post(order.page, {"do": "pay"}, timeout=PATIENCE, allow_redirects=False)
        assert paid.status_code == 303, "the page could not be paid"

    def send_webhooks_to(self, url: str) -> None:
        """From now on the gateway finds PGB there."""
        for account in self.world.sandbox.stripe.accounts.values():
            account.webhook_url = url + urlsplit(account.webhook_url).path

    def lose_webhooks(self) -> None:
        """None arrives any more."""
        self._plan(webhook="drop")

    def let_the_gateway_lag(self) -> None:
        """What is new there stands in no list for a minute."""
        self._plan(list="not_visible", refunds="not_visible")

    def _plan(self, **faults: str) -> None:
        """From now on these happen every time, and no others."""
        self.world.sandbox.faults.clear()
        for operation, kind in faults.items():
            self.world.sandbox.faults.add(operation, kind, times=None)

    def repeat_webhooks(self, order: Order) -> set[int]:
        """The gateway sends all that it ever said of the order once more; returns how PGB answered."""
        stripe = self.world.sandbox.stripe
        pages = [one for one in stripe.books.sessions.values() if order.title in str(one.params["line_items"])]
        events = [one for one in stripe.books.events.values() if one.session in {page.id for page in pages}]
        return {self._send(stripe.account_of(pages[0]), event.body) for event in events}

    def _send(self, account: Account, event: Any) -> int:
        body = json.dumps(event).encode()
        signed = signature_header(account.webhook_secret, body, int(timezone.now().timestamp()))
        headers = {"Stripe-Signature": signed, "Content-Type": "application/json"}
        return requests.post(account.webhook_url, body, headers=headers, timeout=PATIENCE).status_code

    def books(self) -> Any:
        """The gateway's books and the shop's."""
        return requests.get(f"{self.world.sandbox.url}/control/books", timeout=PATIENCE).json()

    # Time

    def work(self) -> None:
        """Let all that is due now be done, at the gateway and by PGB's workers."""
        self.world.sandbox.settle(PATIENCE)
        while self.world.work():
            self.world.sandbox.settle(PATIENCE)

    def wait(self, seconds: float) -> None:
        """Move the clock on."""
        self.clock.shift(timedelta(seconds=seconds))
