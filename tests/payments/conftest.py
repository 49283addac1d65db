"""Who looks at the back office."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.payments.office import enter


@pytest.fixture
def person(db):
    """Makes somebody logged in with these permissions of payments, without a password: hashing one takes long."""

    def log_in(*permissions, **more):
        user = User.objects.create(username=more.pop("username", "kim"), is_staff=True, **more)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client(headers={"accept-language": "en"})
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def staff_client(person):
    """A superuser."""
    return person(is_superuser=True)


@pytest.fixture
def operator(db, settings):
    """운영; the password is "a password of kim"."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return enter("kim", "운영", password="a password of kim")


@pytest.fixture
def approver(db, settings):
    """승인; the password is "a password of lee"."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return enter("lee", "승인", password="a password of lee")
