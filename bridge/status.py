"""PayStatus: what PGB knows of an order, from its own books."""

from typing import Any

from bridge.errors import ErrorCode, ShopError
from bridge.shop import state_of
from merchants.models import Shop
from payments import ledger
from payments.models import Order

MOST_LISTED = 50


def of_order(shop: Shop, joiner_id: int, order_id: int, claim_id: int | None) -> dict[str, Any]:
    """Return the order's standing payment and its other attempts; with ``claim_id`` None its claim payments too.

    Raises ShopError: ORDER_NOT_FOUND, or FORBIDDEN for another joiner's order.
    """
    order = Order.objects.filter(db_type=shop.db_type, order_id=order_id, claim_id=claim_id or 0).first()
    standing = ledger.standing(order) if order else None
    if order is None or standing is None:
        raise ShopError(ErrorCode.ORDER_NOT_FOUND, "no payment of this order was ever started here")
    if order.joiner_id != joiner_id:
        raise ShopError(ErrorCode.FORBIDDEN, "this OrderId belongs to another JoinerId")
    others = order.sessions.exclude(pk=standing.pk).order_by("-pk")[:MOST_LISTED]
    return {
        **state_of(order, standing),
        "Cancellations": [],
        "OtherPayments": [state_of(order, session) for session in others],
        "ClaimPayments": _claims(order) if claim_id is None else [],
    }


def _claims(order: Order) -> list[dict[str, Any]]:
    claims = Order.objects.filter(
        db_type=order.db_type, order_id=order.order_id, joiner_id=order.joiner_id, claim_id__gt=0
    )
    standing = ((claim, ledger.standing(claim)) for claim in claims.order_by("claim_id")[:MOST_LISTED])
    return [state_of(claim, session) for claim, session in standing if session]
