"""대사: hold a day of our books against the gateways' own lists.

The lists of all merchants of a gateway come first, page by page; what our books have beyond them is then asked for
one by one, before it is called missing. So the two sides may date the same thing on neighbouring days.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from bridge import doubt, lists
from bridge.accounts import gateway_of, is_live
from bridge.gateways.base import Fetched, Gateway, Refund, Status
from bridge.gateways.errors import Denied, GatewayError, Refused
from payments import differences, reconciling
from payments.differences import Pair, Theirs
from payments.models import Cancellation, Difference, PaymentSession, Reconciliation
from payments.sums import midnights

ASKED_AT_ONCE = 100
# More than that is no difference between two books: the list is of another account, or no list at all.
MOST_ASKED = 2000
# A list is read so much beyond both ends of the day: what we date on it is seen, and need not be asked for.
MARGIN = timedelta(hours=1)

log = structlog.get_logger(__name__)


def days_due(today: date) -> None:
    """Do yesterday, and the days of the last week that failed or have unhandled differences; ``today`` in Seoul.

    Safe to run anywhere, twice, at once.
    """
    for code in lists.gateways():
        for day in reconciling.days_to_do(code, today):
            try:
                one_day(code, day)
            except reconciling.Busy:
                log.info("reconcile_busy", gateway=code, day=str(day))


def one_day(code: str, day: date) -> list[Reconciliation]:
    """Do one day of all merchants of the gateway ``code`` and return their runs, DONE or FAILED.

    Raises reconciling.Busy if another process is at it, and lists.Ending.
    """
    runs = reconciling.begin(reconciling.merchants_of(code, day), day, timezone.now())
    if not runs:
        return []
    try:
        rest = _Rest(runs)
        heard = [run for run in runs if _is_heard(run, rest.compare)]
        for run in [run for run in heard if _is_heard(run, rest.ask)]:
            reconciling.end(run, timezone.now())
    finally:
        reconciling.give_back(runs)
    for run in runs:
        log.info("reconciled", gateway=code, merchant=run.merchant.code, day=str(day), state=run.state, code=run.code)
    return runs


def _is_heard(run: Reconciliation, work: Callable[[Reconciliation], None]) -> bool:
    """Do a part of a run; a gateway that does not answer fails this run alone."""
    try:
        work(run)
    except GatewayError as error:
        doubt.no_answer(run.merchant_id, error)
        reconciling.end(run, timezone.now(), error.code)
        return False
    doubt.answered(run.merchant_id)
    return True


class _Rest:
    """What our books have of the day and no list has shown yet: a key for each payment and each refund."""

    def __init__(self, runs: list[Reconciliation]) -> None:
        self.payments = reconciling.our_payments(runs)
        self.refunds = reconciling.our_refunds(runs)

    def compare(self, run: Reconciliation) -> None:
        """Hold the gateway's list of one merchant against our books, whichever merchant those name."""
        begins, ends = midnights(run.day, run.day)
        for listed in lists.listed(run.merchant, begins - MARGIN, ends + MARGIN):
            for pair in reconciling.compare(run, listed, timezone.now()):
                if pair.cancellation is not None:
                    self.refunds.discard(pair.cancellation.pk)
                elif pair.session is not None and pair.theirs.kind == differences.PAYMENT:
                    self.payments.discard(pair.session.pk)

    def ask(self, run: Reconciliation) -> None:
        """Ask for each of one merchant's payments and refunds that no list has shown."""
        gateway = gateway_of(run.merchant)
        sessions = PaymentSession.objects.filter(merchant=run.merchant).select_related("merchant").defer("sealed_buyer")
        cancels = Cancellation.objects.filter(session__merchant=run.merchant).defer("sealed_account")
        asked = 0
        for payments in _rows(sessions, self.payments):
            asked = _counted(asked, payments)
            reconciling.keep(run, _found(run, gateway, payments, _ask_payment), timezone.now())
        for refunds in _rows(cancels.select_related("session__merchant"), self.refunds):
            asked = _counted(asked, refunds)
            reconciling.keep(run, _found(run, gateway, refunds, _ask_refund), timezone.now())


def _rows(rows: QuerySet[Any], keys: set[int]) -> Iterator[list[Any]]:
    """Yield those of ``rows`` that have one of ``keys``, some at a time."""
    ordered = sorted(keys)
    for start in range(0, len(ordered), ASKED_AT_ONCE):
        yield list(rows.filter(pk__in=ordered[start : start + ASKED_AT_ONCE]))


def _counted(asked: int, rows: list[Any]) -> int:
    if asked + len(rows) > MOST_ASKED:
        raise Refused("too_many_not_listed")
    return asked + len(rows)


def _found(
    run: Reconciliation, gateway: Gateway, rows: list[Any], ask: Callable[[Gateway, Any], Pair | None]
) -> list[Difference]:
    """Return what differs of these rows of ours, each asked for by itself."""
    found = []
    for row in rows:
        lists.begin_another_call()
        pair = ask(gateway, row)
        session, cancel = (row.session, row) if isinstance(row, Cancellation) else (row, None)
        if pair is None:
            found.append(differences.missing_there(run, session, cancel, timezone.now()))
        elif kind := differences.judge(pair, run.merchant):
            found.append(differences.difference(run, kind, pair, timezone.now()))
    return found


def _ask_payment(gateway: Gateway, session: PaymentSession) -> Pair | None:
    found = gateway.fetch(session.gateway_id) if session.gateway_id else None
    return Pair(_of_payment(found, session), session, None) if found else None


def _ask_refund(gateway: Gateway, cancel: Cancellation) -> Pair | None:
    session = cancel.session
    try:
        refunds = gateway.refunds(session.gateway_payment_id)
    except Denied:
        raise
    except Refused:
        return None  # it has no such payment either
    names = {cancel.gateway_cancel_id} if cancel.gateway_cancel_id else {str(cancel.uuid)}
    for one in refunds:
        if {one.gateway_cancel_id, one.cancel_id} & names:
            return Pair(_of_refund(one, cancel), session, cancel)
    return None


_STATUSES = {Status.PAID: differences.DONE, Status.UNSETTLED: differences.PENDING}


def _of_payment(found: Fetched, session: PaymentSession) -> Theirs:
    return Theirs(
        kind=differences.PAYMENT,
        status=_STATUSES.get(found.status, differences.FAILED),
        gateway_payment_id=found.gateway_payment_id or session.gateway_payment_id or found.gateway_id,
        amount=found.received,
        currency=found.currency,
        at=session.paid_at or timezone.now(),
        reference=found.reference,
        gateway_cancel_id="",
        cancel_id="",
        livemode=found.livemode,
        mid=session.merchant.mid,
    )


def _of_refund(one: Refund, cancel: Cancellation) -> Theirs:
    session = cancel.session
    return Theirs(
        kind=differences.REFUND,
        status=one.status,
        gateway_payment_id=session.gateway_payment_id,
        amount=one.amount,
        currency=session.currency,
        at=cancel.ended_at or cancel.requested_at,
        reference=session.reference,
        gateway_cancel_id=one.gateway_cancel_id,
        cancel_id=one.cancel_id,
        livemode=is_live(session.merchant),
        mid=session.merchant.mid,
    )
