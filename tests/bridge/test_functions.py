"""Who may ask the functions, from which pages, how often; and how they say no."""

import json

import pytest
import time_machine
from django.db import OperationalError
from django.test import Client

from merchants import lookup
from merchants.keys import hash_api_key
from tests.bridge.test_authentication import OTHER_KEY, change
from tests.door import signed
from tests.factories import API_KEY, SIGNING_SECRET, ConnectionFactory, ShopFactory

PATH, MID = "/api/v1/payment-methods/connections", "/api/v1/account-verification-mid"
QUESTION = {"db_type": "KR1", "joiner_id": 1001, "nation_code": "KR", "pay_type": "CARD"}
ORIGIN = "https://shop.example"


@pytest.fixture
def shop(db):
    ConnectionFactory()
    return ShopFactory(joiner_id=1001, redirect_hosts=["shop.example", "127.0.0.1"])


@pytest.fixture
def ask(shop):
    """Asks whether CARD is connected, with a key; the body may be anything."""

    def post(key=API_KEY, body=QUESTION, path=PATH, kind="application/json", **headers):
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        given = {"Authorization": f"Bearer {key}"} if key else {}
        return Client(raise_request_exception=False).post(path, data, content_type=kind, headers=given | headers)

    return post


def is_refused(response, status, code, says=""):
    answer = response.json()
    assert (response.status_code, answer["error_code"], answer["is_success"]) == (status, code, False), answer
    assert says in answer["error_message"]
    assert list(answer) == ["is_success", "error_code", "error_message"]
    assert response["X-Request-Id"]
    return True


class TestCallers:
    def test_the_shops_key_and_its_publishable_key_open_the_door(self, ask, shop):
        for key in (API_KEY, shop.publishable_key):
            assert ask(key).json()["connected"] is True

    @pytest.mark.parametrize("key", ["", "wrong", API_KEY + "x", hash_api_key(API_KEY), "pgb_pub_wrong"])
    def test_a_wrong_key_is_401(self, ask, key):
        assert is_refused(ask(key), 401, "UNAUTHORIZED")

    def test_a_publishable_key_speaks_for_its_own_shop_only(self, ask, shop):
        other = ShopFactory(joiner_id=1002, api_key_hash=hash_api_key(OTHER_KEY))
        lookup.clear_cache()
        for key in (other.publishable_key, OTHER_KEY):
            assert is_refused(ask(key), 403, "FORBIDDEN")
        assert ask(other.publishable_key, {**QUESTION, "joiner_id": 1002}).status_code == 200

    def test_a_shop_that_is_switched_off_is_shut_for_both_keys(self, ask, shop):
        change(shop, is_active=False)
        for key in (API_KEY, shop.publishable_key):
            assert is_refused(ask(key), 401, "UNAUTHORIZED")

    def test_a_publishable_key_starts_no_payment(self, shop, ask):
        for path in ("/PGB/PayStart", "/PGB/PayStatus"):
            assert ask(shop.publishable_key, path=path).json()["ErrorCode"] == "UNAUTHORIZED"

    def test_a_shop_that_nobody_registered_is_a_business_answer(self, ask):
        assert is_refused(ask(body={**QUESTION, "db_type": "KR9"}), 200, "UNKNOWN_SHOP")

    def test_a_signature_covers_the_body(self, ask):
        body = json.dumps(QUESTION)
        headers = signed(body, SIGNING_SECRET)
        assert ask("", body, **headers).json()["connected"] is True
        assert is_refused(ask("", body + " ", **headers), 401, "UNAUTHORIZED", "signature")

    def test_what_is_asked_by_get_can_be_signed_too(self, shop, settings):
        settings.PGB_ACCOUNT_VERIFICATION_MIDS = {"KR": "INIacct001"}
        response = Client().get(MID, QUESTION, headers=signed("", SIGNING_SECRET))
        assert response.json()["mid"] == "INIacct001"


