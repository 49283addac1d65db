"""What our books say of a payment or refund that a gateway lists, and whether it is the same.

The rules are told at ``DifferenceKind``. Amounts are minor units of the currency beside them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from merchants.codes import Mode
from merchants.models import Merchant
from payments.models import Cancellation, CancelState, Difference, DifferenceKind, PaymentSession, Reconciliation

DONE, PENDING, FAILED = "DONE", "PENDING", "FAILED"
PAYMENT, REFUND = "PAYMENT", "REFUND"
# What our books say of a cancel, in the words of a list.
_STANDS = {CancelState.DONE: DONE, CancelState.REFUSED: FAILED, CancelState.REVERSED: FAILED}
_READ = ("reference", "merchant", "stage", "currency", "paid", "paid_at", "gateway_id", "gateway_payment_id")


@dataclass(frozen=True, slots=True)
class Theirs:
    """One payment or refund as the gateway tells it: ``kind`` PAYMENT or REFUND, ``status`` DONE, PENDING or FAILED.

    ``mid`` and ``livemode``: of the account whose list it is, unless the list itself says.
    """

    kind: str
    status: str
    gateway_payment_id: str
    amount: int
    currency: str
    at: datetime
    reference: str
    gateway_cancel_id: str
    cancel_id: str
    livemode: bool
    mid: str

    @property
    def subject(self) -> str:
        """The gateway's id of it."""
        return self.gateway_cancel_id if self.kind == REFUND else self.gateway_payment_id

    def as_json(self) -> dict[str, Any]:
        """Return it as a difference keeps it."""
        return {**asdict(self), "at": self.at.isoformat()}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        """Return what a difference kept."""
        return cls(**{**kept, "at": parse_datetime(kept["at"])})


@dataclass(frozen=True, slots=True)
class Pair:
    """One of theirs beside ours, as far as our books know it."""

    theirs: Theirs
    session: PaymentSession | None
    cancellation: Cancellation | None

    @property
    def is_foreign(self) -> bool:
        """Whether it was made without us, for a payment that is not ours."""
        return self.session is None and not self.theirs.reference and not self.theirs.cancel_id


def pairs(gateway: str, listed: Sequence[Theirs]) -> list[Pair]:
    """Return each of theirs with ours, found by the gateway's own id before our number; by a query or two."""
    sessions = _sessions(gateway, listed)
    found = [(one, sessions.get(one.gateway_payment_id) or sessions.get(one.reference)) for one in listed]
    cancels = _cancels([session for one, session in found if session and one.kind == REFUND])
    return [Pair(one, session, _cancel_of(one, session, cancels)) for one, session in found]


def _sessions(gateway: str, listed: Iterable[Theirs]) -> dict[str, PaymentSession]:
    """Return our payments by the gateway's id and by our number: the two are never alike."""
    ids = {one.gateway_payment_id for one in listed} - {""}
    references = {one.reference for one in listed} - {""}
    named = Q(gateway_payment_id__in=ids) | Q(reference__in=references)
    rows = PaymentSession.objects.filter(named, gateway=gateway).select_related("merchant").only(*_READ, *_MERCHANT)
    found = list(rows)
    by_reference = {session.reference: session for session in found}
    return by_reference | {session.gateway_payment_id: session for session in found if session.gateway_payment_id}


_MERCHANT = ("merchant__mid", "merchant__mode")
_Cancels = dict[tuple[int, str], Cancellation]


def _cancels(sessions: Iterable[PaymentSession]) -> _Cancels:
    """Return the cancels of these payments by both of their ids."""
    keys = {session.pk for session in sessions}
    if not keys:
        return {}
    rows = list(Cancellation.objects.filter(session__in=keys).defer("sealed_account"))
    by_ours = {(row.session_id, str(row.uuid)): row for row in rows}
    return by_ours | {(row.session_id, row.gateway_cancel_id): row for row in rows if row.gateway_cancel_id}


def _cancel_of(one: Theirs, session: PaymentSession | None, cancels: _Cancels) -> Cancellation | None:
    if session is None or one.kind != REFUND:
        return None
    return cancels.get((session.pk, one.gateway_cancel_id)) or cancels.get((session.pk, one.cancel_id))


