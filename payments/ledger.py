"""The books: what happened to the money of one order, written under that order's lock.

Every function here runs inside the caller's transaction, after ``lock_order`` or ``lock_session``.
Lock order: order, session, cancellation. Amounts are minor units of the session's currency.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Case, Count, Max, Q, Value, When

from merchants.models import Merchant, Shop
from payments.models import (
    OPEN_CALLS,
    CallKind,
    CallState,
    Delivery,
    DeliveryKind,
    GatewayCall,
    Notification,
    Order,
    PaymentEvent,
    PaymentSession,
)
from payments.states import HOLDING, LIVE, Reason, Stage, move


@dataclass(frozen=True, slots=True)
class Terms:
    """What the shop asks for in one attempt to pay; ``amount`` and ``tax_free`` in minor units."""

    amount: int
    currency: str
    method: str
    device: str
    nation: str
    description: str
    redirect_url: str
    cancel_url: str
    expires_at: datetime
    tax_free: int = 0
    buyer: Mapping[str, str] = field(default_factory=dict, repr=False)


class AnotherJoiner(Exception):
    """The OrderId belongs to another joiner: it is unique inside a DBType."""


def lock_order(shop: Shop, joiner_id: int, order_id: int, claim_id: int) -> Order:
    """Return the order's row, locked; it is made at the first call. Raises AnotherJoiner."""
    order, made = Order.objects.select_for_update().get_or_create(
        db_type=shop.db_type,
        order_id=order_id,
        claim_id=claim_id,
        defaults={"shop": shop, "joiner_id": joiner_id},
    )
    if order.joiner_id != joiner_id or (made and claim_id and _claimed_by_another(order)):
        raise AnotherJoiner
    order.is_new = made
    return order


def lock_known_order(shop: Shop, joiner_id: int, order_id: int, claim_id: int) -> Order | None:
    """Return the order's row, locked; None if it was never started. Raises AnotherJoiner."""
    rows = Order.objects.filter(db_type=shop.db_type, order_id=order_id, claim_id=claim_id)
    order = rows.select_for_update(of=("self",)).first()
    if order is not None and order.joiner_id != joiner_id:
        raise AnotherJoiner
    return order


def _claimed_by_another(order: Order) -> bool:
    first = Order.objects.filter(db_type=order.db_type, order_id=order.order_id, claim_id=0)
    return first.exclude(joiner_id=order.joiner_id).exists()


def lock_order_of(session: PaymentSession) -> None:
    """Lock the session's order, without reading either anew."""
    Order.objects.select_for_update().values_list("pk").get(pk=session.order_id)


def lock_session(pk: int) -> PaymentSession:
    """Return the session with its order, both locked, the order first."""
    order = Order.objects.select_for_update(of=("self",)).get(sessions=pk)
    rows = PaymentSession.objects.select_for_update(of=("self",)).select_related("merchant")
    session: PaymentSession = rows.get(pk=pk)
    session.order = order
    return session


STANDING_FIRST = (
    Case(
        When(stage__in=HOLDING, then=Value(0)),
        When(stage__in=LIVE, then=Value(1)),
        When(stage=Stage.REVIEW, then=Value(2)),
        default=Value(3),
    ),
    "-pk",
)


def standing(order: Order) -> PaymentSession | None:
    """Return the session that is meant by this order: that with money, else live, else in REVIEW, else the newest."""
    if order.is_new:
        return None
    return order.sessions.select_related("merchant").order_by(*STANDING_FIRST).first()


def open_session(order: Order, merchant: Merchant, terms: Terms) -> PaymentSession:
    """Write a new attempt to pay. Raises IntegrityError if the order has a live one."""
    session = PaymentSession(
        order=order,
        merchant=merchant,
        gateway=merchant.gateway,
        amount=terms.amount,
        currency=terms.currency,
        method=terms.method,
        device=terms.device,
        nation=terms.nation,
        tax_free=terms.tax_free,
        description=terms.description,
        redirect_url=terms.redirect_url,
        cancel_url=terms.cancel_url,
        expires_at=terms.expires_at,
    )
    session.buyer = dict(terms.buyer)
    session.save(force_insert=True)
    order.is_new = False
    note(session, "opened", "shop", amount=terms.amount, currency=terms.currency, method=terms.method)
    return session


def intend(session: PaymentSession, kind: CallKind, body: str | None, *, due_at: datetime, **more: Any) -> GatewayCall:
    """Write the intent of a call with effect: READY, to be claimed by a worker at ``due_at``.

    ``body`` None: the worker writes it before it sends. A cancel's key is derived from its reservation.
    """
    uuid = uuid4()
    named = more["cancellation"].uuid if "cancellation" in more else uuid
    call = GatewayCall(
        uuid=uuid,
        session=session,
        merchant=session.merchant,
        kind=kind,
        idempotency_key=f"pgb:{kind.lower()}:{named}",
        due_at=due_at,
        **more,
    )
    call.body = body
    call.save(force_insert=True)
    return call


def send_now(session: PaymentSession, kind: CallKind, body: str, at: datetime, seconds: float) -> GatewayCall:
    """Write the intent of a call that the caller itself sends next: SENDING, leased to it for ``seconds``."""
    return intend(
        session,
        kind,
        body,
        due_at=at + timedelta(seconds=seconds),
        state=CallState.SENDING,
        first_sent_at=at,
        attempts=1,
        lease_token=uuid4(),
    )


def open_call(session: PaymentSession) -> GatewayCall | None:
    """Return the call of the session whose outcome is not known yet."""
    return session.calls.filter(state__in=OPEN_CALLS).exclude(kind=CallKind.NET_CANCEL).first()


