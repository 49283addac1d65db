"""PayStatus: what PGB knows of an order, from its own books."""

from typing import Any

from bridge.errors import ErrorCode, ShopError
from bridge.shop import cancel_of, state_of
from merchants.models import Shop
from payments import ledger
from payments.models import Order, PaymentSession

MOST_LISTED = 50


def of_order(shop: Shop, joiner_id: int, order_id: int, claim_id: int | None) -> dict[str, Any]:
    """Return the order's standing payment and its other attempts; with ``claim_id`` None its claim payments too.

    Raises ShopError: ORDER_NOT_FOUND (the order may have claim payments all the same), or FORBIDDEN for
    another joiner's order.
    """
    order = Order.objects.filter(db_type=shop.db_type, order_id=order_id, claim_id=claim_id or 0).first()
    if order is not None and order.joiner_id != joiner_id:
        raise ShopError(ErrorCode.FORBIDDEN, "this OrderId belongs to another JoinerId")
    claims = _claims(shop.db_type, joiner_id, order_id) if claim_id is None else []
    standing = ledger.standing(order) if order else None
    if order is None or standing is None:
        message = "no payment of this order was ever started here: check DBType, OrderId and ClaimId"
        raise ShopError(ErrorCode.ORDER_NOT_FOUND, message, ClaimPayments=claims)
    others = order.sessions.exclude(pk=standing.pk).order_by("-pk")[:MOST_LISTED]
    return {
        **state_of(order, standing),
        "Cancellations": _cancellations(standing),
        "OtherPayments": [state_of(order, session) for session in others],
        "ClaimPayments": claims,
    }


def _claims(db_type: str, joiner_id: int, order_id: int) -> list[dict[str, Any]]:
    """Return how each claim payment of the order stands, by ClaimId."""
    sessions = PaymentSession.objects.filter(
        order__db_type=db_type, order__order_id=order_id, order__claim_id__gt=0, order__joiner_id=joiner_id
    )
    by_claim = sessions.order_by("order__claim_id", *ledger.STANDING_FIRST).distinct("order__claim_id")
    return [state_of(session.order, session) for session in by_claim.select_related("order")[:MOST_LISTED]]


def _cancellations(session: PaymentSession) -> list[dict[str, Any]]:
    newest_first = session.cancellations.order_by("-pk")[:MOST_LISTED]
    return [cancel_of(one, session.currency) for one in newest_first]
