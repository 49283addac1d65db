"""`manage.py provision FILE`: what it writes, what it leaves alone, and what it refuses, one by one."""

import copy
import json
from datetime import datetime, timedelta
from io import StringIO

import pytest
import yaml
from django.core.management import CommandError, call_command

from merchants.lookup import shops_by_api_key
from merchants.models import Merchant, MethodConnection, Shop
from merchants.provision import ProvisionError, apply, read
from tests.factories import (
    API_KEY,
    SIGNING_SECRET,
    STRIPE_CREDENTIALS,
    ConnectionFactory,
    MerchantFactory,
    ShopFactory,
)

pytestmark = pytest.mark.django_db

OTHER_KEY = "another-api-key-of-forty-characters-012345"
OTHER_SECRET = "whsec_" + "QUJDRA" * 8
ENVIRONMENT = {"SK": STRIPE_CREDENTIALS["secret_key"], "WH": STRIPE_CREDENTIALS["webhook_secret"]}
FILE = {
    "shops": [
        {
            "db_type": "KR1",
            "joiner_id": 1001,
            "nation": "KR",
            "currency": "KRW",
            "api_key": API_KEY,
            "completion_url": "https://shop.example/complete",
            "signing_secret": SIGNING_SECRET,
            "redirect_hosts": ["shop.example"],
        }
    ],
    "merchants": [
        {
            "code": "stripe-main",
            "gateway": "stripe",
            "mid": "acct_x",
            "mode": "test",
            "currency": "KRW",
            "credentials": {"secret_key": "${SK}", "webhook_secret": "${WH}"},
        }
    ],
    "connections": [
        {
            "db_type": "KR1",
            "joiner_id": None,
            "nation": "KR",
            "method": "CARD",
            "device": "any",
            "merchant": "stripe-main",
            "connected": True,
            "in_use": True,
            "priority": 1,
        }
    ],
}


@pytest.fixture
def file():
    return copy.deepcopy(FILE)


@pytest.fixture
def provision(tmp_path):
    def run(content, name="pgb.yaml", environment=ENVIRONMENT):
        path = tmp_path / name
        if not isinstance(content, str):
            content = json.dumps(content) if name.endswith("json") else yaml.safe_dump(content)
        path.write_text(content, encoding="utf-8")
        return [str(outcome) for outcome in apply(read(path, environment))]

    return run


@pytest.fixture
def problems(provision):
    """The problems of a file; also: nothing was changed."""

    def run(content, *args, **kwargs):
        before = [list(model.objects.values()) for model in (Shop, Merchant, MethodConnection)]
        with pytest.raises(ProvisionError) as error:
            provision(content, *args, **kwargs)
        assert [list(model.objects.values()) for model in (Shop, Merchant, MethodConnection)] == before
        return error.value.problems

    return run


