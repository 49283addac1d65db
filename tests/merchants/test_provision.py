"""`manage.py provision FILE`: what it writes, and what it leaves alone."""

import json
from datetime import datetime, timedelta

import pytest
import yaml

from merchants import lookup
from merchants.lookup import shops_by_api_key
from merchants.models import Merchant, MethodConnection, Shop
from tests.factories import (
    API_KEY,
    SIGNING_SECRET,
    STRIPE_CREDENTIALS,
    ConnectionFactory,
    MerchantFactory,
    ShopFactory,
)
from tests.merchants.provision_file import ENVIRONMENT, FILE, connection_name

pytestmark = pytest.mark.django_db

OTHER_KEY = "another-api-key-of-forty-characters-012345"
OTHER_SECRET = "whsec_" + "QUJDRA" * 8


@pytest.mark.parametrize("name", ["pgb.yaml", "pgb.yml", "pgb.json"])
def test_sets_everything_up(provision, file, name):
    assert provision(file, name) == [
        "shop KR1/1001: created",
        "merchant stripe-main: created",
        f"connection {connection_name()}: created",
    ]
    shop, merchant, connection = Shop.objects.get(), Merchant.objects.get(), MethodConnection.objects.get()
    assert (shop.nations, shop.currency, shop.signing_secret) == (["KR"], "KRW", SIGNING_SECRET)
    assert (shop.redirect_hosts, shop.is_active) == (["shop.example"], True)
    assert shops_by_api_key(API_KEY) == [shop]
    assert (merchant.gateway, merchant.mid, merchant.mode) == ("stripe", "acct_x", "test")
    assert merchant.credentials == STRIPE_CREDENTIALS
    assert len(merchant.webhook_token) >= 22
    assert (connection.method_id, connection.merchant, connection.priority) == ("CARD", merchant, 1)


def test_again_changes_nothing(provision, file):
    provision(file)
    before = [list(model.objects.values()) for model in (Shop, Merchant, MethodConnection)]
    assert {line.rpartition(": ")[2] for line in provision(file)} == {"unchanged"}
    assert [list(model.objects.values()) for model in (Shop, Merchant, MethodConnection)] == before


def test_says_what_changed(provision, file):
    provision(file)
    file["shops"][0] |= {"api_key": OTHER_KEY, "api_key_old": API_KEY, "nation": ["KR", "JP"]}
    file["merchants"][0]["credentials"]["webhook_secret_old"] = "whsec_old"
    file["connections"][0]["priority"] = 2
    assert provision(file) == [
        "shop KR1/1001: changed nation, api_key, api_key_old",
        "merchant stripe-main: changed credentials",
        f"connection {connection_name()}: changed priority",
    ]
    shop = Shop.objects.get()
    assert shops_by_api_key(API_KEY) == shops_by_api_key(OTHER_KEY) == [shop]


def test_old_key_and_secret_end_when_the_file_drops_them(provision, file):
    file["shops"][0] |= {"api_key_old": OTHER_KEY, "signing_secret_old": OTHER_SECRET}
    provision(file)
    assert Shop.objects.get().signing_secret_old == OTHER_SECRET
    del file["shops"][0]["api_key_old"], file["shops"][0]["signing_secret_old"]
    assert provision(file)[0] == "shop KR1/1001: changed api_key_old, signing_secret_old"
    assert Shop.objects.get().signing_secret_old is None
    assert shops_by_api_key(OTHER_KEY) == []


def test_leaves_alone_what_the_file_does_not_name(provision, file):
    other = [ShopFactory(joiner_id=1002), MerchantFactory(), ConnectionFactory(priority=7)]
    provision(file)
    for row in other:
        before = row.__dict__.copy()
        row.refresh_from_db()
        assert all(row.__dict__[name] == value for name, value in before.items() if name[0] != "_")


