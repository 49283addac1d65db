"""Stripe's events at PGB's door: as Stripe sent them, or as nobody should."""

import json
from typing import Any
from uuid import uuid4

from django.test import Client
from django.utils import timezone

from bridge.sandbox.stripe.events import signature_header, thin
from merchants.models import Merchant
from payments.models import Notification
from tests.factories import STRIPE_CREDENTIALS
from tests.world import World

SECRET = STRIPE_CREDENTIALS["webhook_secret"]


class Bell:
    """Rings at the merchant's own address, signed with the merchant's secret, unless told otherwise."""

    def __init__(self, world: World, merchant: Merchant | None = None) -> None:
        self.world = world
        self.path = f"/PGBReturn/Webhook/stripe/{(merchant or world.merchant).webhook_token}"
        self._client = Client(raise_request_exception=True)

    def ring(
        self,
        event: Any,
        *,
        path: str = "",
        secret: str = SECRET,
        skew: float = 0,
        signature: str | None = None,
        **more: Any,
    ) -> Any:
        """Send an event, or bytes, signed ``skew`` seconds from now; returns the answer."""
        body = event if isinstance(event, bytes) else json.dumps(event, ensure_ascii=False).encode()
        if signature is None:
            signature = signature_header(secret, body, int(timezone.now().timestamp() + skew))
        headers = {"Stripe-Signature": signature}
        return self._client.post(path or self.path, body, content_type="application/json", headers=headers, **more)

    def event(self, kind: str = "checkout.session.completed", **changes: Any) -> dict[str, Any]:
        """What Stripe said last about the world's newest session, with changes to the thing it is about."""
        events = self.world.sandbox.stripe.books.events.values()
        body = next(one.body for one in reversed(events) if one.type == kind)
        return {**body, "data": {"object": {**body["data"]["object"], **changes}}}

    def thin(self, kind: str = "checkout.session.completed") -> dict[str, Any]:
        """The same without its contents."""
        events = self.world.sandbox.stripe.books.events.values()
        return thin(next(one for one in reversed(events) if one.type == kind), False)

    def lie(self, kind: str, **thing: Any) -> dict[str, Any]:
        """An event, signed by whoever rings, about the newest session of order 1 as it never was."""
        session = self.world.session()
        about = {"id": session.gateway_id, "object": "checkout.session", "client_reference_id": session.reference}
        return {
            "id": f"evt_{uuid4().hex}",
            "object": "event",
            "type": kind,
            "livemode": False,
            "data": {"object": {**about, **thing}},
        }

    def asked(self) -> int:
        """How often Stripe was asked what a payment is."""
        return sum(call.operation in ("fetch", "list") for call in self.world.sandbox.stripe.books.calls)


def row(**of: Any) -> Notification:
    """The one notification there is."""
    found: Notification = Notification.objects.get(**of)
    return found


def waits(notification: Notification) -> float:
    """Seconds until it is looked at again."""
    assert notification.due_at is not None
    return (notification.due_at - timezone.now()).total_seconds()


def wait_for(clock: Any, notification: Notification) -> None:
    """Move the clock to the moment at which the notice is looked at again."""
    clock.shift(waits(notification) + 0.001)