@pytest.mark.parametrize("name", ["pgb.yaml", "pgb.yml", "pgb.json"])
def test_sets_everything_up(provision, file, name):
    assert provision(file, name) == [
        "shop KR1/1001: created",
        "merchant stripe-main: created",
        "connection KR1/* KR CARD any -> stripe-main: created",
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
        "connection KR1/* KR CARD any -> stripe-main: changed priority",
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
    other = [ShopFactory(joiner_id=1002), MerchantFactory(), ConnectionFactory()]
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
    file["shops"][0] |= {"is_active": False, "name": "본점"}
    file["merchants"][0] |= {"is_active": False, "webhook_token": "given-given-given-given"}
    file["connections"][0] |= {"connected": False, "in_use": False}
    provision(file)
    assert Shop.objects.filter(is_active=False, name="본점").exists()
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


def test_byte_order_mark_is_no_matter(provision):
    assert len(provision("\ufeff" + yaml.safe_dump(FILE))) == 3


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


SHOP, MERCHANT, CONNECTION = "shops", "merchants", "connections"
NEEDS_QUOTES = "must be text, not a number: put it in quotes"
BAD_URL = "must be an absolute https:// address without user or fragment"
BAD_HOST = "must be a host in lower case, without scheme or path, such as shop.example"
BAD_SECRET = "must be 'whsec_' and the base64 of 24 to 64 bytes"
BAD_TIME = "must be a time with its offset, such as 2026-01-31T00:00:00+09:00"
BAD_KEY = "must have 32 to 200 letters, digits or signs, without spaces"
BAD_PLACEHOLDER = "'${' must be followed by the name of an environment variable and '}'"


@pytest.mark.parametrize(
    ("section", "key", "value", "problem"),
    [
        (SHOP, "complation_url", "https://x.example", ": unknown key; did you mean completion_url?"),
        (SHOP, "db_type", 1, f": {NEEDS_QUOTES}"),
        (SHOP, "db_type", "", ": must not be empty"),
        (SHOP, "db_type", None, ": must be text, not empty"),
        (SHOP, "db_type", "K R", ": only letters, digits, '-' and '_' may be used"),
        (SHOP, "db_type", "K" * 21, ": Ensure this value has at most 20 characters (it has 21)."),
        (SHOP, "joiner_id", "1001", ": must be a whole number, not text"),
        (SHOP, "joiner_id", True, ": must be a whole number, not true or false"),
        (SHOP, "joiner_id", 1.5, ": must be a whole number, not a number"),
        (SHOP, "joiner_id", -1, ": must not be negative"),
        (SHOP, "joiner_id", 2**64, ": Ensure this value is less than or equal to 9223372036854775807."),
        (SHOP, "nation", False, "[0]: must be text, not true or false: put it in quotes"),
        (
            SHOP,
            "nation",
            "kr",
            "[0]: unknown nation: use an ISO 3166 code of two capital letters, such as KR",
        ),
        (
            SHOP,
            "nation",
            ["KR", "UK"],
            "[1]: unknown nation: use an ISO 3166 code of two capital letters, such as KR",
        ),
        (SHOP, "nation", ["KR", "KR"], "[1]: stands twice"),
        (SHOP, "nation", [], ": must not be empty"),
        (
            SHOP,
            "currency",
            "KWR",
            ": unknown currency: use an ISO 4217 code of three capital letters, such as KRW",
        ),
        (SHOP, "api_key", "short", f": {BAD_KEY}"),
        (SHOP, "api_key", API_KEY + " ", f": {BAD_KEY}"),
        (SHOP, "api_key", 12345678901234567890123456789012345, f": {NEEDS_QUOTES}"),
        (SHOP, "api_key_old", "short", f": {BAD_KEY}"),
        (SHOP, "completion_url", "http://shop.example/x", ": plain http is for loopback only: use https://"),
        (SHOP, "completion_url", "https://10.0.0.1/x", ": must not be a private address"),
        (SHOP, "completion_url", "//shop.example/x", f": {BAD_URL}"),
        (SHOP, "completion_url", "ftp://shop.example/x", f": {BAD_URL}"),
        (SHOP, "completion_url", "https://user@shop.example/x", f": {BAD_URL}"),
        (SHOP, "signing_secret", "QUJD", f": {BAD_SECRET}"),
        (SHOP, "signing_secret", "whsec_QUJD", f": {BAD_SECRET}"),
        (SHOP, "signing_secret_old", "whsec_???", f": {BAD_SECRET}"),
        (SHOP, "redirect_hosts", "shop.example", ": must be a list, not text"),
        (SHOP, "redirect_hosts", ["ok.example", "https://shop.example"], f"[1]: {BAD_HOST}"),
        (SHOP, "redirect_hosts", ["Shop.example"], f"[0]: {BAD_HOST}"),
        (SHOP, "redirect_hosts", ["shop.example/path"], f"[0]: {BAD_HOST}"),
        (SHOP, "redirect_hosts", ["*.example"], f"[0]: {BAD_HOST}"),
        (SHOP, "redirect_hosts", ["shop.example:0"], f"[0]: {BAD_HOST}"),
        (SHOP, "is_active", "yes", ": must be true or false, not text"),
        (MERCHANT, "gateway", "strip", ": unknown gateway 'strip'; did you mean stripe?"),
        (MERCHANT, "mid", 12345, f": {NEEDS_QUOTES}"),
        (MERCHANT, "mode", "prod", ": unknown mode 'prod'; known are live, test"),
        (
            MERCHANT,
            "currency",
            "WON",
            ": unknown currency: use an ISO 4217 code of three capital letters, such as KRW",
        ),
        (MERCHANT, "credentials", "sk", ": must be names with values, not text"),
        (MERCHANT, "credentials", {"secret_key": "x"}, ": webhook_secret missing for stripe"),
        (
            MERCHANT,
            "credentials",
            {"secret_key": ["x"], "webhook_secret": "x"},
            ".secret_key: must be text, not a list",
        ),
        (
            MERCHANT,
            "credentials",
            {"secret_key": " ", "webhook_secret": "x"},
            ".secret_key: must not be empty",
        ),
        (
            MERCHANT,
            "credentials",
            {"secret_kye": "x", "webhook_secret": "x"},
            ".secret_kye: unknown key for stripe; did you mean secret_key?",
        ),
        (
            MERCHANT,
            "credentials",
            {"secret_key": "${NOT_THERE}", "webhook_secret": "x"},
            ".secret_key: the environment variable NOT_THERE is not set",
        ),
        (MERCHANT, "mid", "${a b}", f": {BAD_PLACEHOLDER}"),
        (MERCHANT, "mid", "${OPEN", f": {BAD_PLACEHOLDER}"),
        (MERCHANT, "webhook_token", "guess", ": must have 22 to 64 letters, digits, '-' or '_'"),
        (CONNECTION, "method", "CRAD", ": unknown method 'CRAD'; did you mean CARD?"),
        (CONNECTION, "method", "POINT", ": a sub method never goes to a gateway"),
        (CONNECTION, "device", "tablet", ": unknown device 'tablet'; known are any, mobile, pc"),
        (CONNECTION, "merchant", "stripe-man", ": there is no merchant 'stripe-man'"),
        (CONNECTION, "connected", 1, ": must be true or false, not a number"),
        (CONNECTION, "priority", -1, ": must not be negative"),
        (CONNECTION, "min_amount", "10", ": must be a whole number, not text"),
        (CONNECTION, "starts_at", "tomorrow", f": {BAD_TIME}"),
        (CONNECTION, "starts_at", "2026-01-01T00:00:00", f": {BAD_TIME}"),
        (CONNECTION, "ends_at", 20260101, f": {BAD_TIME}"),
    ],
)
def test_wrong_value(problems, file, section, key, value, problem):
    file[section][0][key] = value
    assert problems(file) == [f"{section}[0].{key}{problem}"]


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
    ConnectionFactory(merchant=Merchant.objects.get(), max_amount=5)
    assert problems(file) == ["connections[0]: there are already 2 such connections: change them in the admin"]


def test_changes_that_leave_a_connection_unfit(problems, provision, file):
    provision(file)
    row = "KR1/* KR CARD any -> stripe-main"
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


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must hold shops, merchants, connections"),
        ("[]", "must hold shops, merchants, connections"),
        ("shop: []", "shop: unknown key; did you mean shops?"),
        ("shops: {}", "shops: must be a list"),
        ("shops: KR1", "shops: must be a list"),
        ("shops: [KR1]", "shops[0]: must be names with values"),
        ("shops:\n- a: 1\n  a: 2", "line 3: the key 'a' stands twice"),
        ("shops: []\nshops: []", "line 2: the key 'shops' stands twice"),
        ("? [a]\n: b", "line 1: a key must be text"),
        ("shops: [}", "line 1: not YAML: expected the node content, but found '}'"),
        ("a: \x00", "holds characters that YAML does not allow"),
        ("!!python/object:os.system {}", None),
    ],
)
def test_wrong_yaml(problems, text, problem):
    found = problems(text)
    assert found == [problem] if problem else "could not determine a constructor" in found[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: not JSON: Expecting value"),
        ("{'a': 1}", "line 1: not JSON: Expecting property name enclosed in double quotes"),
        ('{"shops": [{"mid": 1,\n"mid": 2}]}', "the key 'mid' stands twice in one object"),
    ],
)
def test_wrong_json(problems, text, problem):
    assert problems(text, "pgb.json") == [problem]


