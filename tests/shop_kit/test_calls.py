"""Both kits call the real PGB: start, ask, and the errors that a developer meets first."""

import pytest

from merchants.keys import hash_api_key
from merchants.lookup import clear_cache
from merchants.models import MethodConnection
from payments.models import PaymentSession
from tests.factories import SIGNING_SECRET, ShopFactory
from tests.shop_kit.kit import ORDER, OTHER_SECRET, START, start


def failed(answer, kind, code=""):
    assert (answer.get("kind"), answer.get("code")) == (kind, code), answer
    return answer["message"]


def test_a_payment_is_started_paid_and_told(shop, world):
    started = start(shop)
    assert (started["type"], started["stage"]) == ("Redirect", "STANDBY")
    assert started["url"].startswith(world.sandbox.url)
    world.pay(7)
    world.work()
    told = shop.books()
    assert [(one["EventType"], one["OrderId"], one["Stage"], one["TotalPrice"]) for one in told] == [
        ("PayComplete", 7, "PAID", "64900")
    ]
    assert told[0]["PaymentId"] == started["payment_id"]
    status = shop.call("PayStatus", **ORDER)
    assert (status["stage"], status["paid"], status["balance"]) == ("PAID", "64900", "64900")


def test_an_equal_start_gets_the_same_page(shop):
    first, second = start(shop), start(shop)
    assert (first["url"], first["payment_id"]) == (second["url"], second["payment_id"])
    assert PaymentSession.objects.count() == 1


def test_a_decimal_of_dotnet_is_the_same_amount(shop):
    """And no culture's comma gets into it: the C# program runs under one."""
    first, second = start(shop), start(shop, TotalPrice="64900.0000")
    assert first["payment_id"] == second["payment_id"]
    assert PaymentSession.objects.get().amount == 64900


def test_a_fraction_that_won_do_not_have_is_refused(shop):
    assert "TotalPrice" in failed(start(shop, TotalPrice="64900.5"), "PgbSetup", "INVALID_REQUEST")


def test_korean_and_japanese_text_arrives_as_it_is(shop):
    start(
        shop, OrderDescription='명함 200매 「名刺」 / "고급지" \\ 😀', BuyerName="홍길동 様", BuyerTel="010-1234-5678"
    )
    session = PaymentSession.objects.get()
    assert session.description == '명함 200매 「名刺」 / "고급지" \\ 😀'
    assert session.buyer == {"name": "홍길동 様", "tel": "010-1234-5678"}


def test_every_option_arrives(shop):
    start(
        shop, ClaimId=3, Device="mobile", CancelUrl="https://shop.example/basket", TaxFreePrice="4900", PGType="stripe"
    )
    session = PaymentSession.objects.get()
    assert (session.order.claim_id, session.device, session.tax_free) == (3, "mobile", 4900)
    assert session.cancel_url == "https://shop.example/basket"


def test_calls_may_be_signed_instead(shop, live_server):
    shop.at(live_server.url, secret=SIGNING_SECRET)
    assert start(shop)["type"] == "Redirect"
    assert shop.call("PayStatus", **ORDER)["stage"] == "STANDBY"


@pytest.mark.parametrize("proof", [{"key": "wrong"}, {"secret": OTHER_SECRET}])
def test_a_wrong_key_or_secret_is_said_clearly(shop, live_server, proof):
    shop.at(live_server.url, **proof)
    answer = start(shop)
    message = failed(answer, "PgbSetup", "UNAUTHORIZED")
    assert ("this key opens no shop" if "key" in proof else "the signature is not valid") in message
    assert answer["status"] == 401
    assert answer["x_request_id"] and answer["x_request_id"] in message


def test_another_shops_key_is_said_clearly(shop, live_server):
    ShopFactory(joiner_id=1002, api_key_hash=hash_api_key("another-key"))
    clear_cache()
    shop.at(live_server.url, key="another-key")
    failed(start(shop), "PgbSetup", "FORBIDDEN")


def test_a_paid_order_is_not_started_again(shop, world):
    start(shop)
    world.pay(7)
    world.work()
    answer = start(shop)
    failed(answer, "PgbRefused", "ALREADY_PAID")
    assert answer["balance"] == "64900"


@pytest.mark.parametrize(
    ("changes", "kind", "code"),
    [
        ({"PayType": "KONBINI"}, "PgbRefused", "METHOD_NOT_CONNECTED"),
        ({"PGType": "inicis"}, "PgbRefused", "NO_MERCHANT"),
        ({"RedirectUrl": "https://evil.example/thanks"}, "PgbSetup", "REDIRECT_NOT_ALLOWED"),
        ({"RedirectUrl": "https://shop.example@evil.example/"}, "PgbSetup", "REDIRECT_NOT_ALLOWED"),
        ({"RedirectUrl": "https://상점.example/thanks"}, "PgbSetup", "REDIRECT_NOT_ALLOWED"),
        ({"RedirectUrl": "http://shop.example/thanks"}, "PgbSetup", "REDIRECT_NOT_ALLOWED"),
        ({"DBType": "KR9"}, "PgbSetup", "UNKNOWN_SHOP"),
        ({"OrderDescription": "card 4111 1111 1111 1111"}, "PgbSetup", "INVALID_REQUEST"),
    ],
)
def test_a_refusal_says_who_must_do_something(shop, changes, kind, code):
    failed(start(shop, **changes), kind, code)


