"""PartialCancel and FullCancel: give money back, or end a payment that nobody has made yet.

Every round decides under the order's lock, commits, and only then waits. The worker makes the call.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from bridge import complete
from bridge.cancel_answers import done, told
from bridge.errors import ErrorCode, ShopError
from bridge.gateways import gateway_class
from bridge.log_lines import about
from bridge.payment_facts import refusal
from bridge.waiting import NoSeat, seat, wait_for
from merchants.models import Shop
from payments import ledger, refunds
from payments.models import (
    OPEN_CANCELS,
    CallKind,
    CallState,
    Cancellation,
    CancelOrigin,
    CancelState,
    PaymentSession,
)
from payments.states import LIVE, Reason, Stage

SECONDS = 15.0
_COUNTS = (CancelState.PENDING, CancelState.DONE)


@dataclass(frozen=True, slots=True)
class Cancel:
    """What the shop asks for, checked; amounts in minor units. ``refund`` None: all that remains.

    ``digest`` tells two requests under one ``request_id`` apart; ``tax_free`` None: the smallest part that fits.
    """

    shop: Shop
    joiner_id: int
    order_id: int
    claim_id: int
    current: int
    refund: int | None
    modified: int
    tax_free: int | None
    request_id: str
    digest: str
    reason: str
    gateway: str | None = None
    method: str | None = None
    account: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_full(self) -> bool:
        """Whether it cancels all that remains."""
        return self.refund is None

    @property
    def amount(self) -> int:
        """What is to go back."""
        return self.current if self.refund is None else self.refund


def cancel(wish: Cancel) -> dict[str, Any]:
    """Return what the cancel came to, as keys of the answer. Raises ShopError for every other end."""
    return _Cancel(wish).run()


# What to do outside the lock; None: decide again.
_Step = Callable[[], dict[str, Any] | None]


class _Cancel:
    def __init__(self, wish: Cancel) -> None:
        self._wish = wish
        self._ends = time.monotonic() + SECONDS
        self._asked = False
        self._waited_for: set[int] = set()

    def run(self) -> dict[str, Any]:
        while True:
            with transaction.atomic():
                step = self._decide()
            said = step()
            if said is not None:
                return said

    def _decide(self) -> _Step:
        session = self._standing()
        about(session)
        known = self._made_by_this_request(session)
        if known is not None:
            return self._follow(known, known.session)
        if session.stage == Stage.REVIEW:
            message = "a person is checking money of this order: ask with PayStatus"
            raise refusal(ErrorCode.IN_REVIEW, message, session)
        if session.paid:
            return self._give_back(session)
        if self._wish.is_full:
            return self._close(session)
        return self._refuse_after_asking(session, ErrorCode.NOT_PAID, "the gateway says that this order is not paid")

    def _standing(self) -> PaymentSession:
        wish = self._wish
        try:
            order = ledger.lock_known_order(wish.shop, wish.joiner_id, wish.order_id, wish.claim_id)
        except ledger.AnotherJoiner:
            raise ShopError(ErrorCode.FORBIDDEN, "this OrderId belongs to another JoinerId") from None
        session = ledger.standing(order) if order else None
        if order is None or session is None:
            message = "no payment of this order was ever started here: check DBType, OrderId and ClaimId"
            raise ShopError(ErrorCode.ORDER_NOT_FOUND, message)
        session.order = order
        return session

    def _made_by_this_request(self, session: PaymentSession) -> Cancellation | None:
        """Return the cancel that this very request made before, by its RequestId."""
        wish = self._wish
        if not wish.request_id:
            return None
        made = Cancellation.objects.filter(session__order=session.order_id, request_id=wish.request_id).first()
        if made is not None and made.request_digest != wish.digest:
            message = f"RequestId: it was used for another cancel ({made.uuid}): a new request needs a new id"
            raise ShopError(ErrorCode.INVALID_REQUEST, message)
        return made

    def _give_back(self, session: PaymentSession) -> _Step:
        """Answer from the cancel that this request repeats, or reserve a new one."""
        wish = self._wish
        repeated = self._repeated(session)
        if repeated is not None:
            return self._follow(repeated, session)
        if refunds.open_cancel(session) is not None:
            message = "another cancel of this payment is under way: repeat in 2 seconds"
            raise refusal(ErrorCode.CANCEL_IN_PROGRESS, message, session, Type="Pending")
        if wish.current - wish.amount != wish.modified or wish.current != session.balance:
            message = (
                "CurrentTotalPrice must be the Balance of this answer, and less RefundPrice it is ModifedTotalPrice"
            )
            raise refusal(ErrorCode.BALANCE_MISMATCH, message, session)
        self._check_method(session)
        if session.disputed:
            message = "the buyer disputes this payment at the gateway: it can be given back after that only"
            return self._refuse_after_asking(session, ErrorCode.NOT_CANCELLABLE, message)
        return self._reserve(session)

    def _repeated(self, session: PaymentSession) -> Cancellation | None:
        """Return the cancel that a request without a RequestId repeats. Raises ShopError if it may be a new one."""
        wish = self._wish
        if wish.is_full and session.balance <= 0:
            # Nothing is left: the last cancel that took it is the answer to every full cancel.
            counted = session.cancellations.filter(Q(state__in=_COUNTS) | Q(state__in=OPEN_CANCELS))
            return counted.order_by("-pk").first()
        if wish.request_id:
            return None
        # What staff gave back meanwhile is not what the shop asks for, however equal.
        of_shop = session.cancellations.filter(origin=CancelOrigin.SHOP)
        for cancellation in of_shop.filter(balance_before=wish.current, amount=wish.amount).order_by("-pk"):
            if cancellation.is_open:
                return cancellation
            if cancellation.state in _COUNTS:
                if wish.current == session.balance:
                    message = "this cancel was made before (CancelId): for a new one send a RequestId of your own"
                    raise refusal(ErrorCode.REPEAT_OR_NEW, message, session, CancelId=str(cancellation.uuid))
                return cancellation
        return None

    def _check_method(self, session: PaymentSession) -> None:
        """Refuse what the payment's method or gateway cannot do. Raises ShopError."""
        wish = self._wish
        for name, said, stored in (
            ("PGType", wish.gateway, session.gateway),
            ("PayType", wish.method, session.method),
        ):
            if said and said != stored:
                raise ShopError(ErrorCode.INVALID_REQUEST, f"{name}: this order was paid by {stored}")
        can = gateway_class(session.gateway).capabilities
        if session.method not in can.partial_cancel and wish.amount != session.paid:
            message = f"{session.method} gives back the whole payment only: use FullCancel"
            raise refusal(ErrorCode.NOT_CANCELLABLE, message, session)
        if session.method in can.needs_account and not wish.account:
            message = f"RefundBank, RefundAccount, RefundHolder: {session.method} needs them"
            raise ShopError(ErrorCode.INVALID_REQUEST, message)

    def _reserve(self, session: PaymentSession) -> _Step:
        wish, needs_account = self._wish, gateway_class(session.gateway).capabilities.needs_account
        try:
            made = refunds.reserve(
                session,
                refunds.Wish(
                    amount=wish.amount,
                    origin=CancelOrigin.SHOP,
                    tax_free=wish.tax_free,
                    request_id=wish.request_id,
                    request_digest=wish.digest,
                    reason=wish.reason,
                    account=wish.account if session.method in needs_account else {},
                ),
                timezone.now(),
            )
        except refunds.NotEnough:
            message = "TaxFreePrice does not fit what is left of the tax-free and the taxed part"
            raise refusal(ErrorCode.OVER_REFUND, message, session) from None
        except refunds.NothingToCancel:
            message = "staff of PGB have closed this payment: what became of its money, they know"
            raise refusal(ErrorCode.NOT_CANCELLABLE, message, session) from None
        except refunds.NotGranted:
            message = "another call of this payment is under way: repeat in 2 seconds"
            raise refusal(ErrorCode.CANCEL_IN_PROGRESS, message, session, Type="Pending") from None
        return self._follow(made, session)

    def _follow(self, cancellation: Cancellation, session: PaymentSession) -> _Step:
        """Wait for the outcome of a cancel once, then tell how it stands."""
        if not cancellation.is_open or cancellation.pk in self._waited_for:
            return lambda: told(cancellation, session)
        self._waited_for.add(cancellation.pk)

        def follow() -> dict[str, Any]:
            self._wait(lambda: _is_decided(cancellation.pk))
            now = Cancellation.objects.select_related("session").get(pk=cancellation.pk)
            return told(now, now.session)

        return follow

    def _refuse_after_asking(self, session: PaymentSession, code: ErrorCode, message: str) -> _Step:
        """Ask the gateway before the shop is refused for what our books say. Raises ShopError."""
        if not self._asked:
            return self._look(session)
        if not _was_answered(session):
            unheard = "the gateway, asked about this payment, did not answer: nothing was done, repeat the call"
            raise refusal(ErrorCode.GATEWAY_UNREACHABLE, unheard, session)
        raise refusal(code, message, session)

    def _close(self, session: PaymentSession) -> _Step:
        """End an unpaid payment at the gateway; should it be paid meanwhile, it is paid and given back."""
        if session.stage == Stage.CANCELLED:
            return lambda: done(session)
        if not self._asked:
            return self._want_closed(session)
        if session.stage not in LIVE and _was_answered(session):
            return lambda: done(session)
        message = "it is not known yet whether the buyer has paid: it is being closed, or paid back; a message follows"
        raise refusal(ErrorCode.OUTCOME_UNKNOWN, message, session)

    def _want_closed(self, session: PaymentSession) -> _Step:
        now = timezone.now()
        if not session.close_wanted:
            PaymentSession.objects.filter(pk=session.pk).update(close_wanted=True)
            ledger.note(session, "close_wanted", "shop")
        if session.stage not in LIVE:
            return self._look(session)
        self._asked = True
        call = ledger.open_call(session)
        if call is None:
            complete.close_at_gateway(session, Reason.CANCELLED_BY_SHOP, now)
        elif call.kind == CallKind.EXPIRE or call.state == CallState.UNKNOWN:
            ledger.hurry(call, now)
        return lambda: self._wait(lambda: _is_over(session.pk))

    def _look(self, session: PaymentSession) -> _Step:
        """Have the worker ask the gateway about the session."""
        self._asked = True
        PaymentSession.objects.filter(pk=session.pk).ring(timezone.now())
        return lambda: self._wait(lambda: _is_looked_at(session.pk))

    def _wait(self, answer: Callable[[], bool | None]) -> None:
        """Wait till the deadline at most; without a seat not at all."""
        with suppress(NoSeat), seat():
            wait_for(answer, max(self._ends - time.monotonic(), 0))


def _is_decided(cancellation_pk: int) -> bool | None:
    return None if Cancellation.objects.filter(pk=cancellation_pk, state__in=OPEN_CANCELS).exists() else True


def _is_over(session_pk: int) -> bool | None:
    return None if PaymentSession.objects.filter(pk=session_pk, stage__in=LIVE).exists() else True


def _is_looked_at(session_pk: int) -> bool | None:
    session = PaymentSession.objects.only("due_at", "lease_token").get(pk=session_pk)
    return True if session.is_idle else None


def _was_answered(session: PaymentSession) -> bool:
    """Say whether the look that was asked for had an answer: one without is counted and repeated."""
    return session.is_idle and not session.attempts