def test_unreadable_files(tmp_path):
    with pytest.raises(ProvisionError, match="No such file"):
        read(tmp_path / "nothing.yaml", {})
    (tmp_path / "cp949.yaml").write_bytes("상점: []".encode("cp949"))
    with pytest.raises(ProvisionError, match="not UTF-8"):
        read(tmp_path / "cp949.yaml", {})


class TestCommand:
    def run(self, path):
        out, err = StringIO(), StringIO()
        try:
            call_command("provision", str(path), stdout=out, stderr=err)
        except CommandError as error:
            err.write(str(error))
        return out.getvalue(), err.getvalue()

    def test_takes_variables_from_the_environment(self, tmp_path, file, monkeypatch):
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        path = tmp_path / "pgb.json"
        path.write_text(json.dumps(file))
        out, err = self.run(path)
        assert out.splitlines()[1] == "merchant stripe-main: created"
        assert not err
        assert Merchant.objects.get().credentials == STRIPE_CREDENTIALS

    def test_names_the_file_and_the_place(self, tmp_path, file):
        path = tmp_path / "pgb.json"
        file["shops"][0]["complation_url"] = file["shops"][0].pop("completion_url")
        path.write_text(json.dumps(file | {"merchants": [], "connections": []}))
        out, err = self.run(path)
        assert not out
        assert err == (
            f"{path}: nothing was changed:\n"
            "  shops[0].complation_url: unknown key; did you mean completion_url?\n"
            "  shops[0].completion_url: missing"
        )

    def test_prints_no_secret(self, tmp_path, file, monkeypatch):
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        path = tmp_path / "pgb.json"
        printed = ""
        file["merchants"][0]["webhook_token"] = "token-token-token-token"
        for changes in ({}, {"currency": "???"}, {"api_key": "short"}, {"signing_secret": "whsec_short"}):
            path.write_text(json.dumps(file | {"shops": [file["shops"][0] | changes]}))
            printed += "".join(self.run(path))
        secrets = [API_KEY, SIGNING_SECRET, "whsec_short", "token-token", *STRIPE_CREDENTIALS.values()]
        assert not [secret for secret in secrets if secret in printed]
