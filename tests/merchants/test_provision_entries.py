"""Entries of a provision file that do not go together, or not with what is there."""

import pytest

from merchants.models import Merchant
from tests.factories import (
    ConnectionFactory,
    MerchantFactory,
)
from tests.merchants.provision_file import ENVIRONMENT, connection_name

pytestmark = pytest.mark.django_db

SHOP, MERCHANT, CONNECTION = "shops", "merchants", "connections"


@pytest.mark.parametrize(
    ("section", "changes", "problem"),
    [
        (CONNECTION, {"db_type": None, "joiner_id": 1001}, ": a joiner_id needs a db_type"),
        (CONNECTION, {"min_amount": 2, "max_amount": 1}, ": max_amount must not be below min_amount"),
        (
            CONNECTION,
            {"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"},
            ": ends_at must be after starts_at",
        ),
        (CONNECTION, {"db_type": "KR9"}, ": no shop of this db_type and joiner_id serves this nation"),
        (CONNECTION, {"nation": "JP"}, ": no shop of this db_type and joiner_id serves this nation"),
        (MERCHANT, {"currency": "JPY"}, None),
    ],
)
def test_values_that_do_not_go_together(problems, file, section, changes, problem):
    file[section][0] |= changes
    wanted = (
        f"{section}[0]{problem}"
        if problem
        else ("connections[0].merchant: the merchant's currency is JPY, the shop's is KRW")
    )
    assert problems(file) == [wanted]


@pytest.mark.parametrize("section", [SHOP, MERCHANT, CONNECTION])
def test_missing_keys(problems, file, section):
    required = {
        SHOP: [
            "db_type",
            "nation",
            "currency",
            "api_key",
            "completion_url",
            "signing_secret",
            "redirect_hosts",
        ],
        MERCHANT: ["code", "gateway", "mid", "mode", "currency", "credentials"],
        CONNECTION: ["nation", "method", "merchant"],
    }[section]
    file[section] = [{}]
    assert problems(file) == [f"{section}[0].{name}: missing" for name in required]


def test_empty_variable_counts_as_missing(problems, file):
    found = problems(file, environment=ENVIRONMENT | {"SK": ""})
    assert found == ["merchants[0].credentials.secret_key: the environment variable SK is not set"]


@pytest.mark.parametrize(
    ("section", "changes", "problem"),
    [
        (SHOP, {}, "shops[1]: the same db_type, joiner_id as shops[0]"),
        (MERCHANT, {"mid": "acct_y"}, "merchants[1]: the same code as merchants[0]"),
        (MERCHANT, {"code": "other"}, "merchants[1]: the same gateway, mid, mode, currency as merchants[0]"),
        (
            CONNECTION,
            {"priority": 2},
            "connections[1]: the same db_type, joiner_id, nation, method, device, merchant as connections[0]",
        ),
    ],
)
def test_the_same_entry_twice(problems, file, section, changes, problem):
    file[section].append(file[section][0] | changes)
    assert problems(file) == [problem]


def test_the_same_webhook_token_twice(problems, file):
    file["merchants"][0]["webhook_token"] = "token-token-token-token"
    file["merchants"].append(file["merchants"][0] | {"code": "other", "mid": "acct_y"})
    assert problems(file) == ["merchants[1]: the same webhook_token as merchants[0]"]


def test_taken_by_another_row(problems, file):
    taken = MerchantFactory(mid="acct_x")
    assert problems(file) == ["merchants[0]: another merchant has the same gateway, mid, mode and currency"]
    file["merchants"][0] |= {"mid": "acct_y", "webhook_token": taken.webhook_token}
    assert problems(file) == ["merchants[0].webhook_token: another one has the same value"]


def test_ambiguous_connection(problems, provision, file):
    provision(file)
    ConnectionFactory(merchant=Merchant.objects.get(), max_amount=5, priority=7)
    assert problems(file) == ["connections[0]: there are already 2 such connections: change them in the admin"]


def test_changes_that_leave_a_connection_unfit(problems, provision, file):
    provision(file)
    row = connection_name()
    assert problems({"shops": [file["shops"][0] | {"currency": "JPY"}]}) == [
        f"shops[0]: {row} is connected to a merchant in KRW: switch it off first"
    ]
    assert problems({"merchants": [file["merchants"][0] | {"currency": "JPY"}]}) == [
        f"merchants[0]: {row} uses this merchant, which would not fit: switch it off first"
    ]


def test_every_entry_with_a_problem_is_named(problems, file):
    file["shops"][0]["currency"] = "???"
    file["merchants"][0]["mode"] = "?"
    file["merchant"] = []
    places = [problem.partition(":")[0] for problem in problems(file)]
    assert places == ["merchant", "shops[0].currency", "merchants[0].mode"]
