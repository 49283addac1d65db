"""A shop that answers as a test says, and messages that are owed to it."""

from contextlib import contextmanager

from bridge import drains
from payments.queues import Queue
from tests.factories import ShopFactory
from tests.payments.factories import DeliveryFactory
from tests.sandbox.receiver import listening

YES, NO = (200, b'{"IsSuccess": true}'), (200, b'{"IsSuccess": false}')


@contextmanager
def answering_shop():
    """A shop whose completion URL answers with ``answers`` (status, body), then with 200 and nothing."""
    with listening() as receiver:
        receiver.shop = ShopFactory(completion_url=f"{receiver.url}/complete")
        yield receiver


def owed(receiver, **changes):
    """A message to that shop, due now, about an order of its own."""
    return DeliveryFactory(session__order__shop=receiver.shop, **changes)


def work():
    """Bring what is due; returns how many rows were worked."""
    return drains.drain(Queue.DELIVERIES)


def fresh(row):
    """The row as it stands in the database."""
    row.refresh_from_db()
    return row
