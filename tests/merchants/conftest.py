import copy
import json
import logging
from datetime import timedelta

import pytest
import yaml
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from merchants.models import Merchant, MethodConnection, Shop
from merchants.provision import ProvisionError, apply, read
from payments.models import Order, PaymentSession
from tests.factories import (
    ShopFactory,
)
from tests.merchants.pages import SECRETS
from tests.merchants.provision_file import ENVIRONMENT, FILE


@pytest.fixture
def admin_client(client):
    """A superuser without a password: hashing one takes longer than these tests."""
    client.force_login(User.objects.create(username="staff", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def page(admin_client, caplog):
    """Opens pages as a superuser; none of them, and nothing logged, holds a secret."""
    caplog.set_level(logging.DEBUG)

    def open_page(model, row=None, data=None, view="change", query=None, follow=True):
        name = view if row else "add" if data is not None or view == "add" else "changelist"
        url = reverse(f"admin:merchants_{model.__name__.lower()}_{name}", args=[row.pk] if row else [], query=query)
        answer = admin_client.get(url, follow=follow) if data is None else admin_client.post(url, data, follow=follow)
        text = answer.content.decode()
        leaks = [secret for secret in SECRETS if secret in text or secret in caplog.text]
        assert not leaks
        assert answer.status_code == 200
        return answer

    return open_page


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


@pytest.fixture
def file():
    return copy.deepcopy(FILE)


@pytest.fixture
def provision(tmp_path):
    def run(content, name="pgb.yaml", environment=ENVIRONMENT):
        path = tmp_path / name
        if not isinstance(content, str):
            content = json.dumps(content) if name.endswith("json") else yaml.safe_dump(content)
        path.write_text(content, encoding="utf-8")
        return [str(outcome) for outcome in apply(read(path, environment))]

    return run


@pytest.fixture
def problems(provision):
    """The problems of a file; also: nothing was changed."""

    def run(content, *args, **kwargs):
        before = [list(model.objects.values()) for model in (Shop, Merchant, MethodConnection)]
        with pytest.raises(ProvisionError) as error:
            provision(content, *args, **kwargs)
        assert [list(model.objects.values()) for model in (Shop, Merchant, MethodConnection)] == before
        return error.value.problems

    return run
