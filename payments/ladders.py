"""When to try again: the waiting times between tries, with the last one repeated."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from payments.models import Cancellation, CancelState, PaymentSession
from payments.states import LIVE, Reason, Stage

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR

UNKNOWN_CALL = (3, 10, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, *[HOUR] * (7 * 24), DAY)
UNSENT_CALL = (5, 30, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)
TO_THE_SHOP = (
    5,
    30,
    *(m * MINUTE for m in (2, 5, 15, 30)),
    *(h * HOUR for h in (1, 2, 4, 8, 12)),
    DAY,
)
SHOP_PATIENCE = timedelta(days=7)
TO_STAFF = (30, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)
STAFF_PATIENCE = timedelta(days=3)
ORPHAN = (10, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 12 * HOUR, DAY)
SAYS_MORE = (10, MINUTE, 5 * MINUTE, 10 * MINUTE)
SAYS_MORE_PATIENCE = timedelta(hours=1)
UNANSWERED_CHECK = (2, 5)
UNANSWERED_LOOK = (30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE)
# A refund that the gateway has accepted is asked about as long as it may take; one that went may still come back.
PENDING_REFUND_LASTS = timedelta(days=60)
DONE_REFUND = tuple(timedelta(days=d) for d in (1, 7, 35))
UNLISTED_REFUND = tuple(timedelta(seconds=s) for s in SAYS_MORE)
OPEN_SESSION = tuple(timedelta(minutes=m) for m in (1, 3, 10, 30))
JITTER = 0.1


def step(ladder: Sequence[float], tries: int) -> float:
    """Return the seconds to wait after ``tries`` tries (1 or more)."""
    return ladder[min(max(tries, 1), len(ladder)) - 1]


def after(ladder: Sequence[float], tries: int, now: datetime) -> datetime:
    """Return the time of the next try: the ladder's step and up to a tenth more, so that rows spread out."""
    return now + timedelta(seconds=step(ladder, tries) * (1 + random.uniform(0, JITTER)))


def next_of(steps: Sequence[timedelta], since: datetime, now: datetime) -> datetime | None:
    """Return the first step after ``since`` that is still to come; None after the last."""
    return next((since + step for step in steps if since + step > now), None)


def next_look(session: PaymentSession, now: datetime) -> datetime | None:
    """Return when the gateway is asked about ``session`` again; None when it has nothing more to say.

    1, 3, 10 and 30 minutes after the start or the return, then hourly, daily after a day, and at
    the session's end. A session that was given up unclosed is asked about as long as its buyer might pay.
    """
    if session.stage not in LIVE and not _given_up(session):
        return next_refund_look(session, now)
    origin = session.looked_from or session.created_at
    later = [origin + wait for wait in OPEN_SESSION]
    pause = timedelta(seconds=HOUR if now - origin < timedelta(seconds=DAY) else DAY)
    candidates = [at for at in later if at > now][:1] or [now + pause]
    if session.expires_at > now:
        candidates.append(session.expires_at)
    return min(candidates)


def _given_up(session: PaymentSession) -> bool:
    unclosed = ((Stage.EXPIRED, Reason.SUPERSEDED), (Stage.CANCELLED, Reason.CANCELLED_BY_SHOP))
    return not session.paid and (session.stage, session.reason) in unclosed


def next_refund_look(session: PaymentSession, now: datetime) -> datetime | None:
    """Return when the gateway is asked again about what went back, or is on its way; None when all is settled.

    Hourly for a day, then daily, about a refund under way; 1, 7 and 35 days after one that went.
    """
    if not session.cancelled and not session.reserved:
        return None
    watched = session.cancellations.filter(state__in=(CancelState.PENDING, CancelState.DONE))
    times = [_refund_look(cancellation, now) for cancellation in watched]
    return min((at for at in times if at is not None), default=None)


def _refund_look(cancellation: Cancellation, now: datetime) -> datetime | None:
    if cancellation.ended_at is not None:
        return next_of(DONE_REFUND, cancellation.ended_at, now)
    if is_overdue(cancellation, now):
        return None
    is_young = now - cancellation.requested_at < timedelta(days=1)
    return now + timedelta(seconds=HOUR if is_young else DAY)


def is_overdue(cancellation: Cancellation, now: datetime) -> bool:
    """Whether the gateway has taken longer for a refund than any may take: nobody asks about it any more."""
    is_pending = cancellation.state == CancelState.PENDING
    return is_pending and now - cancellation.requested_at >= PENDING_REFUND_LASTS
