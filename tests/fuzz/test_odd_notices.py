"""Truly signed, and as odd as JSON can be: never an error of ours, and nothing is paid by being said."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sandbox.stripe.events import thin
from payments.models import Notification
from payments.states import Stage
from tests.factories import STRIPE_CREDENTIALS
from tests.fuzz.effort import effort
from tests.fuzz.notices import BODIES, Endpoint, signed

SAYS_MORE = "says more than the gateway shows"
EXAMPLES = 1000
# Each of them is worked too, which asks the gateway.
WORKED = 250
# What says which refund or dispute of which payment it is.
NAMED = ("id", "object", "type", "status", "charge", "payment_intent", "metadata", "data", "related_object")
TEXTS = st.text(max_size=30) | st.sampled_from(["", "\0", "\ud800", "a\nb", "x" * 256, "x" * 10_000, "결제", "١٢"])
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**4000, -(2**63), 2**63])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
ODD = st.sampled_from([None, True, 7, 0.5, [], {}, ["re_1"], {"id": None}, {"id": 7}, "", "re_1", "x" * 256, "a\0b"])
KINDS = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.brand_new",
    "payment_intent.succeeded",
    "charge.succeeded",
    "charge.refunded",
    "refund.updated",
    "v1.checkout.session.completed",
    "v1.payment_intent.succeeded",
    "customer.created",
]
NO_JSON = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"event"',
    b"NaN",
    b'{"object": "event"}',
    b'{"id": 1e999, "object": "event", "type": "x"}',
    b"9" * 5000,
    b"[" * 100_000,
    b'{"data":' * 20_000,
    b'{"object": "event", "data": ' + b"[" * 900 + b"]" * 900 + b"}",
    b"\xff\xfe{\0}\0",
    b"\x80",
]


@pytest.fixture
def endpoint(world):
    """The merchant's address; its order is open at the gateway, and nobody pays it."""
    world.start()
    return Endpoint(world.merchant.webhook_token, STRIPE_CREDENTIALS["webhook_secret"])


def send(world, message):
    response = world.client.generic(
        "POST", message.path, message.body, headers={"Stripe-Signature": message.signature, "Content-Type": "x/y"}
    )
    return response.status_code


def claims(session):
    """Events that say of this session that it is paid, in every form, with anything in any place."""
    name = st.sampled_from([session.gateway_id, session.reference, "cs_other"]) | VALUES
    thing = st.fixed_dictionaries(
        {"id": name, "object": st.just("checkout.session")},
        optional={
            "payment_status": st.just("paid") | VALUES,
            "amount_total": st.just(64900) | VALUES,
            "client_reference_id": name,
            "payment_intent": st.just("pi_1") | VALUES,
            "metadata": st.fixed_dictionaries({"pgb_reference": name}) | VALUES,
        },
    )
    return st.fixed_dictionaries(
        {"id": st.uuids().map(str) | VALUES, "object": st.sampled_from(["event", "v2.core.event"]) | VALUES},
        optional={
            "type": st.sampled_from(KINDS) | VALUES,
            "livemode": st.just(False) | VALUES,
            "data": st.fixed_dictionaries({"object": thing | VALUES}) | VALUES,
            "related_object": st.fixed_dictionaries({"id": name, "type": st.just("checkout.session")}) | VALUES,
            "snapshot_event": VALUES,
        },
    )


def one_field_changed(bodies=BODIES, names=None):
    """One of these events of which one field is missing or holds something else: one of ``names``, or any."""

    @st.composite
    def changed(draw):
        event = place = json.loads(draw(st.sampled_from(bodies)))
        while True:
            here = [name for name in sorted(place) if names is None or name in names]
            inner = [name for name in sorted(place) if isinstance(place[name], dict) and place[name]]
            if not inner or (here and draw(st.booleans())):
                break
            place = place[draw(st.sampled_from(inner))]
        if here and draw(st.booleans()):
            place[draw(st.sampled_from(here))] = draw(ODD | VALUES)
        elif here:
            del place[draw(st.sampled_from(here))]
        return event

    return changed()


def money_back(world):
    """Events, whole and thin, of refunds and of a dispute, as Stripe says them of order 2, but said of order 1."""
    stripe = world.sandbox.stripe
    lost = world.sandbox.faults.add("webhook", "drop", times=None)
    world.start(2)
    other = world.session(2)
    stripe.pay(other.gateway_id)
    before = len(stripe.books.events)
    for amount in (900, 1000):
        made = stripe.refund(other.gateway_id, amount)
    stripe.end_refund(made.id, "failed")
    stripe.dispute(other.gateway_id)
    stripe.close_dispute(other.gateway_id, won=False)
    world.sandbox.faults.clear(lost.id)
    events = list(stripe.books.events.values())[before:]
    bodies = [json.dumps(body) for event in events for body in (event.body, thin(event, False))]
    mine, others = (_names(stripe.books, of) for of in (world.session(1), other))
    for new, old in zip(mine, others, strict=True):
        bodies = [body.replace(old, new) for body in bodies]
    return bodies


def _names(books, session):
    (payment,) = books.payments_of(session.reference)
    return session.reference, session.gateway_id, payment.id, payment.charge


@pytest.mark.parametrize("body", NO_JSON, ids=range(len(NO_JSON)))
def test_what_is_no_event_is_refused(world, endpoint, body):
    assert send(world, signed(endpoint, body)) == 400
    assert not Notification.objects.exists()


def test_no_signed_event_fails_and_none_pays_by_saying_so(world, endpoint, tried, quiet):
    @effort(EXAMPLES)
    @given(claims(world.session()) | one_field_changed())
    def nothing_fails(event):
        status = send(world, signed(endpoint, json.dumps(event).encode()))
        tried[(status,)] += 1
        assert status == 200 or 400 <= status < 500

    nothing_fails()
    assert min(tried[(200,)], tried[(400,)]) > EXAMPLES / 10
    thing = {"id": world.session().gateway_id, "object": "checkout.session", "payment_status": "paid"}
    lie = {"id": "evt_lie", "object": "event", "type": KINDS[0], "livemode": False, "data": {"object": thing}}
    assert send(world, signed(endpoint, json.dumps(lie).encode())) == 200
    world.work()
    assert Notification.objects.get(dedupe_key="evt_lie").result == SAYS_MORE
    assert world.session().stage == Stage.STANDBY
    assert world.told() == []


def test_no_event_of_a_refund_or_a_dispute_fails_or_moves_money_by_saying_so(world, endpoint, tried, quiet):
    world.pay()
    world.work()
    heard = Notification.objects.count()

    @effort(WORKED)
    @given(one_field_changed(money_back(world), NAMED))
    def nothing_fails(event):
        for name in ("id", "snapshot_event"):  # each is an event of its own, where it names itself
            if str(event.get(name)).startswith("evt_"):
                event[name] = f"evt_{sum(tried.values())}"
        status = send(world, signed(endpoint, json.dumps(event).encode()))
        tried[(status,)] += 1
        assert status == 200 or 400 <= status < 500

    nothing_fails()
    world.work()
    tried.update((one.result or "failed",) for one in Notification.objects.order_by("pk")[heard:])
    assert not tried[("failed",)]
    assert min(tried[(result,)] for result in (200, 400, SAYS_MORE, "no payment of ours yet", Stage.PAID)) > 0
    session = world.session()
    assert (session.stage, session.cancelled, session.reserved, session.disputed) == (Stage.PAID, 0, 0, False)
    assert (session.attention, world.told()) == (False, ["PayComplete"])
