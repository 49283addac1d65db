"""Two of them at the same time, on the real database."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from django.db import connection, transaction

from merchants import rotation, switching
from merchants.models import Merchant, MethodConnection, Shop
from merchants.provision import apply, read
from merchants.switching import Refused, Wish
from tests.factories import (
    STRIPE_CREDENTIALS,
    ConnectionFactory,
    MerchantFactory,
    PaymentMethodFactory,
    ShopFactory,
)
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


def test_a_connection_switched_on_meanwhile_is_in_the_way():
    """Another person's row is not seen until it is committed; the database waits for it, and refuses."""
    ShopFactory()
    theirs, mine = (ConnectionFactory(priority=1, connected=False) for _ in range(2))

    def switch_mine_on():
        try:
            switching.preview(Wish.CONNECT, [mine.pk])
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            MethodConnection.objects.filter(pk=theirs.pk).update(connected=True)
            switched = pool.submit(switch_mine_on)
            wait_until_somebody_waits()
        with pytest.raises(Refused, match="방금 다른 사람이"):
            switched.result()


def wait_until_somebody_waits():
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            if cursor.fetchone():
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits")
