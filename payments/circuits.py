"""How gateway accounts and shops have answered lately.

While an account fails, one of the rows that wait for it is tried every 30 s as a probe. A shop that fails
several times in a row is left in peace but for such a probe: its circuit is open. The first answer after
several failures makes all that waits there due now.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import Case, DateTimeField, ExpressionWrapper, F, QuerySet, Value, When
from django.db.models.functions import Least, Random

from payments.models import Circuit, CredentialCheck, Delivery, GatewayCall, Notification, PaymentSession

# Fewer may be the fault of one row: what others hear meanwhile says nothing about that one.
OPEN_AFTER = 3
PROBE_EVERY = timedelta(seconds=30)
WAKE_WITHIN = timedelta(seconds=5)
_ASKING = (GatewayCall, PaymentSession, CredentialCheck)
# Every row that is claimed and every answer asks who fails: from a copy, so that health costs nothing.
FRESH_SECONDS = 0.2

_copy: tuple[float, list[Circuit]] | None = None


class Kind(StrEnum):
    """Whom a circuit watches."""

    SHOP = "shop"
    ACCOUNT = "account"

    @property
    def holds(self) -> bool:
        """Whether a sick one's due rows are held back. Not an account's: one odd payment must not stop the others."""
        return self is Kind.SHOP

    @property
    def sick_from(self) -> int:
        """How many failures in a row make one sick."""
        return OPEN_AFTER if self is Kind.SHOP else 1


def _failing() -> list[Circuit]:
    """Return who failed last, those to be probed first in front; other processes' news are FRESH_SECONDS late."""
    global _copy
    now = time.monotonic()
    copy = _copy
    if copy is None or now - copy[0] >= FRESH_SECONDS:
        copy = _copy = (now, list(Circuit.objects.filter(failures__gt=0).order_by("probe_at")))
    return copy[1]


def clear_cache() -> None:
    """Let the next question read the database."""
    global _copy
    _copy = None


def sick(kind: Kind) -> list[Circuit]:
    """Return the accounts or shops that are probed."""
    return [circuit for circuit in _failing() if circuit.kind == kind and circuit.failures >= kind.sick_from]


def wakes_all(kind: Kind, lane: int) -> bool:
    """Say whether the next answer makes all that waits there due: it has failed several times in a row."""
    return any((one.kind, one.lane) == (kind, lane) and one.failures >= OPEN_AFTER for one in _failing())


def held(sick_ones: Sequence[Circuit]) -> list[int]:
    """Return those of ``sick_ones`` whose rows are held back."""
    return [circuit.lane for circuit in sick_ones if Kind(circuit.kind).holds]


def take_probe(circuit: Circuit, now: datetime) -> bool:
    """Claim the probe that is due; False if another process took it."""
    clear_cache()
    due = Circuit.objects.filter(pk=circuit.pk, probe_at=circuit.probe_at)
    return bool(due.update(probe_at=now + PROBE_EVERY))


def failed(kind: Kind, lane: int, now: datetime) -> None:
    """Count a call that brought no answer."""
    Circuit.objects.get_or_create(kind=kind, lane=lane)
    Circuit.objects.filter(kind=kind, lane=lane).update(
        failures=F("failures") + 1,
        failing_since=Case(When(failures=0, then=Value(now)), default=F("failing_since")),
        probe_at=now + PROBE_EVERY,
    )
    clear_cache()


def answered(kind: Kind, lane: int, now: datetime) -> None:
    """Note an answer. The first one after several failures makes all that waits there due within a few seconds."""
    if not any((circuit.kind, circuit.lane) == (kind, lane) for circuit in _failing()):
        return
    clear_cache()
    failing = Circuit.objects.filter(kind=kind, lane=lane, failures__gt=0)
    failures = failing.values_list("failures", flat=True).first()
    if failures is None or not failing.update(failures=0) or failures < OPEN_AFTER:
        return
    soon = ExpressionWrapper(Value(now) + Random() * Value(WAKE_WITHIN), output_field=DateTimeField())
    for rows in _waiting_after_failures(kind, lane):
        rows.update(due_at=Least(F("due_at"), soon))


def _waiting_after_failures(kind: Kind, lane: int) -> list[QuerySet[Any]]:
    if kind is Kind.SHOP:
        return [Delivery.objects.waiting().filter(shop=lane)]
    tried = [model.objects.waiting().filter(merchant=lane, attempts__gt=0) for model in _ASKING]
    # A notice without a session waits for that session, not for the account.
    return [*tried, Notification.objects.waiting().filter(merchant=lane, attempts__gt=0, session__isnull=False)]