def test_keeps_switches_token_and_name_that_the_file_does_not_give(provision, file):
    provision(file)
    Shop.objects.update(is_active=False, name="본점")
    Merchant.objects.update(is_active=False, webhook_token="kept-kept-kept-kept-kept")
    MethodConnection.objects.update(connected=False, in_use=False)
    del file["connections"][0]["connected"], file["connections"][0]["in_use"]
    assert {line.rpartition(": ")[2] for line in provision(file)} == {"unchanged"}


def test_switches_token_and_name_can_be_given(provision, file):
    file["shops"][0] |= {"is_active": False, "name": "본점", "publishable_key": "pgb_pub_0123456789abcdef"}
    file["merchants"][0] |= {"is_active": False, "webhook_token": "given-given-given-given"}
    file["connections"][0] |= {"connected": False, "in_use": False}
    provision(file)
    assert Shop.objects.get(is_active=False, name="본점").publishable_key == "pgb_pub_0123456789abcdef"
    assert Merchant.objects.filter(is_active=False, webhook_token="given-given-given-given").exists()
    assert MethodConnection.objects.filter(connected=False, in_use=False).exists()


def test_limits_and_period(provision, file):
    file["connections"][0] |= {
        "min_amount": 100,
        "max_amount": 200,
        "starts_at": "2026-01-01T00:00:00+09:00",
        "ends_at": "2026-02-01T00:00:00+09:00",
    }
    provision(file)
    row = MethodConnection.objects.get()
    assert (row.min_amount, row.max_amount) == (100, 200)
    assert row.starts_at == datetime.fromisoformat("2025-12-31T15:00:00+00:00")
    assert row.ends_at - row.starts_at == timedelta(days=31)


def test_yaml_times_are_read_too(provision):
    text = yaml.safe_dump(FILE).replace("priority: 1", "starts_at: 2026-01-01 00:00:00+09:00")
    provision(text)
    assert MethodConnection.objects.get().starts_at == datetime.fromisoformat("2025-12-31T15:00:00+00:00")


@pytest.mark.parametrize(("name", "dump"), [("pgb.yaml", yaml.safe_dump), ("pgb.json", json.dumps)])
def test_byte_order_mark_is_no_matter(provision, name, dump):
    assert len(provision("\ufeff" + dump(FILE), name)) == 3


def test_this_process_sees_it_at_once(provision, file):
    assert lookup.find_shop("KR1", 1001) is None
    provision(file)
    assert lookup.find_shop("KR1", 1001)


def test_value_from_the_environment_inside_a_text(provision, file):
    file["shops"][0]["completion_url"] = "${BASE}/complete"
    provision(file, environment=ENVIRONMENT | {"BASE": "http://127.0.0.1:9000"})
    assert Shop.objects.get().completion_url == "http://127.0.0.1:9000/complete"


def test_value_from_the_environment_is_not_read_as_a_placeholder(provision, file):
    provision(file, environment=ENVIRONMENT | {"SK": "sk_${WH}"})
    assert Merchant.objects.get().credentials["secret_key"] == "sk_${WH}"


def test_one_section_alone(provision, file):
    assert provision({"shops": file["shops"]}) == ["shop KR1/1001: created"]


def test_gateway_without_class_can_be_set_up_but_not_connected(provision, problems, file):
    file["merchants"][0] |= {
        "gateway": "tosspayments",
        "credentials": {"client_key": "c", "secret_key": "s"},
    }
    assert problems(file) == [
        "connections[0].merchant: PGB cannot talk to the gateway tosspayments yet: only with `connected: false`"
    ]
    file["connections"][0]["connected"] = False
    assert len(provision(file)) == 3


def test_lost_field_key_is_healed(provision, file, settings):
    provision(file)
    settings.PGB_FIELD_KEYS = [b"k" * 32]
    assert provision(file)[1] == "merchant stripe-main: changed credentials"
    assert Merchant.objects.get().credentials == STRIPE_CREDENTIALS
