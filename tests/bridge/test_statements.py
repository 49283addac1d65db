"""How many SQL statements a call costs, without what only frames a transaction. Configuration is cached."""

import json
from uuid import uuid4

import pytest

from bridge.sandbox.schedule import now
from bridge.sandbox.stripe.events import signature_header
from merchants import lookup
from payments import circuits
from tests.factories import STRIPE_CREDENTIALS
from tests.sql import statements


@pytest.fixture(autouse=True)
def _lasting_configuration(monkeypatch):
    monkeypatch.setattr(lookup, "LIFETIME_SECONDS", 3600)
    monkeypatch.setattr(circuits, "FRESH_SECONDS", 3600)


@pytest.fixture
def event(world):
    """The body of a webhook that Stripe has sent about a paid session."""
    sent = []
    world.sandbox.recorder = sent.append
    world.start(1)
    world.pay(1)
    return json.loads(next(one.body for one in sent if one.kind == "webhook"))


def test_a_webhook_is_acknowledged_with_at_most_two(world, event):
    def ring(event):
        body = json.dumps(event).encode()
        signature = signature_header(STRIPE_CREDENTIALS["webhook_secret"], body, int(now()))
        path = f"/PGBReturn/Webhook/stripe/{world.merchant.webhook_token}"
        with statements() as sent:
            answer = world.client.post(
                path, body, content_type="application/json", headers={"Stripe-Signature": signature}
            )
        assert answer.status_code == 200
        return sent

    fresh = {**event, "id": f"evt_{uuid4().hex}"}
    for one in (fresh, fresh):
        sent = ring(one)
        assert len(sent) <= 2
        assert any("payments_notification" in statement for statement in sent)


def test_a_pay_start_costs_no_more_than_it_did(world):
    world.start(1)
    with statements() as opening:
        assert world.start(2)["Type"] == "Redirect"
    with statements() as equal:
        assert world.start(2)["Type"] == "Redirect"
    assert (len(opening), len(equal)) == (10, 4)


def test_a_pay_status_costs_the_same_whatever_there_is(world):
    def cost(order_id):
        with statements() as sent:
            assert world.status(order_id)["Type"] == "Done"
        return len(sent)

    world.start(1)
    world.start(2)
    for claim in range(1, 4):
        world.start(2, ClaimId=claim)
    assert cost(1) == cost(2) == 5


def test_what_is_refused_before_the_shop_is_known_costs_none(world, door_of_world):
    world.status(1)
    with statements() as sent:
        door_of_world.post("{")
        door_of_world.post("{}", Authorization="Bearer wrong")
        door_of_world.post(world.order(JoinerId=9))
    assert sent == []
