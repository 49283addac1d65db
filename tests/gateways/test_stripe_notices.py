"""Stripe's signatures and events: golden vectors made by Stripe's own library, and what each event asks of us."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import stripe
import time_machine

from bridge.gateways.base import Notice, RefundStatus, Status
from bridge.gateways.errors import BadNotice
from bridge.gateways.stripe import Stripe
from bridge.gateways.stripe.notices import is_signed

DATA = Path(__file__).resolve().parent.parent / "data"
GOLDEN = json.loads((DATA / "stripe.json").read_text())
EDGES = json.loads((DATA / "stripe_negative.json").read_text())
SIGNED_AT = 1760000000
SECRET = "whsec_pgb_golden_0123456789abcdef"
OLD = "whsec_pgb_rotated_fedcba9876543210"


def at(seconds):
    return time_machine.travel(datetime.fromtimestamp(SIGNED_AT + seconds, UTC), tick=False)


def vector(name):
    return next(one for one in GOLDEN if one["name"].split()[0] == name)


def verify(body, header, *secrets):
    (notice,) = Stripe.verify_notification({"Stripe-Signature": header}, body, secrets or (SECRET,))
    return notice


def heard(event):
    """What an event says that is signed just now."""
    body = json.dumps(event).encode()
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), SECRET)
    return verify(body, header)


# --- signatures --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [one["name"] for one in GOLDEN])
def test_golden_signature_is_taken_and_no_other(name):
    one = next(one for one in GOLDEN if one["name"] == name)
    body = one["payload"].encode()
    assert (len(body), hashlib.sha256(body).hexdigest()) == (one["bytes"], one["sha256"])
    with at(0):
        assert is_signed(one["header"], body, [one["secret"]])
        assert is_signed(one["header"], body, [OLD, one["secret"]])
        assert not is_signed(one["header"], body + b"\n", [one["secret"]])
        assert not is_signed(one["header"], body, [OLD])
        assert not is_signed(one["header"], body, [])


@pytest.mark.parametrize("name", [one["name"] for one in EDGES])
def test_edge_of_a_signature_is_judged_as_by_stripe(name):
    one = next(one for one in EDGES if one["name"] == name)
    with at(0):
        assert is_signed(one["header"], one["payload"].encode(), [one["secret"]]) is one["valid"]


@pytest.mark.parametrize(
    ("seconds", "good"), [(-86400, False), (-301, False), (-300, True), (0, True), (300, True), (301, False)]
)
def test_signature_is_good_for_five_minutes_either_way(seconds, good):
    one = vector("E1")
    with at(seconds):
        assert is_signed(one["header"], one["payload"].encode(), [SECRET]) is good


GOOD = vector("S1")["header"].partition(",")[2]
HEADERS = [
    "",
    ",",
    "t=1760000000",
    "v1=",
    f"t=,{GOOD}",
    f"t=now,{GOOD}",
    f"t=-1,{GOOD}",
    f"t=1760000000.0,{GOOD}",
    f"t=99999999999999999999999,{GOOD}",
    f"t={'9' * 5000},{GOOD}",
    f"t=1760000301,{GOOD}",
    "t=1760000000,v1=결제",
    "t=1760000000,v1=\udcff",
    f"t=1760000000,v1=é,{GOOD}",
    f"T=1760000000,{GOOD}",
    f"t=1760000000;{GOOD}",
    GOOD,
]


@pytest.mark.parametrize("header", HEADERS)
def test_header_of_no_known_form_is_refused(header):
    with at(0), pytest.raises(BadNotice):
        verify(vector("S1")["payload"].encode(), header)


def test_first_time_of_two_is_the_one_that_was_signed_and_that_counts():
    """Else an old notice could be sent again with a younger time behind the signed one."""
    with at(301), pytest.raises(BadNotice):
        verify(vector("E1")["payload"].encode(), f"{vector('E1')['header']},t={SIGNED_AT + 301}")


# --- events ------------------------------------------------------------------------------------

E1 = "cs_test_a1PGB0000000000000000000000001"
E2 = "cs_test_b1PGB0000000000000000000000002"
# what each golden event says
SAYS = {
    "E1": ("checkout.session.completed", Status.PAID, E1),
    "E2": ("checkout.session.completed", Status.WAITING_DEPOSIT, E2),
    "E3": ("checkout.session.async_payment_succeeded", Status.PAID, E2),
    "E4": ("checkout.session.async_payment_failed", Status.FAILED, E2),
    "E5": ("checkout.session.expired", Status.EXPIRED, None),
    "E6": ("refund.updated", RefundStatus.DONE, ""),
    "E7": ("refund.failed", RefundStatus.FAILED, ""),
}


@pytest.mark.parametrize("name", SAYS)
def test_golden_event_says_which_payment_to_ask_about(name):
    one = vector(name)
    thing = json.loads(one["payload"])["data"]["object"]
    kind, claims, gateway_id = SAYS[name]
    with at(0):
        notice = verify(one["payload"].encode(), one["header"])
    assert notice == Notice(
        dedupe_key=json.loads(one["payload"])["id"],
        kind=kind,
        livemode=False,
        concerns_payment=True,
        claims=claims,
        reference=thing.get("client_reference_id") or "",
        gateway_id=thing["id"] if gateway_id is None else gateway_id,
        gateway_payment_id=thing.get("payment_intent") or "",
        gateway_cancel_id=thing["id"] if thing["object"] == "refund" else "",
    )


def test_golden_thin_event_has_the_key_of_the_event_it_repeats():
    thin, snapshot = vector("E8"), vector("E1")
    with at(0):
        notice = verify(thin["payload"].encode(), thin["header"])
        assert notice.dedupe_key == verify(snapshot["payload"].encode(), snapshot["header"]).dedupe_key
    assert (notice.kind, notice.gateway_id) == ("checkout.session.completed", E1)
    assert (notice.claims, notice.reference, notice.concerns_payment) == (Status.WAITING_DEPOSIT, "", True)


def snapshot(kind="checkout.session.completed", **thing):
    thing = {"id": "cs_test_1", "object": "checkout.session", "payment_status": "paid", **thing}
    return {"id": "evt_1", "object": "event", "type": kind, "livemode": False, "data": {"object": thing}}


@pytest.mark.parametrize(
    ("kind", "concerns"),
    [
        ("checkout.session.completed", True),
        ("checkout.session.brand_new", True),
        ("payment_intent.payment_failed", True),
        ("charge.refunded", True),
        ("charge.dispute.created", True),
        ("refund.failed", True),
        ("customer.created", False),
        ("payout.paid", False),
        ("balance.available", False),
        ("charges", False),
        ("", False),
    ],
)
def test_only_events_of_payments_ask_something_of_us(kind, concerns):
    assert heard(snapshot(kind)).concerns_payment is concerns


def test_event_of_a_thing_without_id_is_taken():
    event = snapshot("balance.available")
    del event["data"]["object"]["id"]
    assert heard(event).concerns_payment is False


@pytest.mark.parametrize(
    ("paid", "claims"),
    [("paid", Status.PAID), ("unpaid", Status.WAITING_DEPOSIT), ("no_payment_required", Status.WAITING_DEPOSIT)],
)
def test_submitted_form_is_not_yet_paid(paid, claims):
    assert heard(snapshot(payment_status=paid)).claims is claims


def test_payment_is_named_by_its_own_id_its_session_or_our_mark():
    intent = {"id": "pi_3", "object": "payment_intent", "metadata": {"pgb_reference": "REF1"}}
    notice = heard(snapshot("payment_intent.payment_failed", **intent))
    assert (notice.gateway_payment_id, notice.gateway_id, notice.reference) == ("pi_3", "", "REF1")
    for of_it in ("pi_3", {"id": "pi_3"}):
        assert heard(snapshot("charge.refunded", id="ch_3", payment_intent=of_it)).gateway_payment_id == "pi_3"
    assert heard(snapshot(payment_intent=None)).gateway_payment_id == ""


@pytest.mark.parametrize("reference", [None, 7, "x" * 65, "a\0b", "a\nb", "\ud800", {"a": 1}, []])
def test_reference_that_cannot_be_ours_is_none(reference):
    """The merchant's payments without us carry there what they like; their events are no reason to fail."""
    assert heard(snapshot(client_reference_id=reference)).reference == ""


