"""Shops: what the database refuses whoever writes, and what a form or a file is told."""

import pytest
from django.db import connection

from merchants.models import Shop
from merchants.rules import check_publishable_key
from tests.factories import (
    ConnectionFactory,
    ShopFactory,
)
from tests.merchants.refusals import codes, refused

pytestmark = pytest.mark.django_db


class TestShop:
    def test_one_per_joiner(self):
        ShopFactory(joiner_id=1)
        ShopFactory(joiner_id=2)
        ShopFactory(joiner_id=1, db_type="KR2")
        refused("one_shop_per_joiner", ShopFactory, joiner_id=1)

    def test_one_for_every_joiner(self):
        ShopFactory(joiner_id=None)
        ShopFactory(joiner_id=None, db_type="KR2")
        refused("one_shop_for_every_joiner", ShopFactory, joiner_id=None)

    @pytest.mark.parametrize("nations", [[], ["kr"], ["KR", "J"], ["KOR"], ["KR,JP"], ["K1"], [None], ["KR", None]])
    def test_nations_are_codes(self, nations):
        refused("shop_nations_are_codes", ShopFactory, nations=nations)

    @pytest.mark.parametrize("currency", ["", "krw", "KR", "K1W"])
    def test_currency_is_a_code(self, currency):
        refused("shop_currency_is_code", ShopFactory, currency=currency)

    def test_joiner_is_not_negative(self):
        refused("joiner_id", ShopFactory, joiner_id=-1)

    def test_signing_secret_is_there(self):
        refused(
            "shop_has_signing_secret",
            Shop.objects.create,
            db_type="KR1",
            nations=["KR"],
            currency="KRW",
            redirect_hosts=[],
        )
        refused("sealed_signing_secret", ShopFactory, signing_secret=None)

    def test_cleaning_says_what_is_wrong(self):
        shop = ShopFactory.build(
            db_type="K R",
            nations=["UK"],
            currency="WON",
            completion_url="http://shop.example",
            redirect_hosts=["Shop.example"],
        )
        assert codes(shop) == {
            "db_type: name",
            "nations: item_invalid",
            "currency: currency",
            "completion_url: plain_http",
            "redirect_hosts: item_invalid",
        }

    @pytest.mark.parametrize(
        ("row", "refuses"),
        [
            ({}, True),
            ({"joiner_id": 1001}, True),
            ({"joiner_id": 2}, False),
            ({"connected": False}, False),
            ({"nation": "JP"}, False),
            ({"db_type": "KR2"}, False),
            ({"db_type": None}, False),
        ],
    )
    def test_currency_stays_while_a_connection_needs_it(self, row, refuses):
        shop = ShopFactory(joiner_id=1001)
        ConnectionFactory(**row)
        shop.full_clean()
        shop.currency = "JPY"
        if refuses:
            assert codes(shop) == {"__all__: shop_currency"}
        else:
            shop.full_clean()

    @pytest.mark.parametrize(("joiner_id", "refuses"), [(None, True), (1001, False), (2, True)])
    def test_shop_for_every_joiner_answers_for_those_without_an_own_row(self, joiner_id, refuses):
        ShopFactory(joiner_id=1001)
        rest = ShopFactory(joiner_id=None, currency="JPY")
        ConnectionFactory(joiner_id=joiner_id)
        if refuses:
            assert codes(rest) == {"__all__: shop_currency"}
        else:
            rest.full_clean()

    def test_set_api_key(self):
        shop = ShopFactory.build()
        first = shop.api_key_hash
        shop.set_api_key("another", keep_old=True)
        assert (shop.api_key_old_hash, len(shop.api_key_hash)) == (first, 64)
        shop.set_api_key("third", keep_old=False)
        assert shop.api_key_old_hash == ""


def test_code_from_before_the_publishable_key_may_still_add_shops():
    ShopFactory()
    names = [one.column for one in Shop._meta.concrete_fields if one.name not in ("id", "publishable_key", "uuid")]
    there = ", ".join(names)
    given = there.replace("joiner_id", "1")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO merchants_shop (uuid, {there}) SELECT gen_random_uuid(), {given} FROM merchants_shop"
        )
    check_publishable_key(Shop.objects.get(joiner_id=1).publishable_key)
