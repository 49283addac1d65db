import base64
import os
from hashlib import sha256
from uuid import uuid4

import pytest

from merchants.crypto import CannotOpen, open_sealed, seal
from merchants.fields import sealed_fields
from merchants.models import Merchant, Shop
from tests.factories import STRIPE_CREDENTIALS, MerchantFactory, ShopFactory

PLACE = ("table", "column", str(uuid4()))
SECRET = STRIPE_CREDENTIALS["secret_key"]


def test_opens_what_was_sealed():
    assert open_sealed(seal(b"secret", PLACE), PLACE) == b"secret"


def test_key_id_stands_in_front(settings):
    assert seal(b"secret", PLACE).startswith(sha256(settings.PGB_FIELD_KEYS[0]).hexdigest()[:8].encode())


def test_equal_values_are_sealed_differently():
    assert seal(b"secret", PLACE) != seal(b"secret", PLACE)


def test_plaintext_is_not_inside():
    assert b"secret" not in seal(b"secret", PLACE)


@pytest.mark.parametrize("part", range(3))
def test_does_not_open_elsewhere(part):
    elsewhere = list(PLACE)
    elsewhere[part] += "x"
    with pytest.raises(CannotOpen, match="changed, or copied"):
        open_sealed(seal(b"secret", PLACE), elsewhere)


def test_names_cannot_run_into_each_other():
    with pytest.raises(CannotOpen):
        open_sealed(seal(b"secret", ("ab", "c", "d")), ("a", "bc", "d"))


@pytest.mark.parametrize("position", [8, 19, 20, -1], ids=["nonce", "nonce end", "ciphertext", "tag"])
def test_changed_bytes_do_not_open(position):
    sealed = bytearray(seal(b"secret", PLACE))
    sealed[position] ^= 1
    with pytest.raises(CannotOpen, match="changed, or copied"):
        open_sealed(bytes(sealed), PLACE)


@pytest.mark.parametrize("length", [0, 8, 35])
def test_cut_short(length):
    with pytest.raises(CannotOpen, match="cut short"):
        open_sealed(seal(b"secret", PLACE)[:length], PLACE)


def test_unknown_key_is_named(settings):
    sealed = seal(b"secret", PLACE)
    key_id = sealed[:8].decode()
    settings.PGB_FIELD_KEYS = [os.urandom(32)]
    with pytest.raises(CannotOpen, match=rf"{key_id}.*PGB_FIELD_KEYS"):
        open_sealed(sealed, PLACE)


def test_first_key_writes_and_all_read(settings):
    old, new = settings.PGB_FIELD_KEYS[0], os.urandom(32)
    sealed = seal(b"secret", PLACE)
    settings.PGB_FIELD_KEYS = [new, old]
    assert open_sealed(sealed, PLACE) == b"secret"
    assert seal(b"secret", PLACE).startswith(sha256(new).hexdigest()[:8].encode())


@pytest.mark.parametrize("value", ["text", "한글 🙂", {"a": "1", "b": [1, None]}, b"\x00\xffraw", "", b"", {}])
def test_what_goes_in_comes_out(value):
    shop = Shop(signing_secret=value)
    assert shop.signing_secret == value
    assert type(shop.signing_secret) is type(value)


def test_none_is_null():
    shop = Shop(signing_secret_old=None)
    assert shop.sealed_signing_secret_old is None
    assert shop.signing_secret_old is None


def test_finds_every_encrypted_attribute():
    assert [field.column for field in sealed_fields(Shop)] == [
        "sealed_signing_secret",
        "sealed_signing_secret_old",
    ]


@pytest.mark.django_db
class TestRows:
    def test_stored_and_read(self):
        merchant = MerchantFactory()
        assert Merchant.objects.get(pk=merchant.pk).credentials == STRIPE_CREDENTIALS

    def test_copied_value_does_not_open_in_another_row(self):
        first, second = MerchantFactory(), MerchantFactory()
        Merchant.objects.filter(pk=second.pk).update(sealed_credentials=first.sealed_credentials)
        second.refresh_from_db()
        with pytest.raises(CannotOpen, match=f"merchants_merchant.*{second.uuid}.*copied"):
            _ = second.credentials

    def test_copied_value_does_not_open_in_another_column(self):
        shop = ShopFactory()
        Shop.objects.update(sealed_signing_secret_old=shop.sealed_signing_secret)
        shop.refresh_from_db()
        with pytest.raises(CannotOpen):
            _ = shop.signing_secret_old

    def test_queries_see_ciphertext_only(self):
        merchant = MerchantFactory()
        rows = list(Merchant.objects.values())
        assert bytes(rows[0]["sealed_credentials"]) == bytes(merchant.sealed_credentials)
        assert "credentials" not in rows[0]
        assert SECRET not in repr(rows) + repr(vars(merchant)) + repr(merchant)

    def test_deferred_is_read_when_asked_for(self, django_assert_num_queries):
        MerchantFactory()
        merchant = Merchant.objects.only("uuid").get()
        with django_assert_num_queries(1):
            assert merchant.credentials == STRIPE_CREDENTIALS

    def test_reading_rows_opens_nothing(self, settings):
        MerchantFactory()
        settings.PGB_FIELD_KEYS = [os.urandom(32)]
        merchant = Merchant.objects.get()
        merchant.refresh_from_db()
        merchant.save()
        with pytest.raises(CannotOpen):
            _ = merchant.credentials

    def test_sealed_for_a_queryset_update(self):
        merchant = MerchantFactory()
        sealed = Merchant.credentials.sealed_for(Merchant, merchant.uuid, {"secret_key": "new"})
        Merchant.objects.filter(pk=merchant.pk).update(sealed_credentials=sealed)
        merchant.refresh_from_db()
        assert merchant.credentials == {"secret_key": "new"}

    def test_secret_is_nowhere_in_the_table(self, django_db_blocker):
        MerchantFactory()
        raw = bytes(Merchant.objects.values_list("sealed_credentials", flat=True).get())
        assert SECRET.encode() not in raw
        assert base64.b64encode(SECRET.encode()) not in raw
