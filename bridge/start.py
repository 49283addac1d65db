"""PayStart: hand out the open attempt to pay an order, or close it at the gateway and open a new one.

Every round decides under the order's lock, commits, and only then waits or calls.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from bridge import complete, opening
from bridge.errors import ErrorCode, ShopError
from bridge.gateways.errors import Refused
from bridge.log_lines import about
from bridge.payment_facts import refusal
from bridge.waiting import NoSeat, seat, wait_for
from merchants import lookup
from merchants.models import MethodConnection, Shop
from payments import ledger
from payments.models import OPEN_CALLS, CallKind, CallState, GatewayCall, Order, PaymentSession
from payments.states import HOLDING, LIVE, Reason, Stage

LEAST_TIME_LEFT = timedelta(minutes=5)
ALL_SECONDS = 25.0
PAGE_SECONDS = 5.0
CLOSING_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class PayStart:
    """What the shop asks for, checked; ``amount`` and ``tax_free`` in minor units of the shop's currency."""

    shop: Shop
    joiner_id: int
    order_id: int
    claim_id: int
    nation: str
    method: str
    gateway: str | None
    device: str
    amount: int
    tax_free: int
    description: str
    redirect_url: str
    cancel_url: str
    buyer: Mapping[str, str] = field(repr=False)


def start(wish: PayStart) -> PaymentSession:
    """Return the session to whose page the buyer is to be sent. Raises ShopError for every other end."""
    with ExitStack() as held:
        session = _Start(wish, _connection_for(wish), held).run()
        about(session)
        return session


def _connection_for(wish: PayStart) -> MethodConnection:
    try:
        return lookup.find_connection(
            shop=wish.shop,
            joiner_id=wish.joiner_id,
            nation=wish.nation,
            method=wish.method,
            device=wish.device,
            amount=wish.amount,
            at=timezone.now(),
            gateway=wish.gateway,
        )
    except lookup.MethodNotConnected:
        message = f"{wish.method} is not connected and in use for this shop and nation: offer another PayType"
        raise ShopError(ErrorCode.METHOD_NOT_CONNECTED, message) from None
    except lookup.NoMerchant:
        message = "no merchant may charge this device, amount and gateway now: offer another PayType"
        raise ShopError(ErrorCode.NO_MERCHANT, message) from None


# A decision is the session whose page is ready, or what to do, outside the lock, before deciding again.
_Step = Callable[[], PaymentSession | None]


