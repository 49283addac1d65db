"""The page of one payment: what we asked for, what the gateway verified, and everything that happened."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db.models import Prefetch
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from merchants.codes import Device, Mode
from merchants.crypto import CannotOpen
from payments import reviewing, staff, staff_cancels
from payments.admin import columns, masking, timeline, words
from payments.admin.approval_words import row as approval_row
from payments.admin.cancel_words import row as cancel_row
from payments.models import (
    OPEN_CALLS,
    CallKind,
    CallState,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    GatewayCall,
    PaymentEvent,
    PaymentSession,
)
from payments.states import Decision, Reason, Stage

WATCHED_FOR = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Check:
    """What we asked for beside what the gateway verified; ``same`` is None before it did."""

    name: str
    expected: str
    verified: str
    same: bool | None


@dataclass(frozen=True, slots=True)
class Message:
    """A delivery as a row of the page."""

    delivery: Delivery
    tone: str
    last: str
    under_way: bool


def session_page(session: PaymentSession) -> dict[str, Any]:
    """Return what the template shows of ``session``, in a fixed number of queries."""
    now = timezone.now()
    events = timeline.latest(session.events.all())
    calls = timeline.latest(session.calls.defer("sealed_body"))
    asked = timeline.latest(session.approvals.select_related("requester", "decider").defer("sealed_account"))
    cancels = timeline.latest(session.cancellations.defer("sealed_account"))
    notices = timeline.latest(session.notifications.defer("sealed_body"))
    tries = Prefetch("tries", queryset=DeliveryAttempt.objects.order_by("number"))
    deliveries = timeline.latest(session.deliveries.defer("body").prefetch_related(tries))
    open_call = next((call for call in calls if call.state in OPEN_CALLS and call.kind != CallKind.NET_CANCEL), None)
    lines = timeline.in_order(
        timeline.of_events(events, session.currency),
        timeline.of_calls(calls),
        timeline.of_notices(notices),
        *(timeline.of_delivery(delivery, delivery.tries.all(), now) for delivery in deliveries),
        timeline.plans(session, calls, deliveries),
    )
    next_at = min((at for at in (session.due_at, open_call and open_call.due_at) if at), default=None)
    return {
        **summary(session, events, open_call),
        "title": session.reference,
        "approvals": [approval_row(one, session.currency) for one in asked],
        "to_decide": reviewing.is_undecided(session, open_call),
        "cancels": [cancel_row(cancel, session.currency) for cancel in cancels],
        "facts": [(name, value) for name, value in _facts(session) if value],
        "deliveries": [_message(delivery, now) for delivery in deliveries],
        "lines": lines,
        "shortened": any(len(part) == timeline.MOST_LINES for part in (events, calls, notices, deliveries)),
        "no_look": staff.why_no_look(session, open_call),
        "next_at": next_at,
        "is_watched": any(_is_now(at, now) for at in (next_at, *_due(deliveries))),
    }


def summary(
    session: PaymentSession, events: Sequence[PaymentEvent], open_call: GatewayCall | None = None
) -> dict[str, Any]:
    """Return how the payment stands: what was asked for beside what was verified, and what can be cancelled."""
    return {
        "session": session,
        "order": session.order,
        "tone": words.STAGE_TONES[Stage(session.stage)],
        "head_tone": _head_tone(session, open_call),
        "reason": Reason(session.reason).label if session.reason else "",
        "hint": _hint(session, events, open_call),
        "amount": words.amount(session.amount, session.currency),
        "mode": Mode(session.merchant.mode),
        "checks": list(_checks(session, events)),
        "unverified": _("미확인") if session.is_live else _("결제 없음"),
        "sums": _sums(session),
        "others": _others(session),
        "balance": words.amount(session.balance, session.currency),
        "no_cancel": staff_cancels.why_not(session, timezone.now()),
        "no_part": staff_cancels.why_no_part(session),
    }


def _due(deliveries: Iterable[Delivery]) -> Iterator[datetime | None]:
    return (delivery.due_at for delivery in deliveries if delivery.state == DeliveryState.WAITING)


def _is_now(at: datetime | None, now: datetime) -> bool:
    """Whether something should happen at this moment. Later than that, nobody works: the page is left alone."""
    return at is not None and abs(at - now) < WATCHED_FOR


def _head_tone(session: PaymentSession, open_call: GatewayCall | None) -> str:
    if session.attention or session.disputed:
        return "danger"
    in_doubt = open_call and open_call.state == CallState.UNKNOWN
    return "warning" if in_doubt else words.STAGE_TONES[Stage(session.stage)]


def _hint(session: PaymentSession, events: Sequence[PaymentEvent], open_call: GatewayCall | None) -> Any:
    if open_call and open_call.state == CallState.UNKNOWN:
        waits = open_call.code == reviewing.A_PERSON_DECIDES
        return words.A_PERSON_DECIDES if waits else words.IN_DOUBT
    is_over = session.stage == Stage.CANCELLED and session.paid
    if session.reason and not is_over:
        return words.REASON_HINTS[Reason(session.reason)]
    if session.disputed:
        return words.DISPUTED
    if session.attention:
        return words.MARKED
    if session.stage == Stage.PAID and _was_accepted(events):
        return words.ACCEPTED
    return words.STAGE_HINTS.get(Stage(session.stage), "")


def _was_accepted(events: Sequence[PaymentEvent]) -> bool:
    """Whether a person let a payment pass that is not as the shop asked for it."""
    return any(
        event.kind == "decision_carried_out" and event.facts.get("decision") == Decision.ACCEPTED for event in events
    )


def _checks(session: PaymentSession, events: Sequence[PaymentEvent]) -> Iterator[Check]:
    """Compare as the verification did: what it found stands in the event that it wrote."""
    expected = {
        "amount": words.amount(session.amount, session.currency),
        "currency": session.currency,
        "reference": session.reference,
        "mode": str(Mode(session.merchant.mode).label),
    }
    verdict = next((event for event in reversed(events) if event.kind in ("paid", "review")), None)
    found = _found(session, verdict, expected) if verdict else {}
    names = {"amount": _("금액"), "currency": _("통화"), "reference": _("결제번호"), "mode": _("구분")}
    for key, name in names.items():
        value = found.get(key, "")
        yield Check(name, expected[key], value, value == expected[key] if value else None)


def _found(session: PaymentSession, verdict: PaymentEvent, expected: dict[str, str]) -> dict[str, str]:
    """Return what the gateway said. A payment is booked only if all but its amount were as expected."""
    facts = verdict.facts
    if verdict.kind == "paid":
        return {**expected, "amount": words.amount(facts.get("verified"), session.currency)}
    mode = Mode.LIVE if facts.get("found_livemode") else Mode.TEST
    currency = str(facts.get("found_currency", ""))
    return {
        "amount": words.amount(facts.get("found_amount"), currency),
        "currency": currency,
        "reference": str(facts.get("found_reference", "")),
        "mode": str(mode.label) if "found_livemode" in facts else "",
    }


def _sums(session: PaymentSession) -> list[tuple[str, str]]:
    """Return what became of the money, as far as it is more than the payment itself."""
    if not session.cancelled and not session.reserved:
        return []
    sums = {
        _("결제 금액"): session.paid,
        _("취소 금액"): session.cancelled,
        _("진행 중인 취소"): session.reserved,
        _("잔액"): session.balance,
    }
    if not session.reserved:
        del sums[_("진행 중인 취소")]
    return [(name, words.amount(value, session.currency)) for name, value in sums.items()]


def _facts(session: PaymentSession) -> Iterator[tuple[str, str]]:
    """The small print. Pages to pay on and tokens stay out: who has them can act as the buyer."""
    buyer = _buyer(session)
    yield _("상품명"), masking.text(session.description)
    method = columns.method_names().get(session.method, session.method)
    yield _("결제수단"), f"{method} / {Device(session.device).label} / {session.nation}"
    yield _("가맹점"), f"{session.merchant} · MID {session.merchant.mid}"
    yield _("상점"), f"{session.order.shop} · JoinerId {session.order.joiner_id}"
    yield _("면세 금액"), words.amount(session.tax_free, session.currency) if session.tax_free else ""
    yield _("구매자"), buyer.get("name", "")
    yield _("연락처"), buyer.get("tel", "")
    yield _("이메일"), buyer.get("email", "")
    yield _("PG 거래번호"), session.gateway_id
    yield _("PG 결제번호"), session.gateway_payment_id
    yield _("완료 후 주소"), urlsplit(session.redirect_url).hostname or ""
    yield _("생성"), columns.moment(session.created_at)
    yield _("결제 시각"), columns.moment(session.paid_at)
    yield pgettext("fact", "만료"), columns.moment(session.expires_at)


def _buyer(session: PaymentSession) -> dict[str, str]:
    try:
        return masking.buyer(session.buyer or {})
    except CannotOpen:
        return {"name": _("열 수 없음: PGB_FIELD_KEYS를 확인하세요.")}


def _message(delivery: Delivery, now: datetime) -> Message:
    tries: Iterable[DeliveryAttempt] = delivery.tries.all()
    last = max(tries, key=lambda attempt: attempt.number, default=None)
    return Message(
        delivery=delivery,
        tone=words.DELIVERY_TONES[DeliveryState(delivery.state)],
        last=timeline.how_it_went(last, delivery, now)[1] if last else "",
        under_way=staff.is_under_way(delivery, now),
    )


def _others(session: PaymentSession) -> list[dict[str, Any]]:
    """Return the other attempts to pay this order, the newest first."""
    rows = PaymentSession.objects.filter(order=session.order_id).exclude(pk=session.pk).order_by("-pk")
    return [
        {
            "session": other,
            "amount": words.amount(other.amount, other.currency),
            "tone": words.STAGE_TONES[Stage(other.stage)],
        }
        for other in rows.defer("sealed_buyer")[: timeline.MOST_LINES]
    ]
