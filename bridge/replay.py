"""Work payments out again from what their gateways say now, and tell what that changes: after a restore, after an
outage, after a mistake of ours.

The gateway is asked first; what it said is then booked in one transaction, which a dry run rolls back.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from bridge import complete, lists, webhooks
from bridge.gateways.errors import GatewayError
from payments import differences, reconciling
from payments.differences import Theirs
from payments.models import (
    OPEN_CALLS,
    RESERVING,
    Cancellation,
    Delivery,
    GatewayCall,
    Notification,
    PaymentSession,
)
from payments.states import LIVE

ACTOR = "replay"
# What a replay may change of a session, besides its calls, its cancels and its messages.
FIELDS = (
    "stage", "reason", "paid", "cancelled", "reserved", "disputed", "attention", "gateway_id", "gateway_payment_id",
)  # fmt: skip
LEASE_SECONDS = 30.0
NO_ANSWER = "no answer"

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one payment or notification: what changes, a line each; or why nothing is known of it."""

    name: str
    changes: tuple[str, ...] = ()
    problem: str = ""


def payment(session: PaymentSession, *, apply: bool, gateway_id: str = "") -> Outcome:
    """Ask the gateway about the session and book what it says. ``gateway_id``: what a notice calls the payment."""
    if not session.gateway_id and session.stage not in LIVE:
        return Outcome(session.reference, problem="it was never opened at the gateway")
    try:
        found = complete.ask(session, gateway_id)
    except GatewayError as error:
        return Outcome(session.reference, problem=f"{NO_ANSWER}: {error.code}")
    with transaction.atomic():
        before = _state(session.pk)
        complete.settle(session.pk, found, ACTOR)
        after = _state(session.pk)
        transaction.set_rollback(not apply)
    return Outcome(session.reference, _changes(before, after), "" if found else "the gateway has no such payment")


def notification(notice: Notification, *, apply: bool) -> Outcome:
    """Work a stored notification again, as when it came."""
    session = PaymentSession.objects.select_related("merchant").filter(notice.names()).first()
    if apply:
        before = _state(session.pk) if session else {}
        webhooks.work(_taken(notice))
        notice.refresh_from_db()
        changes = _changes(before, _state(session.pk)) if session else ()
        problem = notice.result if notice.result.startswith("no ") else ""
        return Outcome(notice.dedupe_key, changes, problem)
    if session is None:
        return Outcome(notice.dedupe_key, problem="no payment of ours")
    return replace(payment(session, apply=False, gateway_id=notice.gateway_id), name=notice.dedupe_key)


def sessions_since(since: datetime) -> list[int]:
    """Return the keys of the payments that are under way, or of which anything was heard since ``since``."""
    begun = Q(created_at__gte=since) | Q(paid_at__gte=since) | Q(stage__in=sorted(LIVE))
    of_it = {
        "calls": GatewayCall.objects.filter(session=OuterRef("pk"), state__in=OPEN_CALLS),
        "cancels": Cancellation.objects.filter(session=OuterRef("pk"), state__in=RESERVING),
        "notices": Notification.objects.filter(session=OuterRef("pk"), last_received_at__gte=since),
    }
    rows = PaymentSession.objects.filter(begun | Q(*(Exists(part) for part in of_it.values()), _connector=Q.OR))
    return list(rows.exclude(~Q(stage__in=sorted(LIVE)), gateway_id="").order_by("pk").values_list("pk", flat=True))


def listed_since(since: datetime) -> tuple[set[int], list[Outcome]]:
    """Return the keys of the payments that gateways list since ``since``, and what of ours they list that is not here.

    So also a payment is found that ended here before ``since``, or of which no notification was kept.
    """
    now = timezone.now()
    keys: set[int] = set()
    lost: list[Outcome] = []
    for merchant in [one for code in lists.gateways() for one in reconciling.merchants_of(code, timezone.localdate())]:
        try:
            for listed in lists.listed(merchant, since, now + complete.CLOCK_MARGIN):
                for pair in differences.pairs(merchant.gateway, listed):
                    if pair.session is not None:
                        keys.add(pair.session.pk)
                    elif not pair.is_foreign:
                        lost.append(_lost(pair.theirs))
        except GatewayError as error:
            lost.append(Outcome(merchant.code, problem=f"{NO_ANSWER}: {error.code}"))
    return keys, lost


def _lost(theirs: Theirs) -> Outcome:
    """Say what the gateway has under a number of ours that our books do not have: nobody can make it up."""
    what = f"{theirs.kind.lower()} {theirs.subject} of {theirs.amount} {theirs.currency}"
    return Outcome(
        theirs.reference or theirs.cancel_id, problem=f"not here: the gateway has a {what} under this number"
    )


def orphans_since(since: datetime) -> list[int]:
    """Return the keys of the notices, heard since ``since``, that wait for their payment or were given up."""
    rows = Notification.objects.filter(session=None, last_received_at__gte=since)
    return list(rows.exclude(result="not about a payment").order_by("pk").values_list("pk", flat=True))


def _taken(notice: Notification) -> Notification:
    """Return the notice as a worker gets it: leased, with all its tries before it."""
    held = Notification.objects.filter(pk=notice.pk)
    held.update(attempts=0, attention=False)
    token = held.lease(timezone.now(), LEASE_SECONDS)
    taken = Notification.objects.get(pk=notice.pk)
    taken.lease_token, taken.attempts = token, 0
    return taken


def _state(session_pk: int) -> State:
    """Return all that may change of a session, by the name under which it is told."""
    state: State = PaymentSession.objects.values(*FIELDS).get(pk=session_pk)
    cancels = Cancellation.objects.filter(session=session_pk).values_list("uuid", "amount", "state")
    calls = GatewayCall.objects.filter(session=session_pk).values_list("uuid", "kind", "state")
    told = Delivery.objects.filter(session=session_pk).values_list("kind", "cause", "sequence")
    state |= {f"cancel {uuid} of {amount}": word for uuid, amount, word in cancels}
    state |= {f"{kind} call {uuid}": word for uuid, kind, word in calls}
    return state | {f"message {kind} {cause}".strip(): f"#{sequence}" for kind, cause, sequence in told}


def _changes(before: State, after: State) -> tuple[str, ...]:
    """Return a line for each difference; what is new has nothing before its arrow."""
    names = [name for name in after if before.get(name) != after[name]]
    return tuple(f"{name}: {_word(before.get(name))} -> {_word(after[name])}" for name in names)


def _word(value: Any) -> str:
    return "-" if value in (None, "") else str(value)
