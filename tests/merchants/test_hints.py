"""What staff may see of a merchant's keys: the last 4 characters, and when they changed."""

from importlib import import_module

import pytest
from django.apps import apps
from django.utils import timezone

from merchants.models import Merchant
from tests.factories import STRIPE_CREDENTIALS, MerchantFactory


def test_each_key_leaves_its_last_4_characters():
    merchant = Merchant(credentials={"secret_key": "sk_live_0123456789abcdef", "webhook_secret": "short"})
    assert merchant.credential_hints == {"secret_key": "····cdef", "webhook_secret": "····"}


def test_the_time_of_change_is_kept():
    before = timezone.now()
    assert before <= Merchant(credentials={"secret_key": "a"}).credentials_changed_at <= timezone.now()


@pytest.mark.django_db
def test_keys_from_before_the_hints_get_theirs():
    old, unreadable = MerchantFactory(), MerchantFactory()
    Merchant.objects.update(credential_hints={}, credentials_changed_at=None)
    Merchant.objects.filter(pk=unreadable.pk).update(sealed_credentials=b"of another key")
    import_module("merchants.migrations.0008_show_old_keys").leave_hints(apps, None)
    old.refresh_from_db()
    unreadable.refresh_from_db()
    assert old.credential_hints == {"secret_key": "····cdef", "webhook_secret": "····cdef"}
    assert (old.credentials_changed_at, unreadable.credential_hints) == (None, {})
    assert old.credentials == STRIPE_CREDENTIALS
