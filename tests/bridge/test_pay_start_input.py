"""What may stand in a PayStart: each wrong value is named, with what to do about it."""

import pytest

from payments.models import Order
from tests.door import READ_WELL
from tests.factories import ShopFactory

CARD = "4242 4242 4242 4242"
CARD_DIGITS = 4242424242424242
REQUIRED = [
    "DBType", "OrderId", "JoinerId", "PayType", "TotalPrice", "OrderDescription", "RedirectUrl", "NationCode",
]  # fmt: skip


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("missing", [..., None])
def test_a_missing_key_is_named(door, name, missing):
    assert door.refused(f"{name}: This field is required.", **{name: missing})


def test_all_that_is_wrong_is_named_at_once(door):
    assert door.refused(
        "OrderId: must be a whole", "PayType: This field", "Device: must be", OrderId="x", PayType=..., Device=1
    )


def test_messages_are_english_whatever_the_caller_speaks(door):
    response = door.post(door.order(PayType=...), **{"Accept-Language": "ko"})
    assert response.json()["ErrorMessage"] == "PayType: This field is required."


TEXTS = ["DBType", "PayType", "OrderDescription", "RedirectUrl", "NationCode", "BuyerName", "BuyerTel", "RequestId"]


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("value", [1, 1.5, True, ["KR"], {"a": "KR"}])
def test_text_must_be_text(door, name, value):
    assert door.refused(f"{name}: must be text", **{name: value})


@pytest.mark.parametrize("name", ["OrderId", "JoinerId", "ClaimId"])
@pytest.mark.parametrize(
    "value",
    [True, 1.0, 1.5, 1e3, "1.0", "+1", " 1", "1_000", "1,000", "1e3", "0x1", "١", "１", "-1", "one", [1], {"a": 1}],
)
def test_ids_are_whole_numbers(door, name, value):
    assert door.refused(f"{name}: must be a whole number, such as 1001", **{name: value})


@pytest.mark.parametrize("value", [0, -1, "0", 2**63, "9" * 20, int("9" * 20)])
def test_an_order_id_is_positive_and_fits(door, value):
    assert door.refused("OrderId: Ensure this value is", OrderId=value)


@pytest.mark.parametrize("value", [1, "1", "0001", 2**63 - 1, str(2**63 - 1), CARD_DIGITS])
def test_an_order_id_is_a_number_or_its_digits(door, value):
    assert door.start(OrderId=value)["ErrorCode"] == READ_WELL


@pytest.mark.parametrize(
    "price",
    [
        "1,000", "10.5", "-1", "+1", "1e3", "١٠٠", "１００", "", " ", "64900 won", "0x10", "1_000", ".5", "1.",
        "64900.0001", "9" * 20, int("9" * 20), int("9" * 21), "1" + "0" * 15, 64900.0, 64900.5, 1e3, -1, True,
        ["64900"], {"a": 1}, float("nan"), float("inf"),
    ],
)  # fmt: skip
def test_a_price_that_is_none_is_refused(door, price):
    assert door.refused("TotalPrice: ", TotalPrice=price)
    assert price == "" or door.refused("TaxFreePrice: ", TaxFreePrice=price)


@pytest.mark.parametrize("price", ["0", 0, "0.00", "000"])
def test_nothing_cannot_be_paid(door, price):
    assert door.refused("TotalPrice: must be more than 0", TotalPrice=price)


@pytest.mark.parametrize("price", ["64900", 64900, "64900.0000", "64900.0", "0064900", "9" * 15, 10**15 - 1])
def test_a_price_is_a_whole_number_or_its_text(door, price):
    assert door.start(TotalPrice=price, TaxFreePrice=price)["ErrorCode"] == READ_WELL


def test_a_price_has_the_decimals_of_the_shops_currency(door):
    door.shop = ShopFactory(db_type="US1", joiner_id=1, nations=["US"], currency="USD")
    us = {"NationCode": "US", "JoinerId": 1}
    assert door.start(TotalPrice="10.5", **us)["ErrorCode"] == READ_WELL
    assert door.refused("USD has 2 decimals", TotalPrice="10.505", **us)