class _Start:
    def __init__(self, wish: PayStart, connection: MethodConnection, held: ExitStack) -> None:
        self._wish = wish
        self._connection = connection
        self._held = held
        self._seated = False
        self._ends = time.monotonic() + ALL_SECONDS
        self._waited_for: set[int] = set()

    def run(self) -> PaymentSession:
        while True:
            with transaction.atomic():
                step = self._decide()
            ready = step()
            if ready is not None:
                return ready

    def _decide(self) -> _Step:
        wish = self._wish
        try:
            order = ledger.lock_order(wish.shop, wish.joiner_id, wish.order_id, wish.claim_id)
        except ledger.AnotherJoiner:
            raise ShopError(ErrorCode.FORBIDDEN, "this OrderId belongs to another JoinerId") from None
        session = ledger.standing(order)
        if session is None or session.stage in (Stage.FAILED, Stage.EXPIRED, Stage.CANCELLED):
            return self._open(order)
        if session.stage in HOLDING:
            raise refusal(ErrorCode.ALREADY_PAID, "this order is paid: do not send the buyer to pay again", session)
        if session.stage == Stage.REVIEW:
            message = "a person is checking money of this order: do not start it again, ask with PayStatus"
            raise refusal(ErrorCode.IN_REVIEW, message, session)
        session.order = order
        return self._reuse(session) if self._is_same(session) else self._replace(session)

    def _is_same(self, session: PaymentSession) -> bool:
        wish, merchant = self._wish, self._connection.merchant
        asked = (wish.amount, wish.shop.currency, wish.method, wish.device, merchant.pk, wish.tax_free)
        there = (
            session.amount,
            session.currency,
            session.method,
            session.device,
            session.merchant_id,
            session.tax_free,
        )
        return asked == there and session.expires_at - timezone.now() >= LEAST_TIME_LEFT

    def _reuse(self, session: PaymentSession) -> _Step:
        if session.close_wanted:
            raise _in_progress(session)
        call = ledger.open_call(session)
        if call is None and session.stage in (Stage.STANDBY, Stage.CONFIRMING) and session.page_url:
            self._update_in_place(session)
            return lambda: session
        if call is None or call.kind == CallKind.CONFIRM:
            raise _in_progress(session)
        if call.kind == CallKind.EXPIRE:
            return self._wait(session, CLOSING_SECONDS)
        if call.state == CallState.UNKNOWN:
            ledger.hurry(call, timezone.now())
        return self._wait(session, PAGE_SECONDS, in_doubt=call.state == CallState.UNKNOWN)

    def _update_in_place(self, session: PaymentSession) -> None:
        wish = self._wish
        session.redirect_url, session.cancel_url = wish.redirect_url, wish.cancel_url
        session.buyer = dict(wish.buyer)
        session.save(update_fields=["redirect_url", "cancel_url", "sealed_buyer"])

    def _replace(self, session: PaymentSession) -> _Step:
        call = ledger.open_call(session)
        if call is not None and call.kind != CallKind.EXPIRE:
            raise _in_progress(session)
        if session.pk not in self._waited_for:
            complete.close_at_gateway(session, Reason.REPLACED, timezone.now())
        return self._wait(session, CLOSING_SECONDS)

    def _open(self, order: Order) -> _Step:
        if self._left() < opening.SECONDS:
            raise _in_progress(None)
        self._take_seat(None)
        wish = self._wish
        now = timezone.now()
        terms = ledger.Terms(
            amount=wish.amount,
            currency=wish.shop.currency,
            method=wish.method,
            device=wish.device,
            nation=wish.nation,
            description=wish.description,
            redirect_url=wish.redirect_url,
            cancel_url=wish.cancel_url,
            expires_at=now + timedelta(minutes=self._connection.method.lifetime_minutes),
            tax_free=wish.tax_free,
            buyer=wish.buyer,
        )
        session = ledger.open_session(order, self._connection.merchant, terms)
        try:
            call = opening.intend(session, now)
        except Refused as refusal:
            message = f"the gateway cannot take this payment: {refusal}"
            raise ShopError(ErrorCode.GATEWAY_REFUSED, message) from refusal
        return lambda: opening.send(session, call)

    def _wait(self, session: PaymentSession, seconds: float, *, in_doubt: bool = False) -> _Step:
        left = self._left()
        if session.pk in self._waited_for or left <= 0:
            if in_doubt:
                message = "it is not known yet whether the payment was opened: repeat the same PayStart"
                raise refusal(ErrorCode.OUTCOME_UNKNOWN, message, session)
            raise _in_progress(session)
        self._take_seat(session)
        self._waited_for.add(session.pk)

        def wait() -> None:
            wait_for(lambda: _is_settled(session.pk), min(seconds, left))

        return wait

    def _left(self) -> float:
        return self._ends - time.monotonic()

    def _take_seat(self, session: PaymentSession | None) -> None:
        if self._seated:
            return
        try:
            self._held.enter_context(seat())
        except NoSeat:
            raise _in_progress(session) from None
        self._seated = True


def _is_settled(session_pk: int) -> bool | None:
    """True once no call of the session is open, or the session is no longer live; else None."""
    under_way = GatewayCall.objects.filter(session=session_pk, session__stage__in=LIVE, state__in=OPEN_CALLS)
    return None if under_way.exclude(kind=CallKind.NET_CANCEL).exists() else True


def _in_progress(session: PaymentSession | None) -> ShopError:
    message = "a payment of this order is under way: repeat the same PayStart in 2 seconds"
    if session is None:
        return ShopError(ErrorCode.PAYMENT_IN_PROGRESS, message, Type="Pending")
    error = refusal(ErrorCode.PAYMENT_IN_PROGRESS, message, session)
    error.facts["Type"] = "Pending"
    return error
