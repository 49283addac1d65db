"""The gateways' own lists of what they did, read page by page, in the words of our books."""

from collections.abc import Iterator
from datetime import datetime

from bridge import drains
from bridge.accounts import gateway_of, is_live
from bridge.gateways import GATEWAYS, gateway_class
from bridge.gateways.transactions import Transaction
from bridge.waiting import hands_off
from merchants.models import Merchant
from payments.differences import Theirs

AT_ONCE = 1000


class Ending(Exception):
    """This process was told to end: what is left is left to another run."""


def gateways() -> list[str]:
    """Return the codes of the gateways that have a list."""
    return [code for code in GATEWAYS if gateway_class(code).capabilities.report]


def listed(merchant: Merchant, since: datetime, until: datetime) -> Iterator[list[Theirs]]:
    """Yield what the merchant's account did from ``since`` up to ``until``, some AT_ONCE at a time.

    Raises GatewayError, and Ending.
    """
    gateway = gateway_of(merchant)
    after, part, more = "", [], True
    while more:
        begin_another_call()
        page = gateway.list_transactions(since, until, after)
        part += [_theirs(one, merchant) for one in page.transactions]
        after, more = page.after, bool(page.after)
        if len(part) >= AT_ONCE or not more:
            yield part
            part = []


def begin_another_call() -> None:
    """Give the database connection back before calling out. Raises Ending if this process ends."""
    if drains.ENDING.is_set():
        raise Ending
    hands_off()


def _theirs(one: Transaction, merchant: Merchant) -> Theirs:
    return Theirs(
        kind=one.kind,
        status=one.status,
        gateway_payment_id=one.gateway_payment_id,
        amount=one.amount,
        currency=one.currency,
        at=one.at,
        reference=one.reference,
        gateway_cancel_id=one.gateway_cancel_id,
        cancel_id=one.cancel_id,
        livemode=is_live(merchant) if one.livemode is None else one.livemode,
        mid=one.mid or merchant.mid,
    )
