"""Who may call, for which shop, and how often."""

import base64
import json

import pytest
import time_machine

from merchants.keys import hash_api_key
from merchants.lookup import clear_cache
from tests.door import FORM, READ_WELL, signed
from tests.factories import API_KEY, SIGNING_SECRET, ShopFactory

OTHER_KEY = "another-api-key-of-forty-characters-01234"
OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret of 32 bytes......").decode()


def change(shop, **changes):
    for name, value in changes.items():
        setattr(shop, name, value)
    shop.save()
    clear_cache()


def is_unauthorized(response, says):
    assert (response.status_code, response.json()["ErrorCode"]) == (401, "UNAUTHORIZED")
    assert says in response.json()["ErrorMessage"]
    return True


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_shops_key_opens_the_door(door, scheme):
    assert door.post(door.order(), Authorization=f"{scheme} {API_KEY}").json()["ErrorCode"] == READ_WELL


@pytest.mark.parametrize("key", ["", "wrong", API_KEY + "x", API_KEY[:-1], hash_api_key(API_KEY), "키", f"x {API_KEY}"])
def test_a_wrong_key_is_401(door, key):
    assert is_unauthorized(door.post(door.order(), Authorization=f"Bearer {key}"), "this key opens no shop")


@pytest.mark.parametrize("header", ["", API_KEY, f"Basic {API_KEY}", f"Token {API_KEY}"])
def test_without_a_key_it_is_said_how_to_send_one(door, header):
    assert is_unauthorized(door.post(door.order(), Authorization=header), "send Authorization: Bearer <key>, or sign")


def test_the_caller_is_looked_at_before_the_body(door):
    assert is_unauthorized(door.post(b"\xff[", Authorization="Bearer wrong"), "this key")


def test_while_a_key_is_replaced_both_are_valid(door):
    change(door.shop, api_key_hash=hash_api_key(OTHER_KEY), api_key_old_hash=hash_api_key(API_KEY))
    for key in (API_KEY, OTHER_KEY):
        assert door.post(door.order(), Authorization=f"Bearer {key}").status_code == 200
    change(door.shop, api_key_old_hash="")
    assert is_unauthorized(door.post(door.order()), "this key")


def test_a_shop_without_a_key_is_not_opened_by_an_empty_one(door):
    change(door.shop, api_key_hash="")
    assert is_unauthorized(door.post(door.order(), Authorization="Bearer "), "this key")


def test_another_shops_key_is_403(door):
    ShopFactory(joiner_id=1002, api_key_hash=hash_api_key(OTHER_KEY))
    response = door.post(door.order(), Authorization=f"Bearer {OTHER_KEY}")
    assert (response.status_code, response.json()["ErrorCode"]) == (403, "FORBIDDEN")
    assert door.post(door.order(JoinerId=1002)).status_code == 403
    assert door.post(door.order(JoinerId=1002), Authorization=f"Bearer {OTHER_KEY}").status_code == 200


def test_a_shop_that_is_not_registered_is_told_with_200(door):
    for changes in ({"DBType": "KR9"}, {"JoinerId": 9}, {"DBType": "kr1"}):
        response = door.post(door.order(**changes))
        assert (response.status_code, response.json()["ErrorCode"]) == (200, "UNKNOWN_SHOP")


def test_one_key_may_open_several_shops(door):
    ShopFactory(db_type="KR2", joiner_id=None)
    clear_cache()
    for changes in ({}, {"DBType": "KR2"}, {"DBType": "KR2", "JoinerId": 9}):
        assert door.start(**changes)["ErrorCode"] == READ_WELL


def test_a_shop_that_is_switched_off_is_shut(door):
    change(door.shop, is_active=False)
    assert is_unauthorized(door.post(door.order()), "this key")
    body = json.dumps(door.order())
    assert is_unauthorized(door.post(body, Authorization="", **signed(body, SIGNING_SECRET)), "the signature")


@pytest.fixture
def signer(door):
    """A caller that has no key and must sign."""
    door.headers = {}
    return door


@pytest.mark.parametrize("age", [0, 299, -299])
def test_a_signed_call_is_accepted(signer, age):
    body = json.dumps(signer.order())
    with time_machine.travel("2026-11-21T12:00:00Z", tick=False):
        assert signer.post(body, **signed(body, SIGNING_SECRET, age=age)).json()["ErrorCode"] == READ_WELL


def test_a_form_can_be_signed_and_a_bom_belongs_to_the_body(signer):
    form = "\ufeffDBType=KR1&OrderId=1&JoinerId=1001"
    response = signer.post(form.encode(), path="/PGB/PayStatus", kind=FORM, **signed(form, SIGNING_SECRET))
    assert response.json()["ErrorCode"] == "ORDER_NOT_FOUND"