def hurry(call: GatewayCall, at: datetime) -> None:
    """Let a worker look at a call that waits, now."""
    GatewayCall.objects.waiting().filter(pk=call.pk).update(due_at=at)


def end_call(call: GatewayCall, state: CallState, at: datetime, **words: Any) -> bool:
    """Write a call's final outcome if the caller still holds its lease; False: the result does not count."""
    held = GatewayCall.objects.filter(pk=call.pk)
    return call.lease_token is not None and held.finish(call.lease_token, state=state, ended_at=at, **words)


def leave_unknown(call: GatewayCall, due_at: datetime, code: str, message: str, **changes: Any) -> None:
    """Write that nobody knows what the call did: it is looked into at ``due_at``."""
    held = GatewayCall.objects.filter(pk=call.pk, lease_token=call.lease_token)
    changes |= {"code": code[:100], "message": message[:500]}
    held.update(state=CallState.UNKNOWN, lease_token=None, due_at=due_at, **changes)


def leave_unsent(call: GatewayCall, due_at: datetime, code: str) -> None:
    """Write that a call surely did not go out: it is sent for the first time at ``due_at``."""
    held = GatewayCall.objects.filter(pk=call.pk, lease_token=call.lease_token)
    held.update(state=CallState.READY, lease_token=None, due_at=due_at, code=code[:100])


def take_call(call: GatewayCall, state: CallState, at: datetime) -> None:
    """End an open call from what a lookup saw, taking its lease: whoever sent it learns that he came late."""
    GatewayCall.objects.filter(pk=call.pk, state__in=OPEN_CALLS).update(
        state=state, ended_at=at, due_at=None, lease_token=None
    )


def identify(session: PaymentSession, at: datetime, *, next_look: datetime | None = None, **found: str) -> bool:
    """Store what the gateway calls the payment, as it becomes known, and wake the notices that came before.

    False: the shop wants the payment closed, whatever ``session`` says: no page of it may be handed out.

    ``found``: gateway_id, gateway_payment_id, page_url; what is empty, or known already, changes nothing.
    ``next_look``: when the gateway is asked next, where that changes too.
    """
    fresh = {name: value for name, value in found.items() if value and not getattr(session, name)}
    look = {"due_at": next_look, "lease_token": None} if next_look else {}
    if not fresh and not look:
        return not session.close_wanted
    known = _names_of(session)
    rows = PaymentSession.objects.filter(pk=session.pk)
    wanted = bool(rows.filter(close_wanted=False).update(**fresh, **look))
    if not wanted:
        rows.update(**fresh, **look)
    for name, value in fresh.items():
        setattr(session, name, value)
    new = [name for name in _names_of(session) if name not in known]
    if new:
        # A notice that could find the session before is no orphan; one that is being worked must not ring itself.
        orphans = Notification.objects.filter(session=None, due_at__isnull=False, gateway=session.gateway)
        orphans.filter(reduce(or_, new)).exclude(reduce(or_, known)).ring(at)
    return wanted


def _names_of(session: PaymentSession) -> list[Q]:
    """Return how a notice may name the session."""
    names = ("reference", "gateway_id", "gateway_payment_id")
    return [Q((name, value)) for name in names if (value := getattr(session, name))]


def look_at(session: PaymentSession, at: datetime | None) -> None:
    """Plan when the gateway is asked about the session; None: no more. A look that somebody waits for stays due."""
    if not session.is_due:
        PaymentSession.objects.filter(pk=session.pk).update(due_at=at, lease_token=None, attempts=0)
        session.due_at, session.lease_token = at, None


def _no_look(session: PaymentSession) -> dict[str, None]:
    """Return the changes that end the looks at a session, but for one that somebody waits for."""
    return {} if session.is_due else {"due_at": None, "lease_token": None}


def others_of(session: PaymentSession) -> tuple[bool, bool]:
    """Say whether another session of the order holds money, and whether a newer one exists."""
    others = PaymentSession.objects.filter(order=session.order_id).exclude(pk=session.pk)
    found = others.aggregate(paid=Count("pk", filter=Q(stage__in=HOLDING)), newest=Max("pk", default=0))
    return found["paid"] > 0, found["newest"] > session.pk


def book_payment(session: PaymentSession, received: int, at: datetime) -> None:
    """Move the session to PAID with what the gateway verified."""
    move(session, Stage.PAID, paid=received, paid_at=at, reason="", **_no_look(session))
    note(session, "paid", "gateway", expected=session.amount, verified=received)


def put_in_review(session: PaymentSession, reason: Reason, received: int, **facts: Any) -> None:
    """Freeze money that is there but not as it should be: a person decides, the shop is not told."""
    move(session, Stage.REVIEW, reason=reason, paid=received, attention=True, **_no_look(session))
    note(session, "review", "gateway", reason=reason, expected=session.amount, verified=received, **facts)


def end_unpaid(session: PaymentSession, stage: Stage, reason: str, actor: str) -> None:
    """Move a live session to FAILED or EXPIRED."""
    move(session, stage, reason=reason, **_no_look(session))
    note(session, stage.lower(), actor, reason=reason)


def owe(session: PaymentSession, kind: DeliveryKind, cause: str, event_id: UUID, body: str, at: datetime) -> None:
    """Write a message to the shop, due now, under the order's present sequence number (raised for it)."""
    Delivery.objects.create(
        event_id=event_id,
        shop_id=session.order.shop_id,
        order=session.order,
        session=session,
        kind=kind,
        cause=cause,
        sequence=session.order.sequence,
        body=body,
        due_at=at,
    )


def note(session: PaymentSession, kind: str, actor: str, **facts: Any) -> None:
    """Add a line to the session's timeline. ``facts`` hold amounts, codes and ids, never personal data."""
    PaymentEvent.objects.create(session=session, kind=kind, actor=actor, facts=facts)
