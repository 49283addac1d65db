"""A test that commits leaves the tables as the migrations did, whichever test comes next."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType

from merchants.models import CardIssuer, PaymentMethod
from payments.models import Order, PaymentEvent
from tests.payments.factories import EventFactory

MIGRATED = (ContentType, Permission, Group, Group.permissions.through, PaymentMethod, CardIssuer)
pytestmark = pytest.mark.django_db(transaction=True)


def rows():
    return {model: sorted(model.objects.values_list()) for model in (Group, PaymentMethod, Group.permissions.through)}


@pytest.fixture(scope="module")
def as_first_seen():
    return {}


@pytest.mark.parametrize("turn", range(3))
def test_every_turn_finds_what_the_one_before_found(turn, as_first_seen):
    assert as_first_seen.setdefault("rows", rows()) == rows()
    assert all(model.objects.exists() for model in MIGRATED)
    assert not Order.objects.exists() and not User.objects.exists() and not PaymentEvent.objects.exists()
    EventFactory()
    User.objects.create(username="kim").groups.set(Group.objects.all())
    Group.objects.filter(name="조회").delete()
    PaymentMethod.objects.filter(code="CARD").update(is_main=False)
    PaymentMethod.objects.create(code="SEASHELLS", name="조개")
    CardIssuer.objects.all().delete()
