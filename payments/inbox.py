"""The inbox: what a gateway told us is written by one statement, before it is acknowledged or worked on.

The statement is written out, for this is the busiest line of PGB: half of the ORM's way to it is not needed.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol
from uuid import uuid4

from django.db import connection

from payments.models import Notification


class Told(Protocol):
    """What a verified notice says; the bridge's Notice is one."""

    @property
    def dedupe_key(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def claims(self) -> str | None: ...
    @property
    def reference(self) -> str: ...
    @property
    def gateway_id(self) -> str: ...
    @property
    def gateway_payment_id(self) -> str: ...
    @property
    def gateway_cancel_id(self) -> str: ...
    @property
    def concerns_payment(self) -> bool: ...


_COLUMNS = (
    "uuid",
    "gateway",
    "endpoint",
    "merchant_id",
    "signers",
    "dedupe_key",
    "kind",
    "claims",
    "reference",
    "gateway_id",
    "gateway_payment_id",
    "gateway_cancel_id",
    "sealed_body",
    "body_sha256",
    "received_at",
    "last_received_at",
    "due_at",
    "lease_token",
    "attempts",
    "result",
    "attention",
)
# What a repeat of a notice writes into the row that is there: it rings again.
_RINGS = ("due_at", "lease_token", "attempts", "last_received_at")
# A thin event names less than the event that it repeats; whichever comes second, the row keeps all names.
_NAMES = ("claims", "reference", "gateway_id", "gateway_payment_id", "gateway_cancel_id")


def _statement(*rewritten: str) -> str:
    values = ", ".join(f"%({name})s" for name in _COLUMNS)
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in rewritten)
    return (
        f"INSERT INTO {Notification._meta.db_table} ({', '.join(_COLUMNS)}) VALUES ({values}) "
        f"ON CONFLICT (endpoint, dedupe_key) DO UPDATE SET {changes}"
    )


_KEEP = _statement("last_received_at")
_RING = _statement(*_RINGS)
_RING_AND_NAME = _statement(*_RINGS, *_NAMES)


def take_in(notice: Told, *, gateway: str, endpoint: str, signers: Sequence[int], body: bytes, at: datetime) -> None:
    """Store a verified notice of ``gateway`` that came at ``at``, due at once if it is about a payment.

    ``signers`` are the merchants whose secret matched. A repeat (by endpoint and dedupe key) makes the row that
    is there due again.
    """
    uuid = uuid4()
    row: dict[str, Any] = {
        "uuid": uuid,
        "gateway": gateway,
        "endpoint": endpoint,
        "merchant_id": signers[0] if len(signers) == 1 else None,
        "signers": json.dumps(signers),
        "dedupe_key": notice.dedupe_key,
        "kind": notice.kind[:100],
        "claims": notice.claims or "",
        "reference": notice.reference[:64],
        "gateway_id": notice.gateway_id,
        "gateway_payment_id": notice.gateway_payment_id,
        "gateway_cancel_id": notice.gateway_cancel_id,
        "sealed_body": Notification.body.sealed_for(Notification, uuid, body),
        "body_sha256": sha256(body).hexdigest(),
        "received_at": at,
        "last_received_at": at,
        "due_at": at if notice.concerns_payment else None,
        "lease_token": None,
        "attempts": 0,
        "result": "" if notice.concerns_payment else "not about a payment",
        "attention": False,
    }
    with connection.cursor() as cursor:
        cursor.execute(_on_repeat(notice), row)


def _on_repeat(notice: Told) -> str:
    if not notice.concerns_payment:
        return _KEEP
    return _RING_AND_NAME if notice.reference else _RING
