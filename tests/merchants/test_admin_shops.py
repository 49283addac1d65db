"""The back office page of a shop."""

import os

import pytest

from merchants.keys import hash_api_key
from merchants.models import Shop
from tests.factories import (
    API_KEY,
    SIGNING_SECRET,
    ShopFactory,
)
from tests.merchants.pages import NEW_KEY, NEW_SECRET, errors

pytestmark = pytest.mark.django_db

SHOP = {
    "db_type": "KR1",
    "joiner_id": "1001",
    "nations": "KR, JP",
    "currency": "KRW",
    "completion_url": "https://shop.example/complete",
    "redirect_hosts": "shop.example,m.shop.example",
    "is_active": "on",
}


class TestShop:
    def test_is_added(self, page):
        page(Shop, data=SHOP | {"new_api_key": NEW_KEY, "new_signing_secret": NEW_SECRET})
        shop = Shop.objects.get()
        assert (shop.db_type, shop.joiner_id, shop.nations) == ("KR1", 1001, ["KR", "JP"])
        assert shop.redirect_hosts == ["shop.example", "m.shop.example"]
        assert (shop.api_key_hash, shop.api_key_old_hash) == (hash_api_key(NEW_KEY), "")
        assert (shop.signing_secret, shop.signing_secret_old) == (NEW_SECRET, None)

    def test_needs_a_signing_secret(self, page):
        assert list(errors(page(Shop, data=SHOP))) == ["new_signing_secret"]

    def test_keys_stay_when_nothing_is_entered(self, page):
        shop = ShopFactory()
        page(Shop, shop, SHOP)
        shop.refresh_from_db()
        assert shop.completion_url == SHOP["completion_url"]
        assert (shop.api_key_hash, shop.signing_secret) == (hash_api_key(API_KEY), SIGNING_SECRET)

    def test_new_key_and_secret_keep_the_old_ones_beside_them(self, page):
        shop = ShopFactory()
        page(Shop, shop, SHOP | {"new_api_key": NEW_KEY, "new_signing_secret": NEW_SECRET})
        shop.refresh_from_db()
        assert (shop.api_key_hash, shop.api_key_old_hash) == (hash_api_key(NEW_KEY), hash_api_key(API_KEY))
        assert (shop.signing_secret, shop.signing_secret_old) == (NEW_SECRET, SIGNING_SECRET)

    def test_old_key_and_secret_are_dropped(self, page):
        shop = ShopFactory(api_key_old_hash=hash_api_key(NEW_KEY), signing_secret_old=NEW_SECRET)
        page(Shop, shop, SHOP | {"drop_old_api_key": "on", "drop_old_signing_secret": "on"})
        shop.refresh_from_db()
        assert (shop.api_key_old_hash, shop.signing_secret_old) == ("", None)
        assert (shop.api_key_hash, shop.signing_secret) == (hash_api_key(API_KEY), SIGNING_SECRET)

    def test_replaced_and_dropped_at_once(self, page):
        shop = ShopFactory()
        changes = {"new_api_key": NEW_KEY, "new_signing_secret": NEW_SECRET}
        page(Shop, shop, SHOP | changes | {"drop_old_api_key": "on", "drop_old_signing_secret": "on"})
        shop.refresh_from_db()
        assert (shop.api_key_old_hash, shop.signing_secret_old) == ("", None)

    def test_identity_does_not_change(self, page):
        shop = ShopFactory(joiner_id=1)
        page(Shop, shop, SHOP | {"db_type": "KR2", "joiner_id": "2"})
        shop.refresh_from_db()
        assert (shop.db_type, shop.joiner_id) == ("KR1", 1)

    @pytest.mark.parametrize(
        ("changes", "name", "message"),
        [
            ({"nations": "KR,UK"}, "nations", "2번째 값: ISO 3166 국가 코드"),
            ({"nations": ""}, "nations", "필수"),
            ({"currency": "WON"}, "currency", "통화 코드"),
            ({"completion_url": "http://shop.example/"}, "completion_url", "loopback"),
            ({"redirect_hosts": "https://shop.example"}, "redirect_hosts", "호스트 이름"),
            ({"new_api_key": NEW_KEY[:12]}, "new_api_key", "16자"),
            ({"new_signing_secret": NEW_SECRET[:20]}, "new_signing_secret", "whsec_"),
        ],
    )
    def test_wrong_input(self, page, changes, name, message):
        answer = page(Shop, ShopFactory(), SHOP | {"new_api_key": NEW_KEY} | changes)
        assert list(errors(answer)) == [name]
        assert message in errors(answer)[name][0]
        assert NEW_KEY[:20] not in answer.content.decode()

    def test_an_empty_form(self, page):
        answer = page(Shop, data=dict.fromkeys(SHOP, ""))
        assert {"db_type", "nations", "currency"} <= set(errors(answer))

    def test_the_same_shop_twice(self, page):
        ShopFactory(joiner_id=1001)
        answer = page(Shop, data=SHOP | {"new_signing_secret": NEW_SECRET})
        assert errors(answer) == {"__all__": ["같은 DBType과 JoinerId의 상점이 이미 있습니다."]}

    def test_page_opens_when_the_field_key_is_lost(self, page, settings):
        shop = ShopFactory()
        settings.PGB_FIELD_KEYS = [os.urandom(32)]
        assert "PGB_FIELD_KEYS" in page(Shop, shop).content.decode()
        page(Shop, shop, SHOP | {"new_signing_secret": NEW_SECRET})
        shop.refresh_from_db()
        assert (shop.signing_secret, shop.signing_secret_old) == (NEW_SECRET, None)
