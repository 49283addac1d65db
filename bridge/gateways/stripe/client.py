"""Stripe's own library, sent through our door, and what its errors mean for the money."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import stripe
from django.conf import settings

from bridge.gateways.errors import Denied, GatewayError, NotSent, Refused, Replayed, Unknown
from bridge.gateways.http import Door

API_VERSION = "2026-10-28.endive"

# Else the library writes an id into the home folder and sends data about this machine.
stripe.enable_telemetry = False

T = TypeVar("T")

_WORD = re.compile(r"[a-z][a-z0-9_]{0,99}")
_NAME = re.compile(r"[a-z_]{1,40}(?:\[(?:[a-z_]{1,40}|[0-9]{1,2})\])*")

_door = Door()


class _DoorClient(stripe.HTTPClient):
    """Lets the library speak through our door, which keeps the deadline. NotSent and Unknown pass through it."""

    name = "pgb"

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[Any, int, Mapping[str, str]]:
        answer = _door.exchange(method, url, headers=headers or {}, body=post_data, seconds=self._seconds)
        return answer.body, answer.status, answer.headers

    def close(self) -> None:
        """Nothing to close: the door and its connections are shared."""


def client(secret_key: str, seconds: float) -> stripe.StripeClient:
    """Return a client for one account whose every call ends within ``seconds``. It never retries by itself."""
    return stripe.StripeClient(
        secret_key,
        stripe_version=API_VERSION,
        base_addresses={"api": settings.PGB_STRIPE_BASE_URL},
        max_network_retries=0,
        http_client=_DoorClient(seconds),
    )


def ask(call: Callable[[], T]) -> T:
    """Run one call of the library and say its failure in our words.

    4xx that Stripe itself words is a refusal; 429 was not executed; everything else, above all 409 (the same
    key is in flight), 5xx and a key used for another body, leaves the outcome unknown; a 500 is kept under its
    key and replayed (docs.stripe.com, idempotent requests). Stripe's sentences are left out, for they may quote
    what was sent: its code and the name of the parameter say enough.
    """
    try:
        return call()
    except GatewayError:
        raise
    except stripe.RateLimitError as error:
        raise NotSent(_code(error, "rate_limit")) from None
    except stripe.IdempotencyError as error:
        raise Unknown(_code(error, "idempotency_error")) from None
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise Denied(_code(error, type(error).__name__), _param(error)) from None
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        raise Refused(_code(error, type(error).__name__), _param(error)) from None
    except stripe.StripeError as error:
        is_replay = (error.headers or {}).get("Idempotent-Replayed") == "true"
        raise (Replayed if is_replay else Unknown)(_code(error, f"http_{error.http_status}")) from None
    except Exception as error:
        # A 200 whose JSON is no object of Stripe's makes the library fail in many ways; all mean the same.
        raise Unknown("garbled_answer", type(error).__name__) from error


def own_account(own: stripe.StripeClient) -> Any:
    """Return the account of the key. Raises Refused for a restricted key that may not read it, besides the usual."""
    try:
        return own.v1.accounts.retrieve_current()
    except stripe.PermissionError as error:
        raise Refused("account_not_readable", _code(error, "")) from None


def _param(error: stripe.StripeError) -> str:
    """Return the name of the parameter that Stripe refused; what is no name could be what was sent."""
    name = str(getattr(error, "param", None) or "")
    return name if _NAME.fullmatch(name) else ""


def _code(error: stripe.StripeError, fallback: str) -> str:
    """Return Stripe's code: ``error.code`` is empty on some classes even when the body has one."""
    return word(error.code or getattr(error.error, "code", None)) or fallback


def word(value: Any) -> str:
    """Return a code of Stripe's; what does not look like one could be what was sent, or anybody's words."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""