def test_the_tax_free_part_is_no_more_than_the_price(door):
    assert door.start(TotalPrice="100", TaxFreePrice="100")["ErrorCode"] == READ_WELL
    assert door.refused("TaxFreePrice: must not be more than TotalPrice", TotalPrice="100", TaxFreePrice=101)


@pytest.mark.parametrize(
    ("name", "good"), [("Device", ["pc", "mobile", "PC", "Mobile"]), ("PGType", ["stripe", "Stripe"])]
)
def test_words_are_one_of_a_few_in_any_letter_case(door, name, good):
    assert all(door.start(**{name: word})["ErrorCode"] == READ_WELL for word in good)
    for wrong in ["phone", "\ud800", 1, ["pc"]]:
        assert door.refused(f"{name}: must be one of {good[0]}, ", **{name: wrong})


@pytest.mark.parametrize("nation", ["JP", "K", "KOR", "K1"])
def test_the_nation_is_one_that_the_shop_serves(door, nation):
    assert door.refused("NationCode: ", NationCode=nation)
    assert door.start(NationCode="kr", PayType="card")["ErrorCode"] == READ_WELL


@pytest.mark.parametrize("name", [*TEXTS, "CancelUrl"])
@pytest.mark.parametrize("value", ["a\0b", "\0", "\ud800", "KR\udfff"])
def test_text_that_cannot_be_stored_is_refused(door, name, value):
    assert door.refused(f"{name}: ", "characters are not allowed", **{name: value})


@pytest.mark.parametrize(
    ("name", "most"), [("DBType", 20), ("OrderDescription", 500), ("BuyerName", 100), ("RequestId", 255)]
)
def test_text_has_a_greatest_length(door, name, most):
    assert door.refused(f"{name}: Ensure this field has no more than {most} characters.", **{name: "가" * (most + 1)})


@pytest.mark.parametrize("name", ["OrderDescription", "BuyerName", "BuyerEmail", "BuyerTel"])
def test_a_card_number_in_what_people_write_is_refused(door, name):
    assert door.refused(f"{name}: seems to hold a card number", "leave it out", **{name: f"card {CARD}"})


def test_ids_and_addresses_may_look_like_cards(door):
    address = f"https://shop.example/{CARD_DIGITS}?order={CARD_DIGITS}"
    looks = {
        "OrderId": CARD_DIGITS,
        "ClaimId": CARD_DIGITS,
        "RequestId": CARD,
        "RedirectUrl": address,
        "CancelUrl": address,
    }
    assert door.start(**looks)["ErrorCode"] == READ_WELL


@pytest.mark.parametrize("name", ["RedirectUrl", "CancelUrl"])
def test_an_address_that_is_not_on_the_list_is_refused(door, name):
    answer = door.start(**{name: "https://evil.example/thanks"})
    assert answer["ErrorCode"] == "REDIRECT_NOT_ALLOWED"
    assert f"{name}: must be an absolute https address" in answer["ErrorMessage"]


def test_what_is_refused_leaves_no_order_behind(door):
    door.start()
    door.refused(OrderId="x")
    assert not Order.objects.exists()


DESCRIPTION = "명함 200매 🖨️ 名刺 “특급” <b>&amp;"


def test_what_was_read_is_what_is_stored(world):
    answer = world.start(
        7, TotalPrice="64900.0000", TaxFreePrice=900, OrderDescription=DESCRIPTION, PayType="card", Device="MOBILE",
        BuyerName="홍길동", BuyerTel="010-1234-5678", CancelUrl="https://shop.example/주문?a=1#b", ClaimId="0",
    )  # fmt: skip
    assert answer["IsSuccess"] is True
    session = world.session(7)
    assert (session.amount, session.tax_free, session.currency) == (64900, 900, "KRW")
    assert (session.description, session.method, session.device) == (DESCRIPTION, "CARD", "mobile")
    assert session.cancel_url == "https://shop.example/주문?a=1#b"
    assert session.buyer == {"name": "홍길동", "tel": "010-1234-5678"}


def test_without_a_cancel_url_the_redirect_url_serves(world):
    world.start(7)
    assert world.session(7).cancel_url == world.session(7).redirect_url
