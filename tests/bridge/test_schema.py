"""The written interface: /api/schema/ and /api/docs/. What it says is what PGB does."""

import re
from contextlib import closing
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from bridge.errors import ADVICE, ErrorCode
from tests.door import FORM, JSON

WINDOW = "/api/v1/inicis/pc-payment-parameters"
CALLS = ["/PGB/FullCancel", "/PGB/PartialCancel", "/PGB/PayStart", "/PGB/PayStatus"]


@pytest.fixture(scope="module")
def schema():
    """The schema as it is served."""
    return SchemaGenerator().get_schema(request=None, public=True)


@pytest.fixture
def conforms(schema):
    """Check a value against one of the schema's own components."""

    def check(value, part):
        Draft202012Validator({**part, "components": schema["components"]}).validate(value)
        return True

    return check


def contents(schema):
    """Yield (where, media type object) for each request and answer, those of webhooks too."""
    for name, item in [*schema["paths"].items(), *schema["webhooks"].items()]:
        (operation,) = item.values()
        answers = [(f"{name} {status}", answer) for status, answer in operation["responses"].items()]
        asked = [(f"{name} request", operation["requestBody"])] if "requestBody" in operation else []
        for where, part in [*asked, *answers]:
            for kind, content in part.get("content", {}).items():
                yield f"{where} {kind}", content


def test_it_is_made_without_a_warning(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))
    assert (tmp_path / "schema.yaml").read_text().startswith("openapi: 3.1.0\n")


def test_the_calls_and_the_message_are_there(schema):
    assert [path for path in sorted(schema["paths"]) if path.startswith("/PGB/")] == CALLS
    assert list(schema["webhooks"]) == ["Completion"]


@pytest.mark.parametrize("path", CALLS)
def test_each_call_has_both_forms_both_ways_to_sign_in_and_every_answer(schema, path):
    call = schema["paths"][path]["post"]
    assert sorted(call["requestBody"]["content"]) == [JSON, FORM]
    assert [sorted(way) for way in call["security"]] == [
        ["ShopKey"],
        ["webhook-id", "webhook-signature", "webhook-timestamp"],
    ]
    assert all(name in schema["components"]["securitySchemes"] for way in call["security"] for name in way)
    assert sorted(call["responses"]) == ["200", "400", "401", "403", "413", "429", "503"]
    assert all("X-Request-Id" in answer["headers"] for answer in call["responses"].values())
    assert [s for s, answer in call["responses"].items() if "Retry-After" in answer["headers"]] == ["429", "503"]


def test_every_request_and_answer_has_examples_that_are_valid(schema, conforms):
    for where, content in contents(schema):
        assert content["examples"], where
        assert all(conforms(example["value"], content["schema"]) for example in content["examples"].values())


def test_every_error_code_has_its_advice_and_stands_where_it_can_come(schema):
    assert set(ADVICE) == set(ErrorCode)
    told = "".join(schema["paths"][path]["post"]["description"] for path in [*CALLS, WINDOW])
    assert all(f"| `{code}` | " in told and ADVICE[code] in told for code in ErrorCode)


def test_the_message_has_its_signature_headers(schema):
    names = [parameter["name"] for parameter in schema["webhooks"]["Completion"]["post"]["parameters"]]
    assert names == ["webhook-id", "webhook-timestamp", "webhook-signature"]


def answer_of(schema, path, status=200):
    return schema["paths"][path]["post"]["responses"][str(status)]["content"][JSON]["schema"]


def request_of(schema, path):
    return schema["paths"][path]["post"]["requestBody"]["content"][JSON]["schema"]


def test_real_requests_answers_and_messages_are_as_written(world, schema, conforms):
    start, state = answer_of(schema, "/PGB/PayStart"), answer_of(schema, "/PGB/PayStatus")
    assert conforms(world.order(1), request_of(schema, "/PGB/PayStart"))
    assert conforms(world.start(1), start)
    assert conforms(world.start(2, ClaimId=7), start)
    assert conforms(world.start(1, PayType="KONBINI"), start)
    assert conforms(world.status(1), state)
    world.pay(1)
    world.work()
    assert conforms(world.start(1), start)
    paid = world.status(1)
    assert conforms(paid, state)
    assert set(paid) == set(state_keys(schema)) - {"CancelId"}
    with world.working():
        part, rest = world.partial(900), world.full(64000)
    assert conforms(part, answer_of(schema, "/PGB/PartialCancel"))
    assert conforms(rest, answer_of(schema, "/PGB/FullCancel"))
    assert conforms(world.full(1), answer_of(schema, "/PGB/FullCancel"))
    assert conforms(world.status(1), state)
    world.rest()
    assert conforms(world.status(3), state)
    message = schema["webhooks"]["Completion"]["post"]["requestBody"]["content"][JSON]["schema"]
    assert [conforms(told, message) for told in world.sandbox.shop.books.messages] == [True] * 3


def state_keys(schema):
    return schema["components"]["schemas"]["PayStatusAnswer"]["properties"]


def test_real_errors_are_as_written(door, schema, conforms, settings):
    def check(status, response):
        assert response.status_code == status
        return conforms(response.json(), answer_of(schema, "/PGB/PayStart", status))

    assert check(400, door.post("{"))
    assert check(401, door.post("{}", Authorization=""))
    assert check(413, door.post(b" " * 65_537))
    settings.PGB_SHOP_CALLS_PER_MINUTE = 0
    assert check(429, door.post(door.order()))


def test_what_the_schema_forbids_is_refused(door, schema, conforms):
    """The rules are written once, in the serializers; this holds the two custom fields against their schema."""
    price = schema["components"]["schemas"]["PayStart"]["properties"]["TotalPrice"]
    for value in ("1,000", "-1", "1e3", "١٠٠", "", "1.", -1, 1.5, 10**15, True, None):
        assert not Draft202012Validator(price).is_valid(value), value
        assert door.refused("TotalPrice: ", TotalPrice=value)
    for value in ("64900", "64900.0000", 64900):
        assert Draft202012Validator(price).is_valid(value)


def test_a_required_text_is_written_down_as_not_empty(door, schema):
    parts = schema["components"]["schemas"]
    for name in ("DBType", "PayType", "OrderDescription", "RedirectUrl"):
        assert parts["PayStart"]["properties"][name]["minLength"] == 1
        assert door.refused(f"{name}: ", **{name: ""})


class Addresses(HTMLParser):
    """Collects what a page loads."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "href")]


def test_the_docs_page_loads_from_here_only(client, db):
    page = client.get("/api/docs/")
    text = page.content.decode()
    assert page.status_code == 200
    assert re.findall(r"(?:https?:)?//[\w.-]+\.\w+", text) == []
    assert '"validatorUrl": null' in text  # else the page shows every schema to an outside validator
    addresses = Addresses()
    addresses.feed(text)
    assert len(addresses.found) >= 3
    for address in addresses.found:
        assert address.startswith("/static/drf_spectacular_sidecar/"), address
        with closing(client.get(address)) as file:
            assert file.status_code == 200, address


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/"])
def test_they_need_no_database(client, db, path):
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    assert len(queries) == 0


def test_the_served_schema_is_the_checked_one(client, db, schema):
    served = client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    assert served["openapi"] == settings.SPECTACULAR_SETTINGS["OAS_VERSION"] == "3.1.0"
    assert served["paths"].keys() == schema["paths"].keys()