@pytest.mark.parametrize(
    ("change_headers", "says"),
    [
        (lambda body: signed(body, OTHER_SECRET), "No matching signature"),
        (lambda body: signed(body + " ", SIGNING_SECRET), "No matching signature"),
        (lambda body: signed(body, SIGNING_SECRET, age=301), "timestamp too old"),
        (lambda body: signed(body, SIGNING_SECRET, age=-301), "timestamp too new"),
        (lambda body: signed(body, SIGNING_SECRET) | {"webhook-id": "msg_2"}, "No matching signature"),
        (lambda body: signed(body, SIGNING_SECRET) | {"webhook-id": ""}, "Missing required headers"),
        (lambda body: signed(body, SIGNING_SECRET) | {"webhook-timestamp": ""}, "Missing required headers"),
        (lambda body: signed(body, SIGNING_SECRET) | {"webhook-timestamp": "soon"}, "Invalid Signature Headers"),
        (lambda body: signed(body, SIGNING_SECRET) | {"webhook-timestamp": "nan"}, "Invalid Signature Headers"),
        (lambda body: signed(body, SIGNING_SECRET) | {"webhook-signature": "v1,A"}, "cannot be read"),
        (lambda body: signed(body, SIGNING_SECRET) | {"webhook-signature": "v1"}, "cannot be read"),
        (lambda body: signed(body, SIGNING_SECRET) | {"webhook-signature": ""}, "Missing required headers"),
    ],
)
def test_a_signature_that_does_not_fit_is_401_and_says_why(signer, change_headers, says):
    body = json.dumps(signer.order())
    with time_machine.travel("2026-11-21T12:00:00Z", tick=False):
        assert is_unauthorized(signer.post(body, **change_headers(body)), says)


def test_a_signature_speaks_for_its_own_shop_only(signer):
    ShopFactory(joiner_id=1002, signing_secret=OTHER_SECRET)
    body = json.dumps(signer.order())
    assert signer.post(body, **signed(body, OTHER_SECRET)).status_code == 403


def test_while_a_secret_is_replaced_both_are_valid(signer):
    change(signer.shop, signing_secret=OTHER_SECRET, signing_secret_old=SIGNING_SECRET)
    body = json.dumps(signer.order())
    both = signed(body, OTHER_SECRET)
    both["webhook-signature"] = f"v1,AAAA {both['webhook-signature']}"
    for headers in (signed(body, OTHER_SECRET), signed(body, SIGNING_SECRET), both):
        assert signer.post(body, **headers).status_code == 200
    change(signer.shop, signing_secret_old=None)
    assert signer.post(body, **signed(body, SIGNING_SECRET)).status_code == 401


def test_a_wrong_key_is_not_mended_by_a_good_signature(door):
    body = json.dumps(door.order())
    assert door.post(body, Authorization="Bearer wrong", **signed(body, SIGNING_SECRET)).status_code == 401


def test_a_repeated_signed_request_is_answered_again(world):
    body = json.dumps(world.order(7))
    headers = signed(body, SIGNING_SECRET)
    first, second = (world.post("/PGB/PayStart", body, Authorization="", **headers).json() for _ in range(2))
    assert first["IsSuccess"] is True
    assert first == second


@pytest.fixture
def three_a_minute(door, settings):
    settings.PGB_SHOP_CALLS_PER_MINUTE = 3
    with time_machine.travel("2026-11-21T12:00:48Z", tick=False) as clock:
        yield clock


def test_too_many_calls_of_a_shop_are_429_until_the_next_minute(door, three_a_minute):
    for _ in range(3):
        assert door.post(door.order()).status_code == 200
    response = door.post(door.order())
    assert (response.status_code, response.json()["ErrorCode"]) == (429, "THROTTLED")
    assert response["Retry-After"] == "12"
    assert "try again in 12 seconds" in response.json()["ErrorMessage"]
    three_a_minute.shift(12)
    assert door.post(door.order()).status_code == 200


def test_each_shop_has_its_own_limit(door, three_a_minute):
    ShopFactory(joiner_id=1002)
    for joiner_id in (1001, 1002):
        statuses = [door.post(door.order(JoinerId=joiner_id)).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]


def test_others_do_not_use_up_a_shops_limit(door, three_a_minute):
    ShopFactory(joiner_id=1002, api_key_hash=hash_api_key(OTHER_KEY))
    for key in ("wrong", OTHER_KEY) * 2:
        assert door.post(door.order(), Authorization=f"Bearer {key}").status_code in (401, 403)
    assert door.post(door.order()).status_code == 200
