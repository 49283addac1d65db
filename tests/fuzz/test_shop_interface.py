"""Schemathesis reads our schema and calls us: no error of ours, and every answer is as the schema says."""

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from schemathesis import GenerationMode
from schemathesis.generation.meta import TestPhase
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from payments.models import PaymentSession
from tests.door import signed
from tests.factories import API_KEY, SIGNING_SECRET
from tests.fuzz.effort import effort

HOST = {"Host": "127.0.0.1"}
KEY = {"Authorization": f"Bearer {API_KEY}"}
SCHEMA = schemathesis.openapi.from_wsgi(
    "/api/schema/",
    get_wsgi_application(),
    config=schemathesis.Config(),
    headers={**HOST, "Accept": "application/vnd.oai.openapi+json"},
)
NOT_OURS = [
    negative_data_rejection,  # we read more than we write down: "1001" for 1001, null for absent, other keys
    positive_data_acceptance,  # what depends on the shop stands in no schema: its nations, its currency
    ignored_auth,  # has a test of its own below, with every wrong key
]


@pytest.fixture
def served(world):
    """The whole world, and a worker, for each other PayStart of one order closes the page before.

    Order 1 is paid: what a cancel may find.
    """
    world.paid()
    with world.working(1):
        yield world


def aim(case, world):
    """Let the free calls speak of the shop that is there: behind that door there is more to find."""
    free = case.meta.phase.name == TestPhase.FUZZING and case.meta.generation.mode == GenerationMode.POSITIVE
    shop = {"DBType": world.shop.db_type, "JoinerId": world.shop.joiner_id, "NationCode": "KR", "PayType": "CARD"}
    page = {"db_type": world.shop.db_type, "joiner_id": world.shop.joiner_id, "nation_code": "KR", "pay_type": "CARD"}
    for keys in (case.body, case.query):
        if free and isinstance(keys, dict):
            keys |= {name: value for name, value in {**shop, **page}.items() if name in keys}
            if "CurrentTotalPrice" in keys:
                keys |= {"OrderId": 1, "CurrentTotalPrice": str(world.session().balance)}


@SCHEMA.parametrize()
@effort(40)
def test_every_answer_to_the_shop_is_as_the_schema_says(case, served, tried, quiet):
    aim(case, served)
    response = case.call_and_validate(headers=HOST | KEY, excluded_checks=NOT_OURS)
    tried[(case.media_type, case.meta.generation.mode.value, response.status_code)] += 1
    assert response.headers["x-request-id"]


WRONG_KEYS = [
    {},
    {"Authorization": ""},
    {"Authorization": API_KEY},
    {"Authorization": f"Bearer {API_KEY}x"},
    {"Authorization": f"Bearer {API_KEY[:-1]}"},
    {"Authorization": f"Basic {API_KEY}"},
    {"Authorization": "Bearer \xe9\xff"},
    signed("{}", SIGNING_SECRET),
]


@SCHEMA.parametrize()
@effort(40)
def test_without_the_key_every_call_is_refused_as_the_schema_says(case, world, tried, quiet):
    wrong = WRONG_KEYS[len(str(case.body)) % len(WRONG_KEYS)]
    response = case.call_and_validate(headers=HOST | wrong, excluded_checks=NOT_OURS)
    tried[(response.status_code,)] += 1
    assert response.status_code in (401, 405)
    assert not PaymentSession.objects.exists()
