"""No answer of any call, good or bad, holds a stored secret: every path of the schema is walked."""

import base64
import json

import pytest
from django.conf import settings
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from installments.models import Bearer
from merchants import lookup
from merchants.codes import GatewayCode
from merchants.models import Merchant, Shop
from merchants.rules import CREDENTIALS
from tests.door import signed
from tests.factories import API_KEY, SIGNING_SECRET, ConnectionFactory, MerchantFactory, ShopFactory
from tests.installments.factories import NoticeFactory
from tests.payments.factories import OrderFactory, PaymentSessionFactory

PAGE = {"db_type": "KR1", "joiner_id": 1001, "nation_code": "KR"}
ORDER = {"DBType": "KR1", "JoinerId": 1001, "OrderId": 1}
PART = {"RefundPrice": 4900, "CurrentTotalPrice": 64900, "ModifedTotalPrice": 60000}
ALL = {"CurrentTotalPrice": 60000, "PGType": "stripe", "PayType": "CARD"}
METHODS = ["CARD", "BANK", "VBANK", "MOBILE", "KAKAOPAY", "NAVERPAY"]


def whole_questions(world):
    """For each path of the interface what is answered with all that there is to tell."""
    window = {**PAGE, "order_id": 77, "return_url": "https://shop.example/return"}
    return {
        "/PGB/PayStart": world.order(1),
        "/PGB/PayStatus": ORDER,
        "/PGB/PartialCancel": {**world.named(2), **PART},
        "/PGB/FullCancel": {**world.named(2), **ALL},
        "/api/v1/payment-methods/connections": {**PAGE, "pay_type": "CARD"},
        "/api/v1/merchants/lookup": {**PAGE, "pay_type": "CARD"},
        "/api/v1/pg-info": PAGE,
        "/api/v1/account-verification-mid": PAGE,
        "/api/v1/installments/interest-free": PAGE,
        "/api/v1/inicis/pc-payment-parameters": window,
    }


@pytest.fixture
def full_world(world, settings):
    """A merchant of every gateway with every key it can have, each behind a method; a payment at Inicis; a notice.

    Order 2 was paid, and given back in two parts.
    """
    world.paid(2)
    with world.working():
        world.partial(4900, order_id=2)
        world.full(60000, 2)
    settings.PGB_GATEWAYS = {code: settings.PGB_GATEWAYS.get(code, code) for code in GatewayCode.values}
    settings.PGB_ACCOUNT_VERIFICATION_MIDS = {"KR": "INIacct001"}
    settings.PGB_PUBLIC_CALLS_PER_MINUTE = 1_000_000
    world.shop.signing_secret_old = "whsec_" + base64.b64encode(b"the secret before of 32 bytes...").decode()
    world.shop.set_api_key(API_KEY, keep_old=False)
    world.shop.redirect_hosts = [*world.shop.redirect_hosts, "shop.example"]
    world.shop.save()
    ShopFactory(db_type="KR2", joiner_id=None)
    merchants = {}
    for gateway, method in zip(GatewayCode.values, METHODS, strict=True):
        keys = {name: f"secret-of-{gateway}-{name}-{number}" for number, one in enumerate(CREDENTIALS[gateway])
                for name in sorted(one) if not number}  # fmt: skip
        if gateway != GatewayCode.STRIPE:
            merchants[gateway] = MerchantFactory(gateway=gateway, mid=f"mid-{gateway}", credentials=keys)
            ConnectionFactory(method__code=method if method != "CARD" else "BANK", merchant=merchants[gateway])
    NoticeFactory(bearer=Bearer.SHOP, starts_on="2020-01-01", ends_on="2099-12-31")
    PaymentSessionFactory(
        order=OrderFactory(shop=world.shop, order_id=77), merchant=merchants[GatewayCode.INICIS], page_url=""
    )
    lookup.clear_cache()
    return world


def stored_secrets():
    """Everything that the tables keep sealed or hashed, the parts of addresses that nobody may guess, and our own."""
    for shop in Shop.objects.all():
        yield from (shop.signing_secret, shop.signing_secret_old, shop.api_key_hash, shop.api_key_old_hash)
    for merchant in Merchant.objects.all():
        yield from merchant.credentials.values()
        yield merchant.webhook_token
    yield from (API_KEY, settings.SECRET_KEY, settings.DATABASES["default"]["PASSWORD"])
    yield from (base64.urlsafe_b64encode(key).decode() for key in settings.PGB_FIELD_KEYS)


def answers(world, path, method, keys):
    """Ask in every way that a shop or a page may, and in some that they may not."""
    client = Client(raise_request_exception=False)
    key = {"Authorization": f"Bearer {API_KEY}"}
    public = {"Authorization": f"Bearer {world.shop.publishable_key}"}
    wrong = [{**keys, name: value} for name in keys for value in (None, "", "x" * 30, -1, [], "JP")]
    bodies = [keys, {}, *wrong]
    for headers in (key, public, {}, {"Authorization": "Bearer wrong"}):
        for body in bodies if headers in (key, public) else bodies[:1]:
            if method == "get":
                yield client.get(
                    path, {name: value for name, value in body.items() if value is not None}, headers=headers
                )
            else:
                yield client.post(path, json.dumps(body), content_type="application/json", headers=headers)
    text = json.dumps(keys)
    yield client.post(path, text, content_type="application/json", headers=signed(text, SIGNING_SECRET))
    yield from (client.options(path, headers=key), client.delete(path, headers=key), client.get(path, headers=key))


def test_no_answer_holds_a_stored_secret(full_world):
    secrets = {secret for secret in stored_secrets() if secret}
    assert len(secrets) > 20
    questions = whole_questions(full_world)
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    assert set(paths) == set(questions), "a new call: say how it is asked, and its answers are walked too"
    for path, operations in paths.items():
        good = 0
        for response in answers(full_world, path, *operations, questions[path]):
            said = f"{dict(response.headers)} {response.content.decode()}"
            assert [secret for secret in secrets if secret in said] == [], path
            told = response.json() if response["Content-Type"] == "application/json" else {}
            good += (told.get("is_success") or told.get("IsSuccess")) is True
        assert good, f"{path} never had anything to tell"
