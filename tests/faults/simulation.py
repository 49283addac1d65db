"""One schedule: what the shop, the buyer, the gateway, staff and bad luck do, one act after the other.

The history holds every act and every answer; the checker reads it beside the books of the gateway and the shop.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import connection
from django.utils import timezone

from bridge.sandbox.books import Dispute, Payment, Refund, Session
from bridge.sandbox.stripe.accounts import Account
from bridge.sandbox.stripe.checkout import NotPossible
from bridge.sandbox.stripe.params import Refused
from payments import staff
from payments.models import PaymentSession
from tests.factories import API_KEY
from tests.faults.backstage import MOST_STEPS, Answer, Backstage, Broken

LONGEST_END = timedelta(days=40)
PATIENCE = timedelta(seconds=60)


_WHO = ("DBType", "JoinerId")


class Play(Backstage):
    """The acts. Each leaves lines in the history."""

    # What the shop does.

    def call(self, call: str, **asked: Any) -> Answer:
        """POST to PGB as the shop does."""
        body = {"DBType": "KR1", "JoinerId": 1001, **asked}
        answer = Answer(timezone.now(), call, body)
        self.answers.append(answer)
        told = {name: value for name, value in asked.items() if name not in ("OrderDescription", "RedirectUrl")}
        with self.act(f"shop: {call} {told}"):
            headers = {"Authorization": f"Bearer {API_KEY}"}
            got = self.stage.client.post(
                f"/PGB/{call}", json.dumps(body), content_type="application/json", headers=headers
            )
            answer.status, answer.said = got.status_code, got.json()
            shown = ("PaymentId", "Stage", "Reason", "Balance", "Reserved", "CancelId", "ErrorMessage")
            facts = {name: answer.said[name] for name in shown if answer.said.get(name)}
            self.note(f"    -> {answer.status} {answer.code} {facts}")
        return answer

    def pay_start(self, order: int, amount: int) -> Answer:
        """The buyer went to the order page and chose to pay."""
        return self.call(
            "PayStart",
            OrderId=order,
            TotalPrice=str(amount),
            PayType="CARD",
            NationCode="KR",
            OrderDescription=f"order {order}",
            RedirectUrl=f"{self.stage.sandbox.url}/shop/thanks",
        )

    def pay_status(self, order: int) -> Answer:
        """The shop asks what PGB knows."""
        return self.call("PayStatus", OrderId=order)

    def cancel(self, order: int, refund: int | None, request_id: str, wrong: int = 0) -> Answer:
        """Ask for money back, all that remains with ``refund`` None, from the balance that the shop last heard of.

        ``wrong`` is what the shop is mistaken by.
        """
        heard = [one.said["Balance"] for one in self.answers if one.of(order) and one.said and "Balance" in one.said]
        balance = int(heard[-1]) + wrong if heard else wrong
        asked: dict[str, Any] = {"OrderId": order, "NationCode": "KR", "CurrentTotalPrice": str(balance)}
        if request_id:
            asked["RequestId"] = request_id
        if refund is None:
            return self.call("FullCancel", **asked, PGType="stripe", PayType="CARD")
        left = str(max(balance - refund, 0))
        return self.call("PartialCancel", **asked, RefundPrice=str(refund), ModifedTotalPrice=left)

    def cancel_again(self, place: int) -> None:
        """Repeat an earlier cancel, word for word."""
        cancels = [one for one in self.answers if one.is_cancel]
        if cancels:
            again = cancels[-1 - place % len(cancels)]
            self.call(again.call, **{name: again.asked[name] for name in again.asked if name not in _WHO})

    # What the buyer does.

    def page(self, place: int) -> Session | None:
        """Return one of the gateway's pages, the newest first."""
        pages = list(self.stage.sandbox.stripe.books.sessions.values())
        return pages[-1 - place % len(pages)] if pages else None

    def buyer(self, how: str, place: int = 0) -> None:
        """Pay or decline on one of the pages, the newest first."""
        page = self.page(place)
        if page is None:
            return
        stripe = self.stage.sandbox.stripe
        try:
            stripe.checkout.act(stripe.account_of(page), page, how)
            self.note(f"buyer: {how} {page.amount} on the page of {page.reference}")
        except NotPossible as error:
            self.note(f"buyer: cannot {how} on the page of {page.reference}: {error}")

    def buyer_returns(self, way: str, place: int = 0) -> None:
        """Come back from the gateway by its success or cancel address."""
        page = self.page(place)
        if page is None:
            return
        with self.act(f"buyer: comes back by the {way} of {page.reference}"):
            path = urlsplit(str(page.params[way])).path
            self.note(f"    -> {self.stage.client.get(path).status_code}")

    # What the gateway does.

    def webhook(self, place: int = 0) -> None:
        """Let one of the webhooks that are due come in."""
        sent = self.stage.sandbox.stripe.books.webhooks
        before = len(sent)
        self.note(f"gateway: webhook {place} of {self.stage.schedule.due()}")
        self.stage.schedule.run(place)
        for one in sent[before:]:
            self.note(f"    {one.type} ({one.form}), attempt {one.attempt} -> {one.status} {one.error}".rstrip())

    def webhooks(self) -> None:
        """Let all webhooks in that are due."""
        while self.stage.schedule.due():
            self.webhook()

    def _paid(self, place: int) -> Payment | None:
        """Return one of the payments that brought money, the newest first."""
        paid = [one for one in self.stage.sandbox.stripe.books.payments.values() if one.captured]
        return paid[-1 - place % len(paid)] if paid else None

    def console_refund(self, amount: int | None, place: int = 0) -> None:
        """Somebody gives money back in the gateway's own console."""
        payment = self._paid(place)
        if payment is None:
            return
        stripe = self.stage.sandbox.stripe
        with self._at_gateway(f"console refund of {amount or 'all'} of {payment.id}"):
            stripe.money_back.refund(self._account(payment), payment, {"amount": amount})

    def refund_ends(self, status: str, place: int = 0) -> None:
        """A refund comes to its end at the bank, or fails after all."""
        refunds = list(self.stage.sandbox.stripe.books.refunds.values())
        if refunds:
            refund = refunds[-1 - place % len(refunds)]
            with self._at_gateway(f"refund {refund.id} of {refund.amount}, {refund.status}, is {status}"):
                self.stage.sandbox.stripe.money_back.end(self._account(refund), refund, status)

    def dispute(self, place: int = 0) -> None:
        """The buyer disputes a payment."""
        payment = self._paid(place)
        if payment is not None:
            with self._at_gateway(f"dispute of {payment.id}"):
                self.stage.sandbox.stripe.money_back.dispute(self._account(payment), payment)

    def dispute_ends(self, *, won: bool) -> None:
        """The oldest open dispute is decided."""
        disputes = self.stage.sandbox.stripe.books.disputes.values()
        dispute = next((one for one in disputes if one.status == "needs_response"), None)
        if dispute is not None:
            with self._at_gateway(f"dispute {dispute.id} is {'won' if won else 'lost'}"):
                self.stage.sandbox.stripe.money_back.close_dispute(self._account(dispute), dispute, won=won)

    def _account(self, one: Payment | Refund | Dispute) -> Account:
        return next(a for a in self.stage.sandbox.stripe.accounts.values() if a.mid == one.account)

    @contextmanager
    def _at_gateway(self, text: str) -> Iterator[None]:
        self.note(f"gateway: {text}")
        try:
            yield
        except (NotPossible, Refused) as error:
            self.note(f"    -> {error}")

    # Faults.

    def fault(self, operation: str, kind: str, times: int | None, lasts: float | None, **params: Any) -> None:
        """Begin a fault of the sandbox, for so many exchanges or for so many seconds."""
        self.stage.sandbox.faults.add(operation, kind, times=times, for_seconds=lasts, **params)
        self.note(f"fault: {operation} {kind} {params or ''} {f'{times} times' if times else f'for {lasts:g} s'}")

    def outage(self) -> None:
        """Nobody answers any more: connections are refused."""
        if self.stage.sandbox.refuse():
            self.note("fault: connections are refused")

    def cut(self, statements: int, *, dies: bool) -> None:
        """Let the database connection break, or the process die, at a statement to come."""
        self.stage.cut.arm(statements, dies=dies)
        self.note(f"fault: {'the process dies' if dies else 'the database is cut off'} after {statements} statements")

    def faults_end(self) -> None:
        """All goes well from now on."""
        self.stage.sandbox.faults.clear()
        self.stage.sandbox.resume()
        self.stage.cut.left = None
        self.planned.clear()
        self.workers_asleep = False
        # The last act may have ended well though it lost its database.
        connection.close()
        self.note("faults: none any more")

    def staff_look(self, place: int) -> None:
        """Staff press 다시 조회 on a payment."""
        with self.act("staff: look"):
            sessions = list(PaymentSession.objects.order_by("-pk"))
            if sessions:
                session = sessions[place % len(sessions)]
                try:
                    staff.look_again(session.pk, "staff")
                    self.note(f"    -> at {session.reference}")
                except staff.NotPossible as error:
                    self.note(f"    -> {error}")

    # The end.

    def orders(self) -> list[int]:
        """Return the orders that the shop ever started."""
        return sorted({answer.asked["OrderId"] for answer in self.answers})

    def finish(self, after_a_minute: Callable[[], None]) -> None:
        """End all faults and let time run until nothing is left to do; then ask for every order.

        ``after_a_minute`` is called when everybody has answered again for PATIENCE.
        """
        self.faults_end()
        for refund in list(self.stage.sandbox.stripe.books.refunds.values()):
            if refund.status in ("pending", "requires_action"):
                with self._at_gateway(f"refund {refund.id} of {refund.amount} arrives"):
                    self.stage.sandbox.stripe.money_back.end(self._account(refund), refund, "succeeded")
        self._reconcile()
        begun = timezone.now()
        asked = False
        for _ in range(MOST_STEPS):
            self.webhooks()
            self.work()
            if timezone.now() < begun + PATIENCE:
                # What failed is probed now and then, due or not.
                self.clock.shift(5)
                continue
            if not asked:
                asked = True
                after_a_minute()
                continue
            at = self.stage.next_due()
            if at is None or at > begun + LONGEST_END:
                break
            self._go_to(at)
        else:
            raise Broken("it never comes to an end:\n" + "\n".join(self.history))
        self.note("the end")
        for order in self.orders():
            self.pay_status(order)

    def _reconcile(self) -> None:
        """Have looked at what the gateway lied about: the daily comparison of the books would find it."""
        if any(hit.kind in ("alter", "wrong") for hit in self.stage.sandbox.faults.history):
            for place in range(PaymentSession.objects.count()):
                self.staff_look(place)

    def _go_to(self, at: datetime) -> None:
        # A second at least: what is due may be held back by an open circuit.
        self.clock.move_to(max(at + timedelta(milliseconds=10), timezone.now() + timedelta(seconds=1)))
