import pytest

from tests.door import Door
from tests.factories import ShopFactory


@pytest.fixture
def door(db, settings):
    """A shop's caller at PGB's door. See Door."""
    settings.PGB_SHOP_CALLS_PER_MINUTE = 1_000_000
    return Door(ShopFactory(joiner_id=1001))


@pytest.fixture
def door_of_world(world):
    """The same at the door of a whole world."""
    return Door(world.shop)
