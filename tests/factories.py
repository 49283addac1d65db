"""Rows for tests. Keys are the ones a reader can repeat: ``API_KEY``, ``SIGNING_SECRET``."""

import base64

import factory
from factory.django import DjangoModelFactory

from merchants.codes import Device, GatewayCode, Mode
from merchants.keys import hash_api_key
from merchants.models import Merchant, MethodConnection, PaymentMethod, Shop

API_KEY = "test-api-key-of-forty-characters-012345678"
SIGNING_SECRET = "whsec_" + base64.b64encode(b"a signing secret of 32 bytes....").decode()
STRIPE_CREDENTIALS = {"secret_key": "sk_test_0123456789abcdef", "webhook_secret": "whsec_0123456789abcdef"}


class ShopFactory(DjangoModelFactory):
    """KR1/1001, 1002 ... in Korea, in KRW."""

    class Meta:
        model = Shop

    db_type = "KR1"
    joiner_id = factory.Sequence(lambda n: 1001 + n)
    nations = factory.LazyFunction(lambda: ["KR"])
    currency = "KRW"
    api_key_hash = hash_api_key(API_KEY)
    completion_url = "https://shop.example/pgb/complete"
    signing_secret = SIGNING_SECRET
    redirect_hosts = factory.LazyFunction(lambda: ["shop.example"])


class MerchantFactory(DjangoModelFactory):
    """A Stripe test account in KRW."""

    class Meta:
        model = Merchant

    code = factory.Sequence(lambda n: f"stripe-{n}")
    gateway = GatewayCode.STRIPE
    mid = factory.Sequence(lambda n: f"acct_{n}")
    mode = Mode.TEST
    currency = "KRW"
    credentials = STRIPE_CREDENTIALS


class PaymentMethodFactory(DjangoModelFactory):
    """CARD and the others are there from a migration; this finds them."""

    class Meta:
        model = PaymentMethod
        django_get_or_create = ("code",)

    code = "CARD"
    name = factory.SelfAttribute("code")


class ConnectionFactory(DjangoModelFactory):
    """CARD on every device for the whole DBType KR1, through a merchant of its own; the older row first."""

    class Meta:
        model = MethodConnection

    db_type = "KR1"
    nation = "KR"
    method = factory.SubFactory(PaymentMethodFactory)
    device = Device.ANY
    merchant = factory.SubFactory(MerchantFactory)
    priority = factory.Sequence(lambda n: 1 + n)
