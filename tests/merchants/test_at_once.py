"""Two of them at the same time, on the real database."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from django.db import connection

from merchants import rotation
from merchants.models import Merchant, MethodConnection, Shop
from merchants.provision import apply, read
from tests.factories import STRIPE_CREDENTIALS, MerchantFactory, PaymentMethodFactory
from tests.merchants.provision_file import ENVIRONMENT

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works):
    """Runs them in threads of their own, from one start, and returns their results."""
    start = threading.Barrier(len(works))

    def run(work):
        start.wait()
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_provisioning_creates_each_row_once(tmp_path, file):
    PaymentMethodFactory()
    path = tmp_path / "pgb.yaml"
    path.write_text(yaml.safe_dump(file))

    def provision():
        return [outcome.created for outcome in apply(read(path, ENVIRONMENT))]

    results = at_once(*[provision] * 4)
    assert sorted(results) == [[False] * 3] * 3 + [[True] * 3]
    assert [model.objects.count() for model in (Shop, Merchant, MethodConnection)] == [1, 1, 1]


def test_rotation_beside_another_and_beside_writers(settings, monkeypatch):
    monkeypatch.setattr(rotation, "_BATCH", 5)
    merchants = MerchantFactory.create_batch(40)
    settings.PGB_FIELD_KEYS = [os.urandom(32), *settings.PGB_FIELD_KEYS]
    column = next(column for column in rotation.sealed_columns() if column.model is Merchant)

    def write():
        for merchant in merchants[::2]:
            merchant.credentials = STRIPE_CREDENTIALS | {"webhook_secret_old": merchant.code}
            merchant.save()

    done, again, _ = at_once(lambda: rotation.rotate(column), lambda: rotation.rotate(column), write)
    assert done.unreadable == again.unreadable == []
    assert not column.outdated().exists()
    settings.PGB_FIELD_KEYS = settings.PGB_FIELD_KEYS[:1]
    for merchant in Merchant.objects.all():
        written = {"webhook_secret_old": merchant.code} if merchant in merchants[::2] else {}
        assert merchant.credentials == STRIPE_CREDENTIALS | written
