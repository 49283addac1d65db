"""Judges by the gateway's books, the shop's, and the answers of the interface; PGB's own tables do not count.

The invariants are named I1 to I8 as in the issue: no lost completion, no false one, no double charge kept, refunds
right, one effect per request, nothing in doubt, sums agree, nothing left undone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.faults.town import Order, Town
from tests.process.judging import Page, messages, pages

# What the shop may be answered beside what it asked for: repeat the same call.
MAY_ANSWER = {"Redirect", "Done", "PAYMENT_IN_PROGRESS", "OUTCOME_UNKNOWN", "ALREADY_PAID", "no answer"}
MOST_TRIES = 2  # of one message: the one that broke off, and the next


@dataclass(frozen=True)
class Outcome:
    """What an order must have come to: what the shop was told, in order, and what went back to the buyer."""

    stage: str
    told: tuple[str, ...]
    gives_back: Callable[[Order], int] | None = None
    is_paid: bool = True

    def refunds(self, order: Order) -> list[int]:
        """Every refund of the order."""
        return [self.gives_back(order)] if self.gives_back else []


def violations(town: Town, order: Order, outcome: Outcome) -> list[str]:
    """Return what is not, or not yet, as it must be."""
    books = town.books()
    made = pages(books["stripe"]).get(order.title, [])
    told = messages(books["shop"]).get(order.id, [])
    found = [
        *_of_the_gateway(made, order, outcome),
        *_of_the_keys(books["stripe"]),
        *_of_the_webhooks(books["stripe"], made),
        *_of_the_shop(books["shop"], made, told, outcome),
    ]
    return found or [*_of_pgb(town, order, made, outcome)]


def _of_the_gateway(made: Sequence[Page], order: Order, outcome: Outcome) -> Iterator[str]:
    captured = [page.captured for page in made if page.captured]
    if captured != [order.price] * outcome.is_paid:
        yield f"I1, I3: the gateway was paid {captured}"
    if any(page.status == "open" for page in made):
        yield "I3: a page is still open"
    if len(made) > 1:
        yield f"I5: the gateway made {len(made)} pages"
    if (returned := [refund.amount for page in made for refund in page.refunds]) != outcome.refunds(order):
        yield f"I4, I5: the gateway gave back {returned}"


def _of_the_keys(gateway: Any) -> Iterator[str]:
    for name in ("creates", "refunds_by_key", "refunds_by_cancel"):
        if set(gateway[name].values()) - {1}:
            yield f"I5: {name}: one key, two effects"


def _of_the_webhooks(gateway: Any, made: Sequence[Page]) -> Iterator[str]:
    ids = {page.id for page in made}
    last = {one["event"]: one for one in gateway["webhooks"] if gateway["events"][one["event"]]["session"] in ids}
    if odd := {one["status"] for one in last.values() if one["error"] != "dropped"} - {200}:
        yield f"I8: a webhook was answered with {odd}"


def _of_the_shop(shop: Any, made: Sequence[Page], told: Sequence[Any], outcome: Outcome) -> Iterator[str]:
    if (kinds := tuple(one["EventType"] for one in told)) != outcome.told:
        yield f"I1, I2: the shop was told {kinds}"
    held = {(page.reference, str(page.captured), page.currency.upper()) for page in made if page.captured}
    if not {(one["PaymentId"], one["PaidPrice"], one["Currency"]) for one in told if outcome.is_paid} <= held:
        yield "I2: the shop was told of money that the gateway does not have"
    for event in (one["EventId"] for one in told):
        if shop["applied"].get(event) != 1 or shop["received"][event] > MOST_TRIES:
            yield f"I5, I8: the shop heard a message {shop['received'][event]} times"
    if told and outcome.is_paid and told[-1]["Balance"] != str(sum(page.held for page in made)):
        yield f"I4: the shop was told of a balance of {told[-1]['Balance']}"
    if shop["rejected"]:
        yield f"I2: the shop cannot read {shop['rejected']}"


def _of_pgb(town: Town, order: Order, made: Sequence[Page], outcome: Outcome) -> Iterator[str]:
    status = town.ask(order, "PayStatus", town.pgb)
    left = sum(page.held for page in made)
    sums = tuple(status[name] for name in ("Stage", "PaidPrice", "Balance", "Reserved"))
    paid = str(order.price * outcome.is_paid)
    if sums != (outcome.stage, paid, str(left), "0"):
        yield f"I4, I6, I7: PayStatus says {sums}"
    cancels = [(one["CancelState"], one["RefundPrice"]) for one in status["Cancellations"]]
    if cancels != [("DONE", str(amount)) for amount in outcome.refunds(order)]:
        yield f"I4, I6: PayStatus lists the cancels {cancels}"
    if odd := set(order.answers) - MAY_ANSWER:
        yield f"I6: the shop was answered {odd}"
