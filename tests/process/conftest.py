import os

import pytest
from django.db import connection


@pytest.fixture
def child_environment(transactional_db: None) -> dict[str, str]:
    """The environment of real processes that work on this test's database, which holds what is committed."""
    before, _, query = os.environ["DATABASE_URL"].partition("?")
    server = before.rpartition("/")[0]
    return {**os.environ, "DATABASE_URL": f"{server}/{connection.settings_dict['NAME']}?{query}"}
