"""전액취소 and 부분취소 by staff: what is possible, and in their words what is not and why.

Only rows are written here; the bridge makes the call within a second. Amounts are minor units.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from payments import ledger, powers, refunds
from payments.models import ApprovalState, Cancellation, CancelOrigin, PaymentSession
from payments.staff import NotPossible
from payments.states import HOLDING, Reason, Stage

APPROVAL_LASTS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ask:
    """A cancel as a person asks for it. ``tax_free`` None: the smallest part that fits."""

    amount: int
    reason: str
    tax_free: int | None = None
    account: Mapping[str, str] = field(default_factory=dict, repr=False)


def version_of(session: PaymentSession) -> str:
    """Return what a page shows when it is opened and must still be so when its button is pressed."""
    parts = (
        session.pk, session.stage, session.paid, session.cancelled, session.reserved, session.generation,
        session.disputed,
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def check_version(session: PaymentSession, version: str) -> None:
    """Refuse what was decided on an older state of the payment. Raises NotPossible."""
    if version != version_of(session):
        raise NotPossible(
            _("이 화면을 연 뒤에 결제가 바뀌었습니다. 아무것도 하지 않았으니 지금 상태를 보고 다시 하세요.")
        )


def why_not(session: PaymentSession, now: datetime) -> str:
    """Say why nothing of the payment can be cancelled now; empty if something can."""
    return _never(session) or _not_now(session, now)


def _never(session: PaymentSession) -> str:
    if powers.GATEWAYS.of(session.gateway) is None:
        return _("PGB가 아직 통신하지 못하는 PG사입니다. PG사 관리자에서 취소하세요.")
    if session.stage == Stage.CANCELLED and session.balance > 0:
        return _("직원이 취소로 닫은 결제입니다. 남은 돈은 PG사 관리자에서 처리합니다.")
    if session.stage == Stage.CANCELLED and session.paid:
        return _("모두 취소된 결제입니다.")
    if session.stage == Stage.REVIEW and session.reason == Reason.WRONG_CURRENCY:
        return _("다른 통화로 결제되어 PGB에서 취소할 수 없습니다. PG사 관리자에서 환불하세요.")
    if session.stage not in HOLDING | {Stage.REVIEW} or not session.paid:
        return _("결제된 돈이 없어 취소할 것이 없습니다.")
    return ""


def _not_now(session: PaymentSession, now: datetime) -> str:
    if refunds.open_cancel(session) is not None:
        return _("다른 취소가 진행 중입니다. 끝난 뒤에 다시 하세요.")
    if ledger.open_call(session) is not None:
        return _("PG사에 보낸 다른 요청이 끝나지 않았습니다. 끝난 뒤에 다시 하세요.")
    if session.approvals.filter(state=ApprovalState.WAITING, requested_at__gt=now - APPROVAL_LASTS).exists():
        return _("승인을 기다리는 요청이 있습니다. 승인되거나 반려된 뒤에 다시 하세요.")
    if session.disputed:
        return _("구매자가 카드사에 이의를 제기해 분쟁 중입니다. 분쟁이 끝난 뒤에 취소할 수 있습니다.")
    if session.balance <= 0:
        return _("남은 금액이 없습니다. PG사가 처리 중인 취소까지 더하면 모두 돌려준 결제입니다.")
    return ""


def why_no_part(session: PaymentSession) -> str:
    """Say why only the whole of the payment can be cancelled; empty if a part can."""
    gateway = powers.GATEWAYS.of(session.gateway)
    if gateway is not None and session.method not in gateway.partial_cancel:
        return _("이 결제수단은 부분취소가 되지 않습니다. 전액취소만 할 수 있습니다.")
    if session.stage == Stage.REVIEW:
        return _("확인 필요인 결제는 전액만 취소할 수 있습니다.")
    return ""


def needs_account(session: PaymentSession) -> bool:
    """Whether the method sends money back only to a bank account that somebody names."""
    gateway = powers.GATEWAYS.of(session.gateway)
    return gateway is not None and session.method in gateway.needs_account


def asks_buyer(session: PaymentSession) -> bool:
    """Whether the gateway itself asks the buyer where the money should go."""
    gateway = powers.GATEWAYS.of(session.gateway)
    return gateway is not None and session.method not in gateway.refunds_itself | gateway.needs_account


def check(session: PaymentSession, ask: Ask, now: datetime) -> None:
    """Refuse what cannot be done with the payment, under its lock. Raises NotPossible."""
    obstacle = why_not(session, now)
    if not obstacle and ask.amount < session.balance:
        obstacle = why_no_part(session)
    if obstacle:
        raise NotPossible(obstacle)
    if not refunds.fits(session, ask.amount, ask.tax_free):
        raise NotPossible(
            _("취소할 수 있는 금액을 넘거나, 면세 금액이 남은 과세·면세 금액에 맞지 않습니다. 금액을 다시 확인하세요.")
        )


def grant(session: PaymentSession, ask: Ask, now: datetime, *, requested_by: str, approved_by: str) -> Cancellation:
    """Reserve what was asked for, after ``check``, and write its call, due now."""
    wish = refunds.Wish(
        amount=ask.amount,
        origin=CancelOrigin.STAFF,
        tax_free=ask.tax_free,
        reason=ask.reason,
        requested_by=requested_by,
        approved_by=approved_by,
        account=ask.account,
    )
    return refunds.reserve(session, wish, now)
