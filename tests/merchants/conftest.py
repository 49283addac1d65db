from datetime import timedelta

import pytest
from django.utils import timezone

from merchants.lookup import clear_cache
from payments.models import Order, PaymentSession
from tests.factories import ShopFactory


@pytest.fixture(autouse=True)
def _fresh_configuration():
    clear_cache()
    yield
    clear_cache()


@pytest.fixture
def use():
    """Opens a payment session with a merchant."""

    def open_session(merchant):
        shop = ShopFactory()
        order = Order.objects.create(db_type=shop.db_type, order_id=1, shop=shop, joiner_id=shop.joiner_id)
        return PaymentSession.objects.create(
            order=order,
            merchant=merchant,
            gateway=merchant.gateway,
            method="CARD",
            device="pc",
            nation="KR",
            amount=1000,
            currency=merchant.currency,
            redirect_url="https://shop.example/done",
            cancel_url="https://shop.example/cancel",
            description="test",
            expires_at=timezone.now() + timedelta(minutes=40),
        )

    return open_session
