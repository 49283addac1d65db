"""What staff may see of a merchant's keys: the last 4 characters, and when they changed."""

from django.utils import timezone

from merchants.models import Merchant


def test_each_key_leaves_its_last_4_characters():
    merchant = Merchant(credentials={"secret_key": "sk_live_0123456789abcdef", "webhook_secret": "short"})
    assert merchant.credential_hints == {"secret_key": "····cdef", "webhook_secret": "····"}


def test_the_time_of_change_is_kept():
    before = timezone.now()
    assert before <= Merchant(credentials={"secret_key": "a"}).credentials_changed_at <= timezone.now()
