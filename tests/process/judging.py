"""Judges by the gateway's books and the shop's, and by the answers of the interface; PGB's own tables do not count."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

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
    pages, messages = _pages(gateway), _messages(shop)
    for order in orders:
        _judge_one(verdict, order, pages.pop(order.title, []), messages.pop(order.id, []))
    verdict.twice += [event_id for event_id in shop["received"] if shop["applied"].get(event_id) != 1]
    if pages or messages or shop["rejected"]:
        verdict.wrong.append(f"nobody ordered {list(pages)} {list(messages)}, or unreadable: {shop['rejected']}")
    if odd := {sent["status"] for sent in gateway["webhooks"]} - WEBHOOK_ANSWERS:
        verdict.wrong.append(f"webhooks were answered with {odd}")
    return verdict


def _pages(gateway: Any) -> dict[str, list[tuple[str, int]]]:
    """Each page that the gateway made, by what was sold there: our reference, and what it holds."""
    holds: dict[str, int] = defaultdict(int)
    for payment in gateway["payments"].values():
        holds[payment["session"]] += payment["captured"] - payment["refunded"]
    found = defaultdict(list)
    for page in gateway["sessions"].values():
        sold = page["params"]["line_items"][0]["price_data"]["product_data"]["name"]
        found[sold].append((page["reference"], holds[page["id"]]))
    return found


def _messages(shop: Any) -> dict[int, list[Any]]:
    """Each message that took effect at the shop, by order."""
    found = defaultdict(list)
    for message in shop["messages"]:
        found[message["OrderId"]].append(message)
    return found


def _judge_one(verdict: Verdict, order: Order, pages: list[tuple[str, int]], messages: list[Any]) -> None:
    paid = [(reference, held) for reference, held in pages if held]
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
