"""What Stripe's events meet at PGB's door: believed only if signed, stored before the ack, never a 500."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256

import pytest
import time_machine
from django.db import OperationalError, connection
from structlog.testing import capture_logs

from bridge.sandbox.stripe.events import signature_header
from merchants.codes import Mode
from merchants.lookup import clear_cache
from merchants.models import Merchant
from payments.models import Notification
from tests.bridge.bell import SECRET, Bell, row
from tests.factories import MerchantFactory
from tests.sql import statements

DEFAULT = "/PGBReturn/Webhook"
NEW_SECRET = "whsec_the_new_one_0123456789"


@pytest.fixture
def bell(world):
    """Order 1 has been paid at Stripe, and PGB has not heard of it."""
    world.start()
    world.pay_unheard()
    return Bell(world)


def stored():
    return list(Notification.objects.values_list("kind", flat=True))


# --- addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/PGBReturn/Webhook",
        "/PGBReturn/WebHook",
        "/PGBReturn/Webhook/",
        "/pgbreturn/webhook",
        "/PGBRETURN/WEBHOOK/",
        "/PGBReturn/Webhook/stripe/{token}",
        "/PGBReturn/WebHook/STRIPE/{token}",
        "/pgbreturn/webhook/Stripe/{token}/",
    ],
)
def test_event_is_taken_at_the_merchants_address_and_at_the_default_one(bell, path):
    answer = bell.ring(bell.event(), path=path.format(token=bell.world.merchant.webhook_token))
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"ok", "text/plain")
    assert (row().merchant, row().signers) == (bell.world.merchant, [bell.world.merchant.pk])
    bell.world.work()
    assert bell.world.session().stage == "PAID"


@pytest.mark.parametrize("place", ["stripe/nobody", "inicis/{token}", "stripes/{token}", "bootpay/x", "stripe/{TOKEN}"])
def test_address_of_nobody_is_not_found(bell, place):
    token = bell.world.merchant.webhook_token
    path = f"{DEFAULT}/{place.format(token=token, TOKEN=token.swapcase())}"
    assert bell.ring(bell.event(), path=path).status_code == 404
    assert stored() == []


def test_merchant_of_a_gateway_that_pgb_cannot_talk_to_has_no_address(bell):
    merchant = MerchantFactory(gateway="inicis", credentials={"sign_key": "x", "webhook_secret": SECRET})
    clear_cache()
    for gateway in ("inicis", "stripe"):
        assert bell.ring(bell.event(), path=f"{DEFAULT}/{gateway}/{merchant.webhook_token}").status_code == 404


def test_merchant_that_was_switched_off_is_still_told(bell):
    Merchant.objects.update(is_active=False)
    clear_cache()
    for path in (DEFAULT, bell.path):
        assert bell.ring(bell.event(), path=path).status_code == 200


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_only_post_is_taken(bell, method):
    for path in (DEFAULT, bell.path):
        answer = getattr(bell.world.client, method)(path)
        assert (answer.status_code, answer["Allow"]) == (405, "POST")


# --- signatures --------------------------------------------------------------------------------


def test_two_secrets_sign_while_one_is_being_replaced(bell):
    def secrets(**keys):
        merchant = bell.world.merchant
        merchant.credentials = {"secret_key": merchant.credentials["secret_key"], **keys}
        merchant.save()
        clear_cache()

    def answers():
        return [bell.ring(bell.event(), secret=secret).status_code for secret in (SECRET, NEW_SECRET)]

    assert answers() == [200, 400]
    secrets(webhook_secret=NEW_SECRET, webhook_secret_old=SECRET)
    assert answers() == [200, 200]
    secrets(webhook_secret=NEW_SECRET)
    assert answers() == [400, 200]
    secrets(webhook_secret="")
    assert bell.ring(bell.event(), secret="").status_code == 400


@pytest.mark.parametrize(("skew", "status"), [(-301, 400), (-300, 200), (300, 200), (301, 400)])
def test_event_is_good_for_five_minutes_either_way(bell, skew, status):
    with time_machine.travel(datetime.now(UTC).replace(microsecond=0), tick=False):
        assert bell.ring(bell.event(), skew=skew).status_code == status
    assert len(stored()) == (status == 200)


BAD = ["", "t=1,v1=ab", "v1=ab", "t=now,v1=ab", "t=1760000000,v1=결제", "t=1760000000,v1=\xff", "nothing"]


@pytest.mark.parametrize("signature", BAD)
def test_bad_signature_is_counted_and_nothing_is_stored(bell, signature):
    for path in (DEFAULT, bell.path):
        with capture_logs() as lines:
            assert bell.ring(bell.event(), signature=signature, path=path).status_code == 400
        (line,) = [line for line in lines if line["event"] == "webhook_refused"]
        assert line["gateway"] == "stripe"
        assert line["log_level"] == "warning"
        assert bell.world.merchant.webhook_token not in str(lines)
    assert stored() == []


def test_signature_of_another_body_is_refused(bell):
    paid = json.dumps(bell.event()).encode()
    signature = signature_header(SECRET, paid, int(datetime.now(UTC).timestamp()))
    assert bell.ring(paid.replace(b"64900", b"1"), signature=signature).status_code == 400


GARBAGE = {
    "nothing": b"",
    "array": b"[]",
    "null": b"null",
    "empty object": b"{}",
    "number": b"7",
    "no UTF-8": b"\xff\xfe",
    "half": b'{"id": "evt_1", ',
    "deep": b"[" * 100_000,
    "long number": b'{"id": ' + b"7" * 10_000 + b"}",
    "ids that are no text": b'{"id": 7, "object": "event", "type": [], "livemode": false, "data": {}}',
    "data that is none": b'{"id": "evt_1", "object": "event", "type": "x", "livemode": false, "data": 7}',
    "half a letter": b'{"id": "\\ud800", "object": "event", "type": "x", "livemode": false, "data": {}}',
    "zero byte": b'{"id": "a\\u0000", "object": "event", "type": "x", "livemode": false, "data": {}}',
    "ping without mode": b'{"id":"evt_1","object":"event","type":"ping"}',
}


@pytest.mark.parametrize("name", GARBAGE)
@pytest.mark.parametrize("signed", [True, False])
def test_garbage_is_refused_whoever_signed_it(bell, name, signed):
    secret = SECRET if signed else "whsec_of_somebody_else"
    for path in (DEFAULT, bell.path):
        assert bell.ring(GARBAGE[name], secret=secret, path=path).status_code == 400
    assert stored() == []


@pytest.mark.parametrize(("size", "status"), [(1024 * 1024, 200), (1024 * 1024 + 1, 413), (2 * 1024 * 1024, 413)])
def test_body_over_a_mebibyte_is_not_read(bell, size, status):
    body = json.dumps(bell.event()).encode()
    assert bell.ring(body + b" " * (size - len(body))).status_code == status
    assert len(stored()) == (status == 200)


@pytest.mark.parametrize("length", ["x", "-1", "1e3", "²", "10", "99999999999999999999"])
def test_length_that_is_wrong_is_refused(bell, length):
    assert bell.ring(bell.event(), CONTENT_LENGTH=length).status_code in (400, 413)
    assert stored() == []


@pytest.mark.parametrize("mode", [Mode.TEST, Mode.LIVE])
def test_live_event_at_a_test_merchant_is_refused_and_the_other_way_round(bell, mode):
    secret = "whsec_of_this_merchant"
    merchant = MerchantFactory(mode=mode, credentials={"secret_key": "sk", "webhook_secret": secret})
    clear_cache()
    for path in (DEFAULT, f"{DEFAULT}/stripe/{merchant.webhook_token}"):
        for livemode in (True, False):
            answer = bell.ring({**bell.event(), "livemode": livemode}, path=path, secret=secret)
            assert answer.status_code == (200 if livemode is (mode is Mode.LIVE) else 400)


# --- storing -----------------------------------------------------------------------------------


def test_event_is_stored_as_it_came_and_encrypted(bell):
    body = json.dumps(bell.event(), indent=3, ensure_ascii=False).encode() + b"\n"
    assert bell.ring(body).status_code == 200
    assert row().body == body
    assert row().body_sha256 == sha256(body).hexdigest()
    assert not any(part in bytes(row().sealed_body) for part in (b"evt_", b"64900", b"checkout"))
    session = bell.world.session()
    assert (row().gateway_id, row().reference, row().claims) == (session.gateway_id, session.reference, "PAID")
    assert (row().kind, row().dedupe_key) == ("checkout.session.completed", json.loads(body)["id"])
    assert session.stage == "STANDBY"  # it only rang


@contextmanager
def database_down():
    def refuse(*args):
        raise OperationalError("the connection is closed")

    with connection.execute_wrapper(refuse):
        yield


@pytest.mark.parametrize("cached", [True, False])
def test_event_that_cannot_be_stored_is_not_acknowledged_and_comes_again(bell, cached):
    event = bell.event()
    assert bell.ring(bell.lie("checkout.session.expired")).status_code == 200  # the configuration is cached now
    if not cached:
        clear_cache()
    with database_down():
        assert bell.ring(event).status_code == 503
    assert not Notification.objects.filter(dedupe_key=event["id"]).exists()
    assert bell.ring(event).status_code == 200
    assert Notification.objects.filter(dedupe_key=event["id"]).exists()


def test_forged_event_costs_no_statement_and_a_true_one_costs_one(bell):
    event = bell.event()
    bell.ring(event)
    for path in (DEFAULT, bell.path):
        with statements() as forged:
            bell.ring(event, path=path, secret="whsec_of_somebody_else")
        with statements() as true:
            bell.ring(event, path=path)
        assert (len(forged), len(true)) == (0, 1)


@pytest.mark.parametrize("kind", ["customer.created", "payout.paid", "balance.available", "brand.new"])
def test_event_that_is_not_about_a_payment_is_stored_and_left_alone(bell, kind):
    event = {**bell.event(), "type": kind}
    del event["data"]["object"]["id"]
    before = bell.asked()
    for _ in range(2):
        assert bell.ring(event).status_code == 200
        assert (row().kind, row().due_at, row().result) == (kind, None, "not about a payment")
    assert bell.world.work() == 0
    assert bell.asked() == before