@pytest.mark.parametrize("part", ["id", "type"])
@pytest.mark.parametrize("value", [7, True, [], {}, "x" * 256, "a\0b", "\ud800"])
def test_event_whose_names_are_no_short_texts_is_refused(part, value):
    with pytest.raises(BadNotice):
        heard({**snapshot(), part: value})


@pytest.mark.parametrize("livemode", [True, False, None, 1, "true"])
def test_live_is_only_what_says_so(livemode):
    assert heard({**snapshot(), "livemode": livemode}).livemode is (livemode is True)


def thin(kind, related):
    return {
        "id": "evt_test_65",
        "object": "v2.core.event",
        "type": kind,
        "livemode": False,
        "related_object": related,
    }


@pytest.mark.parametrize(
    ("kind", "related", "concerns"),
    [
        ("v1.checkout.session.expired", {"id": "cs_1", "type": "checkout.session", "url": "/v1/x"}, True),
        ("v1.payment_intent.payment_failed", {"id": "pi_1", "type": "payment_intent", "url": "/v1/x"}, True),
        ("v1.refund.updated", {"id": "re_1", "type": "refund", "url": "/v1/x"}, True),
        ("v1.charge.refunded", {"id": "ch_1", "type": "charge", "url": "/v1/x"}, True),
        ("v1.charge.dispute.created", {"id": "dp_1", "type": "dispute", "url": "/v1/x"}, True),
        ("v1.customer.created", {"id": "cus_1", "type": "customer", "url": "/v1/x"}, False),
        ("v2.core.event_destination.ping", None, False),
        ("v2.core.event_destination.ping", {"id": "ed_1", "type": "event_destination"}, False),
    ],
)
def test_thin_event_names_its_payment_or_asks_nothing(kind, related, concerns):
    notice = heard(thin(kind, related))
    assert notice.concerns_payment is concerns
    assert notice.dedupe_key == "evt_test_65"
    assert bool(notice.gateway_id or notice.gateway_payment_id) is concerns


@pytest.mark.parametrize("what", ["refund", "charge", "dispute"])
def test_thin_event_about_a_part_of_a_payment_names_that_part(what):
    related = {"id": "x_1", "type": what, "url": "/v1/x"}
    notice = heard(thin(f"v1.{what}.updated", related))
    assert (notice.gateway_payment_id, notice.gateway_id, notice.claims) == (f"{what}/x_1", "", None)
    assert notice.gateway_cancel_id == ("x_1" if what == "refund" else "")
    for wrong in ({**related, "id": "x" * 250}, {**related, "id": 7}, {"type": what}):
        with pytest.raises(BadNotice):
            heard(thin(f"v1.{what}.updated", wrong))


def test_one_secret_or_two_while_one_is_replaced():
    both = {"secret_key": "sk", "webhook_secret": "new", "webhook_secret_old": "old"}
    assert Stripe.webhook_secrets(both) == ["new", "old"]
    assert Stripe.webhook_secrets({**both, "webhook_secret_old": ""}) == ["new"]
    assert Stripe.webhook_secrets({"secret_key": "sk"}) == []
