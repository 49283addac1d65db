"""What the tests of cancels share."""

from typing import Any

from payments.models import Cancellation
from tests.world import World, code


def outcome(answer: Any) -> tuple[Any, ...]:
    """An answer in short: what it comes to, and how the payment stands."""
    return (code(answer), answer.get("Stage"), answer.get("Balance"), answer.get("Reserved"))


def told(world: World) -> list[str]:
    """What the shop has heard, once everybody rests."""
    world.rest()
    return world.told()


def cancels() -> list[tuple[int, str]]:
    """Each cancel, oldest first."""
    return [(one.amount, one.state) for one in Cancellation.objects.order_by("pk")]
