"""From a merchant's row to the adapter that speaks for it."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import structlog

from bridge.gateways import gateway_class
from bridge.gateways.base import Account, Gateway
from bridge.gateways.errors import Denied, GatewayError, NotSent, Refused, Replayed, Unknown
from bridge.metrics import gateway_called
from merchants.codes import Mode
from merchants.models import Merchant

# The methods of a gateway that go over the network.
CALLS = frozenset({"start", "expire", "cancel", "fetch", "find", "refunds", "payment_of", "list_transactions", "check"})
_OUTCOMES: dict[type[GatewayError], str] = {
    Refused: "refused",
    Denied: "refused",
    NotSent: "not_sent",
    Unknown: "unknown",
    Replayed: "unknown",
}


def gateway_of(merchant: Merchant) -> Gateway:
    """Return the gateway as this merchant: its MID, its mode, its keys. Its calls are counted, and told in the log."""
    credentials: dict[str, Any] = merchant.credentials
    gateway = gateway_class(merchant.gateway)(
        Account(
            mid=merchant.mid,
            livemode=is_live(merchant),
            currency=merchant.currency,
            credentials=credentials,
        )
    )
    return cast(Gateway, _Counted(merchant.gateway, gateway))


class _Counted:
    """A gateway whose calls are counted, timed and told; everything else is its own."""

    def __init__(self, code: str, gateway: Gateway) -> None:
        self._code = code
        self._gateway = gateway

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._gateway, name)
        return partial(self._call, name, found) if name in CALLS else found

    def _call(self, operation: str, call: Callable[..., Any], *args: Any) -> Any:
        begun = time.monotonic()
        outcome = "error"
        try:
            result = call(*args)
            outcome = "done"
            return result
        except GatewayError as error:
            outcome = _OUTCOMES.get(type(error), outcome)
            raise
        finally:
            structlog.contextvars.bind_contextvars(**{f"gateway_{operation}": outcome})
            gateway_called(self._code, operation, outcome, time.monotonic() - begun)


def is_live(merchant: Merchant) -> bool:
    """Whether this merchant moves real money."""
    return merchant.mode == Mode.LIVE
