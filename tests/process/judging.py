"""Judges by the gateway's books and the shop's, and by the answers of the interface; PGB's own tables do not count."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bridge.sandbox.books import CANCEL_ID
from tests.process.cancelling import REPEATS_ON
from tests.process.orders import Moment, Order

# What PGB may answer while parts of it die: repeat the same call.
MAY_ANSWER = {"Redirect", "PAYMENT_IN_PROGRESS", "OUTCOME_UNKNOWN", "UNAVAILABLE", "no answer"}
MAY_ANSWER_CANCEL = {"Done", *REPEATS_ON}
WEBHOOK_ANSWERS = {200, 503, None}  # None: no answer
STAGES = ("starting", "page", "webhook", "verifying", "telling", "told")
CANCEL_STAGES = ("asked", "refunding", "retelling")
TABLE_HEAD = (
    f"{'killed':<18} payments  {'  '.join(STAGES)} | cancels  {' + '.join(CANCEL_STAGES)} | lost  twice  all told after"
)


@dataclass
class Verdict:
    """Orders that were lost, or paid, cancelled or told twice (or the second EventId), and whatever else is wrong."""

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


class Refund(NamedTuple):
    """Money that went back, at the gateway or as the shop was told of it."""

    cancel_id: str
    amount: int


class Page(NamedTuple):
    """A page that the gateway made: our reference, how it ended, what came in, what went back in all and singly."""

    id: str
    reference: str
    status: str
    currency: str
    captured: int
    refunded: int
    refunds: list[Refund]

    @property
    def held(self) -> int:
        return self.captured - self.refunded


def pages(gateway: Any) -> dict[str, list[Page]]:
    """Each page that the gateway made, by what was sold there."""
    moved: dict[str, Counter[str]] = defaultdict(Counter)
    refunds: dict[str, list[Refund]] = defaultdict(list)
    for payment in gateway["payments"].values():
        for name in ("captured", "refunded"):
            moved[payment["session"]][name] += payment[name]
    for refund in gateway["refunds"].values():
        ours = Refund(refund["metadata"].get(CANCEL_ID, ""), refund["amount"])
        refunds[gateway["payments"][refund["payment"]]["session"]].append(ours)
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
    paid = [(page.reference, str(page.captured)) for page in pages if page.captured]
    told = [(one["PaymentId"], one["PaidPrice"]) for one in messages if one["EventType"] == "PayComplete"]
    if not paid or not told:
        verdict.lost.append(order.id)
    if len(paid) > 1 or len(told) > 1:
        verdict.twice.append(order.id)
    if any(price != str(order.price) for _, price in paid) or not set(told) <= set(paid):
        verdict.wrong.append(f"{order.title} of {order.price}: the gateway was paid {paid}, the shop was told {told}")
    if len(pages) > 1:
        verdict.wrong.append(f"{order.title}: the gateway made {len(pages)} pages")
    if odd := set(order.answers) - MAY_ANSWER:
        verdict.wrong.append(f"{order.title}: PayStart answered {odd}")
    _judge_cancel(verdict, order, pages, messages)


def _judge_cancel(verdict: Verdict, order: Order, pages: list[Page], messages: list[Any]) -> None:
    """What the shop asked for went back once, it was told so once, and nothing else went back."""
    asked = [order.refund] if order.refund else []
    gone = [one for page in pages for one in page.refunds]
    told = [Refund(one["CancelId"], int(one["RefundPrice"])) for one in messages if "CancelId" in one]
    if min(len(gone), len(told)) < len(asked):
        verdict.lost.append(order.id)
    if max(len(gone), len(told)) > len(asked):
        verdict.twice.append(order.id)
    if [one.amount for one in gone] != asked or sorted(told) != sorted(gone):
        verdict.wrong.append(
            f"{order.title}: asked for {asked}, the gateway gave back {gone}, the shop was told {told}"
        )
    if messages and messages[-1]["Balance"] != str(sum(page.held for page in pages)):
        verdict.wrong.append(f"{order.title}: the shop was told of a balance of {messages[-1]['Balance']}")
    if odd := {(one["EventType"], one["Stage"]) for one in messages} - set(order.must_be_told):
        verdict.wrong.append(f"{order.title}: the shop was told {odd}")
    _judge_answers(verdict, order, {one.cancel_id for one in gone})


def _judge_answers(verdict: Verdict, order: Order, gone: set[str]) -> None:
    """One request is one cancel, and it went as it was answered."""
    if order.refund and not order.is_cancelled:
        verdict.lost.append(order.id)
    if odd := {one["ErrorCode"] or one["Type"] for one in order.cancel_answers} - MAY_ANSWER_CANCEL:
        verdict.wrong.append(f"{order.title}: its cancel was answered {odd}")
    if not (named := {one["CancelId"] for one in order.cancel_answers if "CancelId" in one}) <= gone:
        verdict.wrong.append(f"{order.title}: the shop was answered of the cancels {named}, the gateway has {gone}")


def row_of_table(what: str, payments: int, cancels: int, at: Moment, verdict: Verdict, seconds: float) -> str:
    """A line of the kill table: how many payments and cancels there were, at which stage then, and how it ended."""
    stages = "  ".join(f"{getattr(at, name):>{len(name)}}" for name in STAGES)
    of_cancels = " + ".join(f"{getattr(at, name):>{len(name)}}" for name in CANCEL_STAGES)
    ended = f"{len(set(verdict.lost)):>4}  {len(set(verdict.twice)):>5}  {seconds:>12.1f} s"
    return f"{what:<18} {payments:>8}  {stages} | {cancels:>7}  {of_cancels} | {ended}"