class TestLimits:
    @pytest.fixture
    def two_a_minute(self, settings):
        settings.PGB_PUBLIC_CALLS_PER_MINUTE = settings.PGB_SHOP_CALLS_PER_MINUTE = 2
        with time_machine.travel("2026-11-21T12:00:48Z", tick=False) as clock:
            yield clock

    def test_too_many_questions_are_429_until_the_next_minute(self, ask, shop, two_a_minute):
        for key in (API_KEY, shop.publishable_key):
            assert [ask(key).status_code for _ in range(2)] == [200, 200]
            response = ask(key)
            assert is_refused(response, 429, "THROTTLED", "try again in 12 seconds")
            assert response["Retry-After"] == "12"
        two_a_minute.shift(12)
        assert ask(shop.publishable_key).status_code == 200

    def test_each_has_a_limit_of_its_own(self, ask, shop, settings, two_a_minute):
        settings.PGB_PUBLIC_CALLS_PER_MINUTE = 1
        assert [ask(shop.publishable_key).status_code for _ in range(2)] == [200, 429]
        assert [ask().status_code for _ in range(3)] == [200, 200, 429]
        start = {"DBType": "KR1", "JoinerId": 1001, "OrderId": 1}
        assert ask(path="/PGB/PayStatus", body=start).json()["ErrorCode"] == "ORDER_NOT_FOUND"

    def test_the_limit_of_pages_is_the_smaller_one(self, settings):
        assert settings.PGB_PUBLIC_CALLS_PER_MINUTE < settings.PGB_SHOP_CALLS_PER_MINUTE


class TestRefusals:
    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"[]", b'"x"', b"null", b"\xff\xfe", b"[" * 60_000, b"NaN", b'{"db_type": NaN}', "a=b"],
    )
    def test_what_is_no_json_object_is_400(self, ask, body):
        assert is_refused(ask(body=body), 400, "INVALID_REQUEST")

    def test_a_body_that_is_too_large_is_413(self, ask):
        assert is_refused(ask(body=b" " * 65_537), 413, "INVALID_REQUEST")

    def test_json_is_read_whatever_its_content_type(self, ask):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            assert ask(kind=kind).json()["connected"] is True

    def test_another_method_is_405(self, shop):
        client = Client(headers={"Authorization": f"Bearer {API_KEY}"})
        for response in (client.get(PATH), client.put(PATH), client.post(MID)):
            assert is_refused(response, 405, "INVALID_REQUEST")

    def test_whatever_is_accepted_the_answer_is_json(self, ask):
        for accepted in ("text/html", "image/png", "nonsense"):
            assert ask(Accept=accepted)["Content-Type"] == "application/json"

    def test_without_a_database_it_is_503(self, ask, monkeypatch):
        def gone():
            raise OperationalError("the database is gone")

        lookup.clear_cache()
        monkeypatch.setattr(lookup, "read", gone)
        response = ask(Origin=ORIGIN)
        assert is_refused(response, 503, "UNAVAILABLE")
        assert response["Retry-After"] == "2"

    def test_a_mistake_of_ours_is_told_as_one(self, ask, monkeypatch):
        monkeypatch.setattr(lookup, "rows_for", lambda *args: 1 / 0)
        assert is_refused(ask(), 500, "INTERNAL")


class TestPages:
    def preflight(self, origin, path=PATH):
        return Client().options(
            path,
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,content-type",
            },
        )

    @pytest.mark.parametrize("origin", [ORIGIN, "https://SHOP.example", "http://127.0.0.1:8000", "https://127.0.0.1"])
    def test_pages_of_the_shops_list_may_read(self, ask, shop, origin):
        before = self.preflight(origin)
        assert before["Access-Control-Allow-Origin"] == origin
        assert {"authorization", "content-type"} <= set(before["Access-Control-Allow-Headers"].split(", "))
        response = ask(shop.publishable_key, Origin=origin)
        assert response["Access-Control-Allow-Origin"] == origin
        assert "etag" in response["Access-Control-Expose-Headers"]
        assert "origin" in response["Vary"].lower()
        assert "Access-Control-Allow-Credentials" not in response

    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example", "http://shop.example", "https://shop.example:8443", "https://a.shop.example",
            "https://shop.example.evil.example", "null", "https://", "shop.example", "https://x@shop.example", "*",
        ],
    )  # fmt: skip
    def test_other_pages_may_not(self, ask, shop, origin):
        for response in (self.preflight(origin), ask(shop.publishable_key, Origin=origin)):
            assert "Access-Control-Allow-Origin" not in response

    def test_pages_of_a_shop_that_is_switched_off_may_not(self, ask, shop):
        change(shop, is_active=False)
        assert "Access-Control-Allow-Origin" not in self.preflight(ORIGIN)

    def test_no_page_may_read_anything_else(self, ask, shop):
        for path in ("/PGB/PayStatus", "/api/schema/", "/admin/login/"):
            assert "Access-Control-Allow-Origin" not in self.preflight(ORIGIN, path)
            assert "Access-Control-Allow-Origin" not in Client().get(path, headers={"Origin": ORIGIN})

    def test_errors_may_be_read_too(self, ask):
        assert ask("wrong", Origin=ORIGIN)["Access-Control-Allow-Origin"] == ORIGIN
