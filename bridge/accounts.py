"""From a merchant's row to the adapter that speaks for it."""

from typing import Any

from bridge.gateways import gateway_class
from bridge.gateways.base import Account, Gateway
from merchants.codes import Mode
from merchants.models import Merchant


def gateway_of(merchant: Merchant) -> Gateway:
    """Return the gateway as this merchant: its MID, its mode, its keys."""
    credentials: dict[str, Any] = merchant.credentials
    return gateway_class(merchant.gateway)(
        Account(
            mid=merchant.mid,
            livemode=is_live(merchant),
            currency=merchant.currency,
            credentials=credentials,
        )
    )


def is_live(merchant: Merchant) -> bool:
    """Whether this merchant moves real money."""
    return merchant.mode == Mode.LIVE
