"""What a gateway's test file gives to the contract: an account at the gateway's sandbox, and its buyers."""

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from django.utils import timezone

from bridge.gateways.base import (
    CancelRequest,
    Fetched,
    Gateway,
    Notice,
    Refund,
    RefundStatus,
    Started,
    StartRequest,
    Status,
    StoredCall,
)
from bridge.gateways.errors import GatewayError
from bridge.sandbox.sandbox import Sandbox

MARGIN = timedelta(minutes=1)
SECONDS = 0.6  # a deadline that tests can wait for


@dataclass
class Peer(ABC):
    """An account at a gateway's sandbox, the adapter that speaks for it, and its buyers."""

    gateway: Gateway
    sandbox: Sandbox
    settings: Any
    seconds: float = 5.0
    started: dict[str, StartRequest] = field(default_factory=dict)

    base_url: ClassVar[str]  # the setting that leads to the gateway
    statuses: ClassVar[set[Status]]  # what payments here can come to
    refund_page: ClassVar[tuple[Any, str]]  # the module and name of how many refunds a page of the list has

    @abstractmethod
    def bring_to(self, status: Status) -> str:
        """Start a payment, let its buyer act until it is ``status``, and return its id."""

    @abstractmethod
    def pay(self, gateway_id: str) -> None:
        """Let the buyer pay. Raises ValueError if the page does not let him."""

    @abstractmethod
    def unpayable(self) -> StartRequest:
        """A payment that the gateway itself refuses to open."""

    @abstractmethod
    def stranger(self) -> Gateway:
        """The adapter with keys that the gateway does not know."""

    @abstractmethod
    def event(self, gateway_id: str) -> bytes:
        """The body of the newest notification about a payment."""

    @abstractmethod
    def sign(self, body: bytes, secret: str) -> dict[str, str]:
        """The headers with which the gateway sends ``body``."""

    @abstractmethod
    def left(self, paid: Fetched) -> int:
        """What the gateway's own books say is left of a payment."""

    @abstractmethod
    def next_refund(self, status: RefundStatus) -> None:
        """The next refund comes to this at first."""

    @abstractmethod
    def end_refund(self, refund: Refund, status: RefundStatus) -> None:
        """A refund comes to this later."""

    @abstractmethod
    def console_refund(self, paid: Fetched, amount: int) -> None:
        """Somebody refunds in the gateway's own console."""

    @abstractmethod
    def dispute(self, paid: Fetched) -> None:
        """The buyer disputes a payment."""

    @abstractmethod
    def without_amount(self, body: dict[str, Any]) -> dict[str, Any]:
        """What makes a cancel's body one that asks for all that is left."""

    @abstractmethod
    def money_back_events(self) -> list[bytes]:
        """The bodies of all notifications about refunds and disputes, in every form."""

    def unknown_parts(self) -> list[str]:
        """Names of parts of payments, as notices give them, that the gateway does not have."""
        return []

    def request(self, **changes: Any) -> StartRequest:
        """A payment of 64,900 won by card."""
        usual = StartRequest(
            reference=uuid4().hex[:26].upper(),
            amount=64900,
            currency="KRW",
            method="CARD",
            nation="KR",
            description="명함 200매",
            return_url="http://127.0.0.1:8000/PGBReturn/Return/token",
            cancel_url="http://127.0.0.1:8000/PGBReturn/Cancel/token",
            expires_at=timezone.now() + timedelta(minutes=40),
            buyer={"name": "홍길동", "email": "buyer@shop.example", "tel": "010-1234-5678"},
        )
        return replace(usual, **changes)

    def call(self, body: str) -> StoredCall:
        return StoredCall(body=body, key=f"pgb:test:{uuid4()}", seconds=self.seconds)

    def start(self, **changes: Any) -> Started:
        """Open a payment; ``started`` keeps what was asked for."""
        request = self.request(**changes)
        opened = self.gateway.start(self.call(self.gateway.start_body(request)))
        self.started[opened.gateway_id] = request
        return opened

    def expire(self, gateway_id: str) -> None:
        self.gateway.expire(self.call(self.gateway.expire_body(gateway_id)))

    def cancel_request(self, paid: Fetched, amount: int, **changes: Any) -> CancelRequest:
        """A cancel of a part of a payment."""
        usual = CancelRequest(
            cancel_id=str(uuid4()),
            reference=paid.reference,
            gateway_id=paid.gateway_id,
            gateway_payment_id=paid.gateway_payment_id,
            amount=amount,
            currency=paid.currency,
            balance_before=paid.received - paid.returned,
            tax_free=0,
            reason="단순 변심",
        )
        return replace(usual, **changes)

    def cancel(self, request: CancelRequest) -> Refund:
        return self.gateway.cancel(self.call(self.gateway.cancel_body(request)))

    def find(self, reference: str) -> Any:
        return self.gateway.find(reference, timezone.now() - MARGIN, timezone.now() + MARGIN)

    def secrets(self) -> list[str]:
        return self.gateway.webhook_secrets(self.gateway.account.credentials)

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: list[str] | None = None) -> list[Notice]:
        return self.gateway.verify_notification(headers, body, self.secrets() if secrets is None else secrets)

    def hurry(self, seconds: float = SECONDS) -> None:
        """From now on every call has this deadline, a short one."""
        self.seconds = seconds
        hurried = replace(self.gateway.capabilities, call_seconds=seconds, lookup_seconds=seconds)
        self.gateway.capabilities = hurried  # of this adapter only


def failing(act: Callable[[], Any], peer: Peer) -> GatewayError:
    """Do it in vain; whatever went wrong, the error shows no key."""
    with pytest.raises(GatewayError) as caught:
        act()
    text = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert not any(secret in text for secret in peer.gateway.account.credentials.values())
    return caught.value