def test_a_shop_host_in_odd_spelling_is_still_its_own(shop):
    assert start(shop, RedirectUrl="https://SHOP.example:443/주문/완료?다음=1#끝")["type"] == "Redirect"


def test_an_order_that_was_never_started_is_not_found(shop):
    failed(shop.call("PayStatus", **ORDER), "PgbRefused", "ORDER_NOT_FOUND")


def test_claim_payments_and_earlier_attempts_are_listed_beside_the_order(shop, world):
    start(shop)
    start(shop, ClaimId=3, TotalPrice="5000")
    with world.working():
        start(shop, TotalPrice="70000")
    status = shop.call("PayStatus", **ORDER)
    assert (status["claims"], status["others"]) == (1, 1)
    assert shop.call("PayStatus", **ORDER, ClaimId=3)["claims"] == 0


def test_too_many_calls_are_told_as_such(shop, live_server, settings):
    settings.PGB_SHOP_CALLS_PER_MINUTE = 0
    shop.at(live_server.url, timeout=30, patience=0.5, repeat_after=0.1)
    assert "too many calls" in failed(start(shop), "PgbUnavailable", "THROTTLED")


def test_without_pgb_a_start_is_in_doubt_and_a_question_is_not(shop):
    shop.at("http://127.0.0.1:9", timeout=5, patience=5, repeat_after=0.01)
    assert "ask with" in failed(start(shop), "PgbInDoubt")
    failed(shop.call("PayStatus", **ORDER), "PgbUnavailable")


@pytest.mark.parametrize("proof", [{}, {"secret": SIGNING_SECRET}])
def test_a_form_of_the_platform_is_understood(shop, live_server, proof):
    shop.at(live_server.url, **proof)
    answer = shop.form("/pgb/paystart/", **{**START, "TotalPrice": "64900.0000", "OrderDescription": "명함 & 名刺 +1"})
    assert (answer["IsSuccess"], answer["Type"]) == (True, "Redirect")
    session = PaymentSession.objects.get()
    assert (session.description, session.amount) == ("명함 & 名刺 +1", 64900)


TARGET = {"DBType": "KR1", "JoinerId": 1001, "NationCode": "KR", "PayType": "CARD"}


@pytest.mark.parametrize(
    ("keys", "is_target"),
    [
        ({}, True), ({"PayType": "card", "PGType": "stripe", "Device": "mobile"}, True), ({"PGType": "inicis"}, False),
        ({"PayType": "BANK"}, False), ({"PayType": "POINT"}, False), ({"PayType": "SEASHELLS"}, False),
    ],
)  # fmt: skip
def test_an_integration_target_is_connected(shop, keys, is_target):
    assert shop.call("IsIntegrationTarget", **{**TARGET, **keys}) == {"answer": is_target}


@pytest.mark.parametrize("flag", ["connected", "in_use"])
def test_an_integration_target_is_connected_and_in_use(shop, flag):
    MethodConnection.objects.update(**{flag: False})
    clear_cache()
    assert shop.call("IsIntegrationTarget", **TARGET) == {"answer": False}


def test_whether_it_is_one_can_be_asked_by_signature(shop, live_server):
    shop.at(live_server.url, secret=SIGNING_SECRET)
    assert shop.call("IsIntegrationTarget", **TARGET) == {"answer": True}


@pytest.mark.parametrize(
    ("keys", "code", "words"),
    [
        ({"JoinerId": 9}, "UNKNOWN_SHOP", "no shop is registered here"),
        ({"NationCode": "JP"}, "INVALID_REQUEST", "nation_code: this shop serves KR only"),
        ({"Device": "tv"}, "INVALID_REQUEST", "device: "),
    ],
)
def test_a_question_that_cannot_be_answered_is_a_matter_of_setup(shop, keys, code, words):
    answer = shop.call("IsIntegrationTarget", **{**TARGET, **keys})
    assert words in failed(answer, "PgbSetup", code)


def test_too_many_questions_are_told_as_such(shop, live_server, settings):
    settings.PGB_SHOP_CALLS_PER_MINUTE = 0
    shop.at(live_server.url, timeout=30, patience=0.5, repeat_after=0.1)
    assert "too many calls" in failed(shop.call("IsIntegrationTarget", **TARGET), "PgbUnavailable", "THROTTLED")
