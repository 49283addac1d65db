"""Finding records by the numbers that staff have in their hands: whole ones, each through its own index."""

import re
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from merchants.codes import GatewayCode
from merchants.models import Merchant
from payments.models import Cancellation, Delivery, Notification, Order, PaymentSession

# As lists and pages print an order: "KR1 1234-5", "1234-5" or "1234".
_ORDER = re.compile(r"(?:(?P<db_type>\S+)[ /]+)?(?P<order>[0-9]{1,18})(?:-(?P<claim>[0-9]{1,18}))?")
_SHORT_LISTS = 1000


def orders(term: str) -> list[int]:
    """Return the keys of the orders that ``term`` names."""
    match = _ORDER.fullmatch(term)
    if match is None:
        return []
    found = Order.objects.filter(order_id=int(match["order"]))
    if match["db_type"]:
        found = found.filter(db_type=match["db_type"])
    if match["claim"]:
        found = found.filter(claim_id=int(match["claim"]))
    return _keys(found)


def sessions(term: str) -> list[int]:
    """Return the keys of the payments named by an order, a payment number, or an id at the gateway."""
    rows = PaymentSession.objects
    # All gateways and merchants by name: their unique index begins with them.
    at_gateway = rows.filter(gateway_id=term, gateway__in=GatewayCode.values, merchant__in=_keys(Merchant.objects))
    return [
        *_keys(rows.filter(order__in=orders(term))),
        *_keys(rows.filter(reference=term.upper())),
        *_keys(at_gateway),
        *_keys(rows.filter(gateway_payment_id=term)),
    ]


def notices(term: str) -> list[int]:
    """Return the keys of the notices that name such a payment, or have this id of an event."""
    rows = Notification.objects
    endpoints = ["default", *Merchant.objects.values_list("webhook_token", flat=True)]
    return [
        *_keys(rows.filter(session__in=sessions(term))),
        *_keys(rows.filter(reference=term.upper())),
        *_keys(rows.filter(gateway_id=term)),
        *_keys(rows.filter(gateway_payment_id=term)),
        *_keys(rows.filter(dedupe_key=term, endpoint__in=endpoints)),
    ]


def deliveries(term: str) -> list[int]:
    """Return the keys of the messages about such a payment, or of the one with this EventId."""
    found = _keys(Delivery.objects.filter(session__in=sessions(term)))
    try:
        return [*found, *_keys(Delivery.objects.filter(event_id=UUID(term)))]
    except ValueError:
        return found


def cancellations(term: str) -> list[int]:
    """Return the keys of the cancels of such a payment, or of the one with this number, ours or the gateway's."""
    rows = Cancellation.objects
    found = _keys(rows.filter(session__in=sessions(term)))
    found += _keys(rows.filter(gateway_cancel_id=term))
    try:
        return [*found, *_keys(rows.filter(uuid=UUID(term)))]
    except ValueError:
        return found


def _keys(rows: Any) -> list[int]:
    ordered: QuerySet[Any, int] = rows.order_by("-pk").values_list("pk", flat=True)
    return list(ordered[:_SHORT_LISTS])
