import pytest
from django.contrib.auth.models import User

from tests.merchants.conftest import file, provision
from tests.people.steps import PASSWORD

__all__ = ["file", "provision"]


@pytest.fixture
def kim():
    return User.objects.create_superuser("kim", "", PASSWORD)
