"""Judges by the gateway's books and the shop's, and by the answers of the interface; PGB's own tables do not count."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from tests.process.buying import Moment, Order

# What PGB may answer while parts of it die: repeat the same call.
MAY_ANSWER = {"Redirect", "PAYMENT_IN_PROGRESS", "OUTCOME_UNKNOWN", "UNAVAILABLE", "no answer"}
WEBHOOK_ANSWERS = {200, 503, None}  # None: no answer
STAGES = [one.name for one in fields(Moment)]
TABLE_HEAD = f"{'killed':<18} payments  {'  '.join(STAGES)} | lost  twice  all told after"


@dataclass
class Verdict:
    """Orders that were lost, paid or told twice (or the second EventId), and whatever else is wrong."""

    lost: list[int] = field(default_factory=list)
    twice: list[int | str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def judge(books: Any, orders: Sequence[Order]) -> Verdict:
    """Hold the books against each other. `orders` are all that there ever were."""
    gateway, shop = books["stripe"], books["shop"]
    verdict = Verdict()
    made, heard = pages(gateway), messages(shop)
    for order in orders:
        _judge_one(verdict, order, made.pop(order.title, []), heard.pop(order.id, []))
    verdict.twice += [event_id for event_id in shop["received"] if shop["applied"].get(event_id) != 1]
    if made or heard or shop["rejected"]:
        verdict.wrong.append(f"nobody ordered {list(made)} {list(heard)}, or unreadable: {shop['rejected']}")
    if odd := {sent["status"] for sent in gateway["webhooks"]} - WEBHOOK_ANSWERS:
        verdict.wrong.append(f"webhooks were answered with {odd}")
    return verdict


class Page(NamedTuple):
    """A page that the gateway made: our reference, how it ended, what came in, what went back in all and singly."""

    id: str
    reference: str
    status: str
    currency: str
    captured: int
    refunded: int
    refunds: list[int]

    @property
    def held(self) -> int:
        return self.captured - self.refunded


def pages(gateway: Any) -> dict[str, list[Page]]:
    """Each page that the gateway made, by what was sold there."""
    moved: dict[str, Counter[str]] = defaultdict(Counter)
    refunds: dict[str, list[int]] = defaultdict(list)
    for payment in gateway["payments"].values():
        for name in ("captured", "refunded"):
            moved[payment["session"]][name] += payment[name]
    for refund in gateway["refunds"].values():
        refunds[gateway["payments"][refund["payment"]]["session"]].append(refund["amount"])
    found = defaultdict(list)
    for page in gateway["sessions"].values():
        sold = page["params"]["line_items"][0]["price_data"]["product_data"]["name"]
        facts = {name: page[name] for name in ("id", "reference", "status", "currency")}
        sums = {name: moved[page["id"]][name] for name in ("captured", "refunded")}
        found[sold].append(Page(**facts, **sums, refunds=refunds[page["id"]]))
    return found


def messages(shop: Any) -> dict[int, list[Any]]:
    """Each message that took effect at the shop, by order."""
    found = defaultdict(list)
    for message in shop["messages"]:
        found[message["OrderId"]].append(message)
    return found


def _judge_one(verdict: Verdict, order: Order, pages: list[Page], messages: list[Any]) -> None:
    paid = [(page.reference, page.held) for page in pages if page.held]
    told = [(message["PaymentId"], message["PaidPrice"]) for message in messages]
    kinds = [(message["EventType"], message["Stage"]) for message in messages]
    if not paid or not told:
        verdict.lost.append(order.id)
    if len(paid) > 1 or len(told) > 1:
        verdict.twice.append(order.id)
    if kinds and set(kinds) != {("PayComplete", "PAID")}:
        verdict.wrong.append(f"{order.title}: the shop was told {kinds}")
    if any(held != order.price for _, held in paid) or not {(one, str(held)) for one, held in paid}.issuperset(told):
        verdict.wrong.append(f"{order.title} of {order.price}: the gateway holds {paid}, the shop was told {told}")
    if len(pages) > 1:
        verdict.wrong.append(f"{order.title}: the gateway made {len(pages)} pages")
    if odd := set(order.answers) - MAY_ANSWER:
        verdict.wrong.append(f"{order.title}: PayStart answered {odd}")


def row_of_table(what: str, payments: int, at: Moment, verdict: Verdict, seconds: float) -> str:
    """A line of the kill table: how many payments there were, at which stage at that moment, and how it ended."""
    stages = "  ".join(f"{getattr(at, name):>{len(name)}}" for name in STAGES)
    return f"{what:<18} {payments:>8}  {stages} | {len(verdict.lost):>4}  {len(verdict.twice):>5}  {seconds:>12.1f} s"
