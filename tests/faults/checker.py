"""What must be true after any schedule, by the books of the gateway and the shop and by PGB's answers alone.

I1 no lost completion    I2 no false completion    I3 no double charge kept    I4 refunds within what was paid
I5 one effect a request  I6 no doubt for longer than a minute after all answer again    I8 all comes to an end
What needs a person is in REVIEW, as PayStatus says, or a cancel that the gateway never answers for.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.utils import timezone
from ulid import ULID

from bridge.sandbox.books import Refund, Session
from tests.faults.backstage import Answer, Broken
from tests.faults.simulation import Play

PAGE_LIVES = timedelta(minutes=40)
ENDED = {"PAID", "PARTIALLY_CANCELLED", "CANCELLED", "FAILED", "EXPIRED", "REVIEW"}
OPEN_CANCELS = {"REQUESTED", "SENDING", "UNKNOWN"}
LIVE = {"STANDBY", "CONFIRMING", "WAITING_DEPOSIT"}
IN_DOUBT = {"OUTCOME_UNKNOWN", "PAYMENT_IN_PROGRESS"}
HOLDING = {"PAID", "PARTIALLY_CANCELLED"}


class Checker:
    """Holds one play against the books."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.gateway = play.stage.sandbox.stripe.books
        self.shop = play.stage.sandbox.shop.books
        self.wrong: list[str] = []

    def check(self) -> None:
        """Raise Broken with the whole story if anything is not as it must be."""
        final = {answer.asked["OrderId"]: answer for answer in self.play.answers[-len(self.play.orders()) :]}
        for order, answer in final.items():
            states = self._states(order, answer.said or {})
            self._ended(order, states)
            self._told_once(order)
            self._told_rightly(order)
            cancels = (answer.said or {}).get("Cancellations", [])
            if not self._waits_for_a_person(order, cancels):
                self._money(order, states)
                self._cancels(order, cancels)
        self._requests()
        self._refunds_wanted()
        self._served()
        if self.wrong:
            raise Broken("\n".join([*self.wrong, "", *self.story()]))

    def story(self) -> list[str]:
        """Return the history and both books, as lines."""
        pages = [
            f"page {one.id[-6:]} {one.reference} order {order_of(one)}: {one.status} {one.payment_status} {one.amount}"
            + "".join(f" {vars(p)}" for p in self.gateway.payments.values() if p.session == one.id)
            for one in self.gateway.sessions.values()
        ]
        pages += [f"refund {vars(one)}" for one in self.gateway.refunds.values()]
        orders = [f"{key}: {vars(order)}" for key, order in self.shop.orders.items()]
        return [*self.play.history, "-- the gateway's books", *pages, "-- the shop's books", *orders]

    def nothing_is_in_doubt(self) -> None:
        """I6: all have answered for a minute, so no cancel is in doubt and an equal start gets a plain answer.

        But for what the gateway goes on refusing: with the 500 that it remembers under a key, or an opening whose end
        is less than half an hour away by now; and for an opening that is not there when the life of its page is over,
        which only three looks over ten minutes can say.
        """
        calls = self.gateway.calls
        remembered = self._remembered()
        pages_refused = any(call.operation in ("start", "expire") and call.key in remembered for call in calls)
        for order in self.play.orders():
            now = self.play.pay_status(order).said or {}
            for one in now.get("Cancellations", []):
                if one["CancelState"] in OPEN_CANCELS and key_of(one) not in remembered:
                    self.wrong.append(f"I6 order {order}: still {one}")
            if now.get("Stage") not in LIVE or pages_refused or self._is_over_and_not_there(now["PaymentId"]):
                continue
            before = len(calls)
            answer = self.play.pay_start(order, int(now["TotalPrice"]))
            refused = any(call.operation == "start" and call.status >= 400 for call in calls[before:])
            if answer.code in IN_DOUBT and not refused:
                self.wrong.append(f"I6 order {order}: still {answer.code}")

    def _remembered(self) -> set[str]:
        """Return the keys under which the gateway goes on answering with a 500 of its own."""
        return {call.key for call in self.gateway.calls if call.status == 500 and call.key}

    def _waits_for_a_person(self, order: int, cancels: list[dict[str, Any]]) -> bool:
        """Say whether a cancel that the gateway never answers for stands beside as much that went back by hand.

        Nobody but staff can know whether that was this one.
        """
        pages = {page.id for page, _ in self._pages(order)}
        by_hand = {
            one.amount
            for one in self.gateway.refunds.values()
            if one.key is None and one.holds and self.gateway.payments[one.payment].session in pages
        }
        in_doubt = [one for one in cancels if one["CancelState"] == "UNKNOWN" and key_of(one) in self._remembered()]
        return any(int(one["RefundPrice"]) in by_hand for one in in_doubt)

    def _is_over_and_not_there(self, reference: str) -> bool:
        is_there = any(page.reference == reference for page in self.gateway.sessions.values())
        return not is_there and timezone.now() - ULID.from_str(reference).datetime > PAGE_LIVES

    def _states(self, order: int, said: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return what PayStatus says of each payment of the order, by PaymentId."""
        if said.get("ErrorCode") == "ORDER_NOT_FOUND":
            return {}
        if not said.get("IsSuccess"):
            self.wrong.append(f"I8 order {order}: PayStatus says {said}")
            return {}
        return {state["PaymentId"]: state for state in (said, *said["OtherPayments"])}

    def _pages(self, order: int) -> Iterator[tuple[Session, int]]:
        """Yield the pages of an order at the gateway, each with the money that is left there."""
        for page in self.gateway.sessions.values():
            if order_of(page) == order:
                paid = [one for one in self.gateway.payments.values() if one.session == page.id]
                yield page, sum(one.captured - one.refunded for one in paid)

    def _ended(self, order: int, states: dict[str, dict[str, Any]]) -> None:
        for reference, state in states.items():
            if state["Stage"] not in ENDED:
                self.wrong.append(f"I8 order {order}: {reference} is still {state['Stage']}")
        for page, _ in self._pages(order):
            if page.reference not in states:
                self.wrong.append(f"I1 order {order}: PayStatus does not know {page.reference}")

    def _told_once(self, order: int) -> None:
        completions = Counter(
            message["PaymentId"]
            for message in self.shop.messages
            if message["OrderId"] == order and message["EventType"] == "PayComplete"
        )
        for reference, times in completions.items():
            if times > 1:
                self.wrong.append(f"I1 order {order}: the shop was told {times} times that {reference} is paid")
        if any(times > 1 for times in self.shop.applied.values()):
            self.wrong.append("I1 the shop applied a message twice")

    def _told_rightly(self, order: int) -> None:
        """I2: whatever the shop believes to be paid is paid, with that amount, for that order."""
        asked = {
            int(answer.asked["TotalPrice"])
            for answer in self.play.answers
            if answer.call == "PayStart" and answer.asked["OrderId"] == order
        }
        for message in self.shop.messages:
            if message["OrderId"] != order or message["EventType"] != "PayComplete":
                continue
            captured = {
                (order_of(page), payment.captured, payment.currency.upper())
                for page in self.gateway.sessions.values()
                for payment in self.gateway.payments.values()
                if page.reference == message["PaymentId"] and payment.session == page.id and payment.captured
            }
            told = (order, int(message["TotalPrice"]), message["Currency"])
            if captured != {told} or told[1] not in asked:
                self.wrong.append(f"I2 order {order}: told {told}, but the gateway has {captured}, asked were {asked}")

    def _money(self, order: int, states: dict[str, dict[str, Any]]) -> None:
        """I1, I3, I4: every payment that the gateway holds is the one that the shop knows, or a person has it."""
        believed = self.shop.orders.get(("KR1", order, 0))
        holding = {
            page.reference: left
            for page, left in self._pages(order)
            if left and states.get(page.reference or "", {}).get("Stage") != "REVIEW"
        }
        if len(holding) > 1:
            self.wrong.append(f"I3 order {order}: {holding} are kept")
        for reference, left in holding.items():
            state = states.get(reference or "", {})
            if (state.get("Stage") not in HOLDING) or int(state["Balance"]) != left:
                self.wrong.append(f"I4 order {order}: {left} at the gateway, PGB says {state}")
            if believed is None or (believed.payment_id, believed.balance) != (reference, str(left)):
                self.wrong.append(f"I1 order {order}: the gateway holds {left} of {reference}, the shop: {believed}")
        kept = {reference for reference, state in states.items() if state["Stage"] in HOLDING}
        if kept != set(holding):
            self.wrong.append(f"I4 order {order}: PGB holds {kept}, the gateway {holding}")
        if believed is not None and believed.stage in HOLDING and believed.payment_id not in holding:
            self.wrong.append(f"I2 order {order}: the shop believes {believed}, the gateway holds {holding}")

    def _cancels(self, order: int, listed: list[dict[str, Any]]) -> None:
        """I5, I8: every cancel of the standing payment has ended, and is at the gateway what PGB says it is."""
        for one in listed:
            state, at_gateway = one["CancelState"], self._refunds(one["CancelId"])
            if state in OPEN_CANCELS or state == "PENDING":
                self.wrong.append(f"I8 order {order}: {one} never ended")
            if one["CancelOrigin"] != "GATEWAY" and (state == "DONE") != any(refund.holds for refund in at_gateway):
                self.wrong.append(f"I5 order {order}: {one}, but the gateway has {at_gateway}")
        told = Counter(
            message["CancelId"]
            for message in self.shop.messages
            if message["EventType"] == "CancelComplete" and message.get("CancelId")
        )
        for cancel_id, times in told.items():
            if times > 1:
                self.wrong.append(f"I5 the shop was told {times} times of the cancel {cancel_id}")

    def _refunds(self, cancel_id: str) -> list[Refund]:
        return [one for one in self.gateway.refunds.values() if one.cancel_id == cancel_id]

    def _requests(self) -> None:
        """I5: a request moves money once, and an answer that is sure is true."""
        for cancel_id, times in self.gateway.refunds_by_cancel.items():
            if times > 1:
                self.wrong.append(f"I5 the cancel {cancel_id} was made {times} times")
        wishes: dict[str, set[str]] = {}
        for answer in self.play.answers:
            if answer.is_cancel and answer.said and answer.said.get("CancelId"):
                # What an order was paid with anew is another payment: without a RequestId another wish.
                wish = answer.wish if "RequestId" in answer.asked else f"{answer.wish} {answer.said['PaymentId']}"
                wishes.setdefault(wish, set()).add(answer.said["CancelId"])
                self._answered_truly(answer)
        for wish, made in wishes.items():
            moved = [one for one in self.gateway.refunds.values() if one.cancel_id in made and one.holds]
            if len(moved) > 1:
                self.wrong.append(f"I5 one request moved money more than once: {wish} {moved}")

    def _refunds_wanted(self) -> None:
        """I4: not more went back than came, and nothing without a request."""
        for payment in self.gateway.payments.values():
            if payment.refunded > payment.captured:
                self.wrong.append(f"I4 more went back than came: {payment}")
        for refund in self.gateway.refunds.values():
            if refund.key is not None and not self._wanted(refund):
                self.wrong.append(f"I4 nobody asked for {refund}")

    def _answered_truly(self, answer: Answer) -> None:
        made = self._refunds((answer.said or {})["CancelId"])
        if answer.code == "GATEWAY_UNREACHABLE" and made:
            self.wrong.append(f"I5 {answer}: surely nothing happened, but the gateway has {made}")

    def _wanted(self, refund: Refund) -> bool:
        """Say whether the shop asked for this refund, or the payment was never to be kept: the shop was not told."""
        page = self.gateway.sessions[self.gateway.payments[refund.payment].session]
        told = any(
            message["PaymentId"] == page.reference and message["EventType"] == "PayComplete"
            for message in self.shop.messages
        )
        asked = [one for one in self.play.answers if one.is_cancel and one.of(order_of(page))]
        amounts = {one.asked.get("RefundPrice", str(refund.amount)) for one in asked}
        return str(refund.amount) in amounts or not told

    def _served(self) -> None:
        """No answer of PGB is a mistake of its own."""
        for answer in self.play.answers:
            if answer.code == "INTERNAL":
                self.wrong.append(f"{answer.call} {answer.asked} was answered with {answer.said}")


def key_of(cancel: dict[str, Any]) -> str:
    """Return the key under which PGB sends a cancel of PayStatus to the gateway."""
    return f"pgb:cancel:{cancel['CancelId']}"


def order_of(page: Session) -> int:
    """Return the order that the gateway's page is for: the shop put it into the description."""
    line: dict[str, Any] = page.params["line_items"][0]
    return int(str(line["price_data"]["product_data"]["name"]).removeprefix("order "))
