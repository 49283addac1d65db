"""A whole small world for tests: PGB's doors in this process, the sandbox over real HTTP, the queues driven by hand.

Time is the application's clock: a test travels, then works off what is due.
"""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.test import Client
from django.utils import timezone

from bridge import drains
from bridge.sandbox.sandbox import Sandbox
from merchants.models import Merchant, Shop
from payments.models import Delivery, GatewayCall, PaymentSession
from payments.queues import Queue
from payments.states import HOLDING, LIVE
from tests.factories import API_KEY


def code(answer: Any) -> str:
    """What an answer of the interface comes to: its error code, else its type."""
    return str(answer["ErrorCode"] or answer["Type"])


@dataclass
class World:
    """One shop with one Stripe account behind CARD, and everybody around them."""

    sandbox: Sandbox
    shop: Shop
    merchant: Merchant
    client: Client
    at_work: set[int] = field(default_factory=set)  # workers that have something in hand

    def order(self, order_id: int = 1, **changes: Any) -> dict[str, Any]:
        """Return the body of a PayStart of 64,900 won."""
        return {
            "DBType": self.shop.db_type,
            "OrderId": order_id,
            "JoinerId": self.shop.joiner_id,
            "PayType": "CARD",
            "TotalPrice": "64900",
            "OrderDescription": "명함 200매",
            "RedirectUrl": f"{self.sandbox.url}/shop/thanks",
            "NationCode": "KR",
            **changes,
        }

    def post(self, path: str, body: Any, **headers: str) -> Any:
        """Call PGB as the shop does; a dict goes as JSON."""
        headers = {"Authorization": f"Bearer {API_KEY}", **headers}
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.client.post(path, data, content_type="application/json", headers=headers)

    def start(self, order_id: int = 1, **changes: Any) -> Any:
        """PayStart; returns its answer."""
        return self.post("/PGB/PayStart", self.order(order_id, **changes)).json()

    def status(self, order_id: int = 1, **changes: Any) -> Any:
        """PayStatus; returns its answer."""
        keys = {"DBType": self.shop.db_type, "OrderId": order_id, "JoinerId": self.shop.joiner_id}
        return self.post("/PGB/PayStatus", {**keys, **changes}).json()

    def partial(self, refund: int, current: int = 64900, order_id: int = 1, **changes: Any) -> Any:
        """PartialCancel; returns its answer."""
        prices = {"RefundPrice": refund, "CurrentTotalPrice": current, "ModifedTotalPrice": current - refund}
        return self.post("/PGB/PartialCancel", {**self.named(order_id), **prices, **changes}).json()

    def full(self, current: int = 64900, order_id: int = 1, **changes: Any) -> Any:
        """FullCancel; returns its answer."""
        keys = {"CurrentTotalPrice": current, "PGType": "stripe", "PayType": "CARD"}
        return self.post("/PGB/FullCancel", {**self.named(order_id), **keys, **changes}).json()

    def named(self, order_id: int = 1) -> dict[str, Any]:
        """The keys that name an order in every call."""
        return {"DBType": self.shop.db_type, "OrderId": order_id, "JoinerId": self.shop.joiner_id, "NationCode": "KR"}

    def paid(self, order_id: int = 1, **changes: Any) -> PaymentSession:
        """Start and pay an order, and let the shop hear of it."""
        self.start(order_id, **changes)
        self.pay(order_id)
        self.work()
        return self.session(order_id)

    def refunds(self) -> list[int]:
        """What the gateway gave back, or is giving back, oldest first."""
        return [one.amount for one in self.sandbox.stripe.books.refunds.values() if one.holds]

    def session(self, order_id: int = 1) -> PaymentSession:
        """The newest session of the order."""
        return PaymentSession.objects.filter(order__order_id=order_id).select_related("order").latest("pk")

    def stages(self, order_id: int = 1) -> list[str]:
        """Each session of the order, oldest first: its stage, and why."""
        rows = PaymentSession.objects.filter(order__order_id=order_id).order_by("pk")
        return [f"{row.stage} {row.reason}".strip() for row in rows]

    def pages(self) -> list[str]:
        """Each page that the gateway made, oldest first: open, complete or expired."""
        return [session.status for session in self.sandbox.stripe.books.sessions.values()]

    def pay(self, order_id: int = 1, how: str = "pay") -> None:
        """Press a button on the newest session's page at the gateway; its webhooks come in at once."""
        self.sandbox.stripe.pay(self.session(order_id).gateway_id, how=how)
        self.sandbox.settle()

    def pay_unheard(self, order_id: int = 1, how: str = "pay") -> None:
        """As ``pay``, but none of the webhooks arrives."""
        lost = self.sandbox.faults.add("webhook", "drop", times=None)
        self.pay(order_id, how)
        self.sandbox.faults.clear(lost.id)

    def look(self, order_id: int = 1) -> PaymentSession:
        """Let the workers ask the gateway about the newest session, and return it."""
        PaymentSession.objects.filter(pk=self.session(order_id).pk).ring(timezone.now())
        self.rest()
        return self.session(order_id)

    def rest(self) -> None:
        """Work off what is due, and let other workers end what they have in hand."""
        self.work()
        tables = (PaymentSession, GatewayCall, Delivery)
        # A look that was rung meanwhile has no lease any more, and its worker may not have written yet.
        while self.at_work or any(
            table.objects.filter(due_at__isnull=False).exclude(lease_token=None).exists() for table in tables
        ):
            time.sleep(0.01)
            self.work()

    def work(self) -> int:
        """Work off all that is due now, as the workers would."""
        done = 0
        while True:
            now = sum(drains.drain(queue) for queue in Queue)
            if now == 0:
                return done
            done += now

    @contextmanager
    def working(self, workers: int = 2) -> Iterator[None]:
        """Work off what becomes due, in threads of their own, until the block ends."""
        stop = threading.Event()

        def run() -> None:
            me = threading.get_ident()
            while not stop.is_set():
                self.at_work.add(me)
                done = self.work()
                self.at_work.discard(me)
                if done == 0:
                    stop.wait(0.02)

        with ThreadPoolExecutor(workers, thread_name_prefix="working") as pool:
            runs = [pool.submit(run) for _ in range(workers)]
            try:
                yield
            finally:
                stop.set()
        for done in runs:
            done.result()

    def told(self, order_id: int = 1) -> list[str]:
        """The kinds of message that the shop has accepted, in order."""
        rows = Delivery.objects.filter(order__order_id=order_id, state="DELIVERED").order_by("sequence")
        return [row.kind for row in rows]

    def books_agree(self, order_id: int = 1) -> None:
        """Check what must be true of an order after anything, by the gateway's own books and the shop's."""
        sessions = PaymentSession.objects.filter(order__order_id=order_id)
        holding = [session for session in sessions if session.stage in HOLDING]
        assert len(holding) <= 1
        assert sum(session.stage in LIVE for session in sessions) <= 1
        told = self.sandbox.shop.books.orders.get((self.shop.db_type, order_id, 0))
        assert Delivery.objects.filter(session__in=sessions, kind="PayComplete").count() == len(holding)
        assert (told.completions if told else 0) == len(holding)
        for session in sessions:
            money = self.sandbox.stripe.books.paid(session.reference)
            assert (session.stage in HOLDING or session.stage == "REVIEW") == (money > 0)
        for session in holding:
            assert self.sandbox.stripe.books.paid(session.reference) == session.amount
            assert told is not None and told.payment_id == session.reference

    def has_one_page(self, answers: list[Any]) -> None:
        """Check that equal PayStarts of one order got one and the same page, or were asked to come back."""
        assert {code(answer) for answer in answers} <= {"Redirect", "PAYMENT_IN_PROGRESS"}
        assert len({answer["RedirectUrl"] for answer in answers} - {""}) == 1
        assert (self.stages()[-1], self.pages()) == ("STANDBY", ["open"])
        assert list(self.sandbox.stripe.books.creates.values()) == [1]
        self.books_agree()
