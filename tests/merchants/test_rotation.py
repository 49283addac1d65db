import os
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from merchants import rotation
from merchants.crypto import seal, writing_key_id
from merchants.models import Merchant, Shop
from tests.factories import SIGNING_SECRET, STRIPE_CREDENTIALS, MerchantFactory, ShopFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def column():
    return next(column for column in rotation.sealed_columns() if column.model is Merchant)


@pytest.fixture
def new_key_first(settings):
    old = list(settings.PGB_FIELD_KEYS)

    def change():
        settings.PGB_FIELD_KEYS = [os.urandom(32), *old]

    return change


def run(*args):
    out, err = StringIO(), StringIO()
    try:
        call_command("rotate_field_keys", *args, stdout=out, stderr=err)
    except CommandError as error:
        err.write(str(error))
    return out.getvalue(), err.getvalue()


def test_finds_the_columns():
    names = {str(column) for column in rotation.sealed_columns()}
    assert {
        "merchants_merchant.sealed_credentials",
        "merchants_shop.sealed_signing_secret",
        "merchants_shop.sealed_signing_secret_old",
    } <= names


def test_values_open_with_the_new_key_alone(settings, new_key_first):
    MerchantFactory()
    ShopFactory()
    new_key_first()
    out, err = run()
    assert "merchants_merchant.sealed_credentials: 1 sealed again" in out
    assert "merchants_shop.sealed_signing_secret: 1 sealed again" in out
    assert "merchants_shop.sealed_signing_secret_old: 0 sealed again" in out
    assert not err
    settings.PGB_FIELD_KEYS = settings.PGB_FIELD_KEYS[:1]
    assert Merchant.objects.get().credentials == STRIPE_CREDENTIALS
    assert Shop.objects.get().signing_secret == SIGNING_SECRET


def test_second_run_changes_nothing(new_key_first):
    MerchantFactory()
    new_key_first()
    run()
    before = bytes(Merchant.objects.get().sealed_credentials)
    out, _ = run()
    assert "merchants_merchant.sealed_credentials: 0 sealed again" in out
    assert bytes(Merchant.objects.get().sealed_credentials) == before


def test_more_rows_than_a_batch(monkeypatch, new_key_first, column):
    monkeypatch.setattr(rotation, "_BATCH", 2)
    MerchantFactory.create_batch(5)
    new_key_first()
    assert rotation.rotate(column).sealed_again == 5
    assert not column.outdated().exists()


def test_check_names_the_old_key_and_fails(new_key_first):
    MerchantFactory()
    old = writing_key_id().decode()
    new_key_first()
    before = bytes(Merchant.objects.get().sealed_credentials)
    out, err = run("--check")
    assert f"merchants_merchant.sealed_credentials: 1 sealed with the key '{old}'" in out
    assert "1 values still use other keys" in err
    assert bytes(Merchant.objects.get().sealed_credentials) == before


def test_check_is_content(new_key_first):
    MerchantFactory()
    out, err = run("--check")
    assert "Every value uses the first of PGB_FIELD_KEYS" in out
    assert not err


def test_value_written_in_the_meantime_is_kept(monkeypatch, new_key_first, column):
    merchant = MerchantFactory()
    new_key_first()

    def seal_while_another_writes(plain, place):
        merchant.credentials = {**STRIPE_CREDENTIALS, "webhook_secret_old": "written meanwhile"}
        merchant.save()
        return seal(plain, place)

    monkeypatch.setattr(rotation, "seal", seal_while_another_writes)
    assert rotation.rotate(column) == rotation.Rotation(0, 1, [])
    merchant.refresh_from_db()
    assert merchant.credentials["webhook_secret_old"] == "written meanwhile"


def test_unreadable_value_is_named_and_the_others_go_on(settings, new_key_first):
    lost, kept = MerchantFactory(), MerchantFactory()
    Merchant.objects.filter(pk=lost.pk).update(sealed_credentials=kept.sealed_credentials)
    new_key_first()
    out, err = run()
    assert "merchants_merchant.sealed_credentials: 1 sealed again" in out
    assert f"row {lost.pk}:" in err
    assert "1 values still use other keys" in err
    settings.PGB_FIELD_KEYS = settings.PGB_FIELD_KEYS[:1]
    assert Merchant.objects.get(pk=kept.pk).credentials == STRIPE_CREDENTIALS
