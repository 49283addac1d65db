"""Calls whose outcome nobody knows: how they wait, when they count as never made, and what answers say of health."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from bridge.gateways.base import Gateway, StoredCall
from bridge.gateways.errors import GatewayError, Refused, Replayed
from payments import circuits, ladders, ledger
from payments.models import CallState, GatewayCall
from payments.models.queued import QueuedSet
from payments.reviewing import A_PERSON_DECIDES

LOOKS_FOR_ABSENCE = 3
ABSENCE_TAKES = timedelta(minutes=10)
# A call in doubt is resolved within a minute after its account carries out calls again; few tries tell that for all.
PROBE_WITHIN = timedelta(seconds=50)
PROBED_FOR = timedelta(days=1)
MOST_PROBES = 10


def stored(gateway: Gateway, call: GatewayCall) -> StoredCall:
    """Return the call as it stands in its row: the same bytes and key at every try."""
    return StoredCall(body=call.body, key=call.idempotency_key, seconds=gateway.capabilities.call_seconds)


def key_is_valid(gateway: Gateway, call: GatewayCall, now: datetime) -> bool:
    """Say whether the call's key still surely means the call that was sent first."""
    return now < (call.first_sent_at or now) + gateway.capabilities.key_window


def still_unknown(call: GatewayCall, code: str, *, probed: bool = True) -> None:
    """Look into the call again at the next step of its ladder, or as a probe."""
    ledger.leave_unknown(call, next_try(call, ladders.UNKNOWN_CALL, probed=probed), code, "")


def next_try(call: GatewayCall, ladder: Sequence[float], *, probed: bool = True) -> datetime:
    """Return the time of the ladder's next step; an earlier one if the call may be, and is, a probe of its account."""
    now = timezone.now()
    due_at = ladders.after(ladder, call.attempts + 1, now)
    is_early = probed and due_at > now + PROBE_WITHIN and _is_probe(call, now)
    return now + PROBE_WITHIN if is_early else due_at


def _is_probe(call: GatewayCall, now: datetime) -> bool:
    """Say whether the call is one of the few by which it is seen soon that its account does again what it refused.

    Its answers to questions do not show that. An account that is down needs none: its next answer, whatever to,
    makes all its calls due (payments/circuits.py).
    """
    is_down = circuits.wakes_all(circuits.Kind.ACCOUNT, call.merchant_id)
    if is_down or now > (call.first_sent_at or now) + PROBED_FOR:
        return False
    others = _tried(call.merchant_id).exclude(pk=call.pk).filter(due_at__lte=now + PROBE_WITHIN)
    return others[:MOST_PROBES].count() < MOST_PROBES


def _tried(merchant_id: int) -> QueuedSet:
    """Calls of an account that were sent with an unknown outcome, or could not be sent."""
    known = GatewayCall.objects.filter(merchant=merchant_id, first_sent_at__isnull=False)
    return known.filter(state__in=(CallState.UNKNOWN, CallState.READY))


def carried_out(call: GatewayCall) -> None:
    """Note that a call was carried out when sent again: its account's other calls that failed are due now."""
    now = timezone.now()
    others = _tried(call.merchant_id).waiting()
    others.filter(due_at__gt=now + PROBE_WITHIN).exclude(code=A_PERSON_DECIDES).update(due_at=now)


def surely_absent(call: GatewayCall, now: datetime) -> bool:
    """Say whether this look, which did not find what the call makes, is the third over ten minutes.

    If it is not, the look is counted and the next one planned: not by the ladder, which may have come to hours.
    """
    first_missed = call.first_missed_at or now
    if call.missed_looks + 1 >= LOOKS_FOR_ABSENCE and now - first_missed >= ABSENCE_TAKES:
        return True
    missed = {"missed_looks": F("missed_looks") + 1, "first_missed_at": Coalesce("first_missed_at", Value(now))}
    ledger.leave_unknown(call, now + ABSENCE_TAKES / (LOOKS_FOR_ABSENCE - 1), "not_there", "", **missed)
    return False


def answered(merchant_id: int) -> None:
    """Note that a gateway account answered."""
    circuits.answered(circuits.Kind.ACCOUNT, merchant_id, timezone.now())


def no_answer(merchant_id: int, error: GatewayError) -> None:
    """Note that a gateway account did not answer; a refusal is an answer, and so is an old one repeated."""
    if not isinstance(error, Refused | Replayed):
        circuits.failed(circuits.Kind.ACCOUNT, merchant_id, timezone.now())
