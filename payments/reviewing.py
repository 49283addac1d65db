"""What only a person can end: money in REVIEW, a mark 확인 필요, a cancel of which the gateway cannot tell.

Decisions are rows; the bridge asks the gateway first, carries them out under the lock and tells the shop.
"""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments import approvals, ledger, refunds
from payments.models import (
    Approval,
    ApprovalKind,
    ApprovalState,
    CallKind,
    CallState,
    GatewayCall,
    PaymentSession,
)
from payments.staff import NotPossible
from payments.staff_cancels import Ask, check_version
from payments.states import LIVE, Decision, Reason, Stage

# The bridge's word for a call that it will not send again by itself.
A_PERSON_DECIDES = "a_person_decides"
MONEY_IS_THERE = gettext_lazy("PG사에 돈이 남아 있습니다. 직접 처리했으면 그렇다고 표시해 주세요.")


class Choice(TextChoices):
    """What a person can do about a payment."""

    ACCEPT = "ACCEPT", gettext_lazy("정상 인정")
    CLOSED = "CLOSED", gettext_lazy("해결됨: 취소로 닫기")
    FAILED = "FAILED", gettext_lazy("해결됨: 실패로 닫기")
    MARK = "MARK", gettext_lazy("표시만 해제")
    REFUNDED = "REFUNDED", gettext_lazy("환불되었음")
    NOT_REFUNDED = "NOT_REFUNDED", gettext_lazy("환불되지 않았음")


def obstacles(session: PaymentSession) -> dict[Choice, str]:
    """Return what may be chosen for the payment as it is, each with why it is not possible now; empty: it is."""
    if session.decision:
        why = _("내린 결정을 처리하고 있습니다. 잠시 뒤에 다시 보세요.")
    elif session.approvals.filter(state=ApprovalState.WAITING).exists():
        why = _("승인을 기다리는 요청이 있습니다. 승인되거나 반려된 뒤에 다시 하세요.")
    else:
        why = ""
    found: dict[Choice, str] = {}
    if session.stage == Stage.REVIEW:
        found[Choice.ACCEPT] = why or why_no_accept(session)
        found[Choice.CLOSED] = why or _why_no_end(session)
        found[Choice.FAILED] = why or (_("들어온 돈이 있습니다.") if session.paid else _why_no_end(session))
    if session.attention:
        found[Choice.MARK] = why
    if call_in_doubt(session) is not None:
        found[Choice.REFUNDED] = found[Choice.NOT_REFUNDED] = why
    return found


def is_undecided(session: PaymentSession, call: GatewayCall | None) -> bool:
    """Whether there is anything for a person to choose; ``call`` is the payment's open call."""
    waits = call is not None and call.kind == CallKind.CANCEL and call.code == A_PERSON_DECIDES
    return session.stage == Stage.REVIEW or session.attention or waits


def why_no_accept(session: PaymentSession) -> str:
    """Say why the money of a payment in REVIEW cannot pay its order; empty if it can."""
    if session.reason == Reason.WRONG_MODE:
        return _("테스트와 실거래가 섞인 결제는 인정할 수 없습니다.")
    if session.paid <= session.cancelled:
        return _("PG사에 남은 돈이 없거나 통화가 다릅니다.")
    if session.disputed:
        return _("분쟁 중인 결제는 인정할 수 없습니다.")
    another_paid, _newer = ledger.others_of(session)
    if another_paid:
        return _("같은 주문이 다른 결제로 이미 결제되었습니다.")
    others = PaymentSession.objects.filter(order=session.order_id, stage__in=LIVE)
    if others.exists():
        return _("구매자가 같은 주문을 다시 결제하는 중입니다. 그 결제가 끝난 뒤에 다시 보세요.")
    return _why_no_end(session)


def _why_no_end(session: PaymentSession) -> str:
    if session.reserved or refunds.open_cancel(session) is not None:
        return _("취소가 진행 중입니다. 끝난 뒤에 다시 하세요.")
    return ""


def call_in_doubt(session: PaymentSession) -> GatewayCall | None:
    """Return the cancel's call whose outcome the gateway cannot tell any more, and that is not sent again."""
    doubtful = session.calls.filter(kind=CallKind.CANCEL, state=CallState.UNKNOWN, code=A_PERSON_DECIDES)
    return doubtful.first()


def needs_statement(session: PaymentSession, choice: Choice) -> bool:
    """Whether the person must state that the money was dealt with by hand."""
    has_money = session.balance > 0 or session.reason == Reason.WRONG_CURRENCY
    ends_it = choice in (Choice.CLOSED, Choice.FAILED, Choice.MARK)
    return ends_it and session.stage == Stage.REVIEW and has_money


def choose(
    session_pk: int, choice: Choice, reason: str, user: User, version: str, *, stated: bool = False
) -> Approval | None:
    """Write what ``user`` chose; what needs a second person becomes a request. Raises NotPossible."""
    now = timezone.now()
    with transaction.atomic():
        session = ledger.lock_session(session_pk)
        check_version(session, version)
        approvals.expire(now, session)
        obstacle = obstacles(session).get(choice, _("지금 이 결제에서는 할 수 없는 일입니다."))
        if not obstacle and needs_statement(session, choice) and not stated:
            obstacle = str(MONEY_IS_THERE)
        if obstacle:
            raise NotPossible(obstacle)
        if choice is Choice.ACCEPT:
            ask = Ask(session.paid - session.cancelled, reason)
            return approvals.request(session, ApprovalKind.ACCEPT, ask, user, now)
        _write(session, choice, reason, user)
        return None


def _write(session: PaymentSession, choice: Choice, reason: str, user: User) -> None:
    if choice is Choice.MARK:
        PaymentSession.objects.filter(pk=session.pk).update(attention=False)
        ledger.note(session, "attention_ended", user.get_username(), note=reason)
        return
    approvals.decide(session, Decision(choice))
    ledger.look_at(session, timezone.now())
    ledger.note(session, "decided", user.get_username(), decision=choice, note=reason)