def judge(pair: Pair, merchant: Merchant) -> DifferenceKind | None:
    """Say how the two sides of a pair from the list of ``merchant`` differ; None: they are the same, or foreign."""
    if pair.is_foreign:
        return None
    return _of_refund(pair) if pair.theirs.kind == REFUND else _of_payment(pair, merchant)


def _of_payment(pair: Pair, merchant: Merchant) -> DifferenceKind | None:
    theirs, session = pair.theirs, pair.session
    if session is None:
        return DifferenceKind.MISSING_HERE
    if theirs.livemode != _is_live(session):
        return DifferenceKind.TEST_LIVE
    if session.merchant_id != merchant.pk or theirs.mid != session.merchant.mid:
        return DifferenceKind.WRONG_MID
    if session.gateway_payment_id not in ("", theirs.gateway_payment_id):
        return DifferenceKind.DUPLICATE
    if session.currency != theirs.currency:
        return DifferenceKind.CURRENCY
    if (session.paid > 0) != (theirs.status == DONE):
        return DifferenceKind.STATE
    return DifferenceKind.AMOUNT if session.paid != theirs.amount else None


def _of_refund(pair: Pair) -> DifferenceKind | None:
    theirs, session, cancel = pair.theirs, pair.session, pair.cancellation
    if session is None or cancel is None:
        return None if theirs.status == FAILED else DifferenceKind.REFUND_MISSING_HERE
    if cancel.gateway_cancel_id not in ("", theirs.gateway_cancel_id):
        return None if theirs.status == FAILED else DifferenceKind.DUPLICATE
    if session.currency != theirs.currency:
        return DifferenceKind.CURRENCY
    if stands(cancel) != theirs.status:
        return DifferenceKind.STATE
    return DifferenceKind.AMOUNT if cancel.amount != theirs.amount else None


def stands(cancel: Cancellation) -> str:
    """Return how a cancel stands in our books, in the words of a list."""
    return _STANDS.get(CancelState(cancel.state), PENDING)


def difference(run: Reconciliation, kind: DifferenceKind, pair: Pair, at: datetime) -> Difference:
    """Return the row that tells of a pair which differs in ``kind``."""
    return Difference(
        run=run,
        merchant=run.merchant,
        day=run.day,
        kind=kind,
        subject=pair.theirs.subject,
        session=pair.session,
        cancellation=pair.cancellation,
        ours=ours(pair.session, pair.cancellation),
        theirs=pair.theirs.as_json(),
        found_at=at,
        seen_at=at,
    )


def missing_there(
    run: Reconciliation, session: PaymentSession, cancel: Cancellation | None, at: datetime
) -> Difference:
    """Return the row that tells of a payment, or of its refund, that the gateway does not have."""
    return Difference(
        run=run,
        merchant=run.merchant,
        day=run.day,
        kind=DifferenceKind.REFUND_MISSING_THERE if cancel else DifferenceKind.MISSING_THERE,
        subject=str(cancel.uuid) if cancel else session.reference,
        session=session,
        cancellation=cancel,
        ours=ours(session, cancel),
        found_at=at,
        seen_at=at,
    )


def ours(session: PaymentSession | None, cancel: Cancellation | None) -> dict[str, Any]:
    """Return what our books say, as a difference keeps it."""
    if session is None:
        return {}
    at = cancel.ended_at or cancel.requested_at if cancel else session.paid_at
    return {
        "id": str(cancel.uuid) if cancel else session.reference,
        "gateway_id": cancel.gateway_cancel_id if cancel else session.gateway_payment_id,
        "amount": cancel.amount if cancel else session.paid,
        "currency": session.currency,
        "state": cancel.state if cancel else session.stage,
        "mid": session.merchant.mid,
        "livemode": _is_live(session),
        "at": at and timezone.localtime(at).isoformat(),
    }


def _is_live(session: PaymentSession) -> bool:
    return session.merchant.mode == Mode.LIVE
