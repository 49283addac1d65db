"""How a payment stands, as every answer about it shows."""

from typing import Any

from bridge.errors import ErrorCode, ShopError
from payments.models import PaymentSession
from payments.money import to_text


def refusal(code: ErrorCode, message: str, session: PaymentSession, **facts: Any) -> ShopError:
    """Return an answer with IsSuccess false that shows how the payment stands."""
    return ShopError(code, message, **{**facts_of(session), **facts})


def facts_of(session: PaymentSession) -> dict[str, Any]:
    """Return what every answer about a payment shows."""
    return {
        "PaymentId": session.reference,
        "Stage": str(session.stage),
        "Balance": to_text(max(session.balance, 0), session.currency),
        "Reserved": to_text(session.reserved, session.currency),
    }
