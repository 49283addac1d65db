import pytest

from merchants.lookup import clear_cache


@pytest.fixture(autouse=True)
def _fresh_configuration():
    clear_cache()
    yield
    clear_cache()
