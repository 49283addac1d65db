"""How gateway accounts and shops have answered lately.

After failures in a row the rows of that account or shop are held back, and one of them is tried every
30 s as a probe; the first answer makes all its waiting rows due now.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import DateTimeField, ExpressionWrapper, F, QuerySet, Value
from django.db.models.functions import Random

from payments.models import Circuit, Delivery, GatewayCall, Notification, PaymentSession

OPEN_AFTER = 3
PROBE_EVERY = timedelta(seconds=30)
WAKE_WITHIN = timedelta(seconds=5)


class Kind(StrEnum):
    """Whom a circuit watches."""

    SHOP = "shop"
    ACCOUNT = "account"


def sick(kind: Kind) -> list[Circuit]:
    """Return the accounts or shops whose last call failed."""
    return list(Circuit.objects.filter(kind=kind, failures__gt=0).order_by("probe_at"))


def held(sick_ones: Sequence[Circuit]) -> list[int]:
    """Return those of ``sick_ones`` whose rows are held back."""
    return [circuit.lane for circuit in sick_ones if circuit.failures >= OPEN_AFTER]


def take_probe(circuit: Circuit, now: datetime) -> bool:
    """Claim the probe that is due; False if another process took it."""
    due = Circuit.objects.filter(pk=circuit.pk, probe_at=circuit.probe_at)
    return bool(due.update(probe_at=now + PROBE_EVERY))


def failed(kind: Kind, lane: int, now: datetime) -> None:
    """Count a call that brought no answer."""
    Circuit.objects.get_or_create(kind=kind, lane=lane)
    Circuit.objects.filter(kind=kind, lane=lane).update(failures=F("failures") + 1, probe_at=now + PROBE_EVERY)


def answered(kind: Kind, lane: int, now: datetime) -> None:
    """Note an answer. The first one after failures makes all that waits there due within a few seconds."""
    if not Circuit.objects.filter(kind=kind, lane=lane, failures__gt=0).update(failures=0):
        return
    soon = ExpressionWrapper(Value(now) + Random() * Value(WAKE_WITHIN), output_field=DateTimeField())
    for rows in _waiting_after_failures(kind, lane):
        rows.filter(due_at__gt=now).update(due_at=soon)


def _waiting_after_failures(kind: Kind, lane: int) -> list[QuerySet[Any]]:
    if kind is Kind.SHOP:
        return [Delivery.objects.waiting().filter(shop=lane)]
    tried = [model.objects.waiting().filter(attempts__gt=0) for model in (GatewayCall, Notification, PaymentSession)]
    return [rows.filter(merchant=lane) for rows in tried]
