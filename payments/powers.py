"""What the back office must know of a gateway without talking to it. The bridge, which has the gateways, tells it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol


class Powers(Protocol):
    """What a gateway can do, as its adapter says; the bridge's Capabilities explain each."""

    @property
    def balance_guard(self) -> bool: ...
    @property
    def key_window(self) -> timedelta: ...
    @property
    def partial_cancel(self) -> frozenset[str]: ...
    @property
    def refunds_itself(self) -> frozenset[str]: ...
    @property
    def needs_account(self) -> frozenset[str]: ...


class Register:
    """Whom to ask; nobody knows a gateway before somebody is named."""

    def __init__(self) -> None:
        self._ask: Callable[[str], Powers | None] = lambda _gateway: None

    def is_known_by(self, ask: Callable[[str], Powers | None]) -> None:
        """Name who answers from now on."""
        self._ask = ask

    def of(self, gateway: str) -> Powers | None:
        """Return what the gateway of this code can do; None: PGB does not talk to it yet."""
        return self._ask(gateway)


GATEWAYS = Register()
