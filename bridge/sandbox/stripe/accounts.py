"""The accounts that the sandbox's Stripe knows, and who a request comes from."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from http import HTTPStatus
from typing import Any

from bridge.sandbox.stripe.params import Refused
from bridge.sandbox.stripe.shapes import API_VERSION
from bridge.sandbox.wire import Headers

SUBSCRIBED = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.payment_failed",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.closed",
)
EVENT_FORMS = {"snapshot": ("snapshot",), "thin": ("thin",), "both": ("snapshot", "thin")}


@dataclass
class Account:
    """One Stripe account with its webhook endpoint.

    `events` is snapshot, thin or both; `subscribed` the event types that are sent. Live mode follows the key.
    `reads_account` false: a restricted key that may not read its own account.
    """

    secret_key: str
    webhook_secret: str
    webhook_url: str
    mid: str = ""  # by default made from the key
    events: str = "snapshot"
    subscribed: tuple[str, ...] = field(default=SUBSCRIBED)
    reads_account: bool = True

    def __post_init__(self) -> None:
        if self.events not in EVENT_FORMS:
            raise ValueError(f"events must be one of {', '.join(EVENT_FORMS)}")
        if not self.secret_key.startswith(("sk_test_", "sk_live_", "rk_test_", "rk_live_")):
            raise ValueError("secret_key must begin with sk_test_, sk_live_, rk_test_ or rk_live_")

        self.mid = self.mid or f"acct_{hashlib.sha256(self.secret_key.encode()).hexdigest()[:16]}"

    @property
    def livemode(self) -> bool:
        return self.secret_key[3:].startswith("live_")

    @property
    def forms(self) -> tuple[str, ...]:
        return EVENT_FORMS[self.events]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Account":
        """ValueError for unknown or missing members."""
        known = {one.name for one in fields(cls)}
        if unknown := sorted(set(data) - known):
            raise ValueError(f"unknown: {', '.join(unknown)}")
        if missing := [name for name in ("secret_key", "webhook_secret", "webhook_url") if not data.get(name)]:
            raise ValueError(f"missing: {', '.join(missing)}")
        lists = {name: tuple(data[name]) for name in ("subscribed",) if name in data}
        return cls(**{**data, **lists})


def authenticate(headers: Headers, accounts: Mapping[str, Account]) -> Account:
    """The account whose secret key came by Bearer or Basic; Refused with 401 as Stripe does."""
    key = _key(headers.get("Authorization", ""))
    if not key:
        raise Refused(
            "You did not provide an API key. You need to provide your API key in the Authorization header,"
            " using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=HTTPStatus.UNAUTHORIZED,
        )
    if key not in accounts:
        shown = f"{key[:8]}{'*' * 8}{key[-4:]}" if len(key) > 12 else "*" * len(key)
        raise Refused(f"Invalid API Key provided: {shown}", status=HTTPStatus.UNAUTHORIZED)
    version = headers.get("Stripe-Version", API_VERSION)
    if version != API_VERSION:
        raise Refused(f"Invalid Stripe API version: {version}. The sandbox plays {API_VERSION} only.")
    return accounts[key]


def _key(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""
