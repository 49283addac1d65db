"""Tests of what PGB says to gateways and hears from them."""

import pytest

pytest.register_assert_rewrite("tests.gateways.contract", "tests.gateways.contract_notices", "tests.gateways.peer")
