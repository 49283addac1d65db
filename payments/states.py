"""The stages of a payment session, and the one table of moves between them.

Stages move only through ``move``: a conditional update whose row count is checked, so that of
several racers exactly one wins and the others learn that they lost.
"""

from typing import TYPE_CHECKING, Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from payments.models import PaymentSession


class Stage(TextChoices):
    """Where one attempt to pay stands."""

    STANDBY = "STANDBY", _("결제 대기")
    CONFIRMING = "CONFIRMING", _("승인 중")
    WAITING_DEPOSIT = "WAITING_DEPOSIT", _("입금 대기")
    PAID = "PAID", _("결제 완료")
    PARTIALLY_CANCELLED = "PARTIALLY_CANCELLED", pgettext_lazy("stage", "부분취소")
    CANCELLED = "CANCELLED", pgettext_lazy("stage", "취소")
    FAILED = "FAILED", _("실패")
    EXPIRED = "EXPIRED", _("만료")
    REVIEW = "REVIEW", _("확인 필요")


class Reason(TextChoices):
    """Why a session ended, or why a person must look at it."""

    REPLACED = "REPLACED", _("새 결제로 교체됨")
    SUPERSEDED = "SUPERSEDED", _("닫지 못한 채 새 결제로 대체됨")
    LIFETIME = "LIFETIME", _("결제 시간 초과")
    GATEWAY_REFUSED = "GATEWAY_REFUSED", _("PG사가 거절함")
    GATEWAY_UNREACHABLE = "GATEWAY_UNREACHABLE", _("PG사에 연결되지 않음")
    NEVER_OPENED = "NEVER_OPENED", _("PG사에 만들어지지 않음")
    NOT_PAID = "NOT_PAID", _("결제되지 않음")
    DOUBLE_PAYMENT = "DOUBLE_PAYMENT", _("중복 결제")
    CANCELLED_BY_SHOP = "CANCELLED_BY_SHOP", _("상점이 취소한 결제")
    WRONG_AMOUNT = "WRONG_AMOUNT", _("금액 불일치")
    WRONG_CURRENCY = "WRONG_CURRENCY", _("통화 불일치")
    WRONG_ORDER = "WRONG_ORDER", _("주문 불일치")
    WRONG_MERCHANT = "WRONG_MERCHANT", _("가맹점 불일치")
    WRONG_MODE = "WRONG_MODE", _("테스트/실거래 불일치")
    ALREADY_REVERSED = "ALREADY_REVERSED", _("확인 전에 환불되었거나 분쟁 중")
    NOT_SETTLED = "NOT_SETTLED", _("결제 완료 표시와 입금 내역 불일치")


class Decision(TextChoices):
    """What a person decided about a payment; the bridge carries it out with its next look, and tells the shop.

    CLOSED: its money is not there any more. REFUNDED, NOT_REFUNDED: what became of a cancel in doubt.
    """

    ACCEPTED = "ACCEPTED", _("정상 인정")
    CLOSED = "CLOSED", _("취소로 닫음")
    FAILED = "FAILED", _("실패로 닫음")
    REFUNDED = "REFUNDED", _("환불된 것으로 확인")
    NOT_REFUNDED = "NOT_REFUNDED", _("환불되지 않은 것으로 확인")


S = Stage
LIVE = frozenset({S.STANDBY, S.CONFIRMING, S.WAITING_DEPOSIT})
HOLDING = frozenset({S.PAID, S.PARTIALLY_CANCELLED})
UNPAID_ENDS = frozenset({S.FAILED, S.EXPIRED})
RARE = frozenset({S.PARTIALLY_CANCELLED, S.CANCELLED, S.REVIEW})

MOVES: dict[Stage, frozenset[Stage]] = {
    S.STANDBY: frozenset({S.CONFIRMING, S.WAITING_DEPOSIT, S.PAID, S.FAILED, S.EXPIRED, S.CANCELLED, S.REVIEW}),
    S.CONFIRMING: frozenset({S.WAITING_DEPOSIT, S.PAID, S.FAILED, S.EXPIRED, S.CANCELLED, S.REVIEW}),
    S.WAITING_DEPOSIT: frozenset({S.PAID, S.FAILED, S.EXPIRED, S.CANCELLED, S.REVIEW}),
    S.PAID: frozenset({S.PARTIALLY_CANCELLED, S.CANCELLED, S.WAITING_DEPOSIT}),
    S.PARTIALLY_CANCELLED: frozenset({S.PAID, S.CANCELLED}),
    S.CANCELLED: frozenset({S.PAID, S.PARTIALLY_CANCELLED, S.REVIEW}),
    S.FAILED: frozenset({S.PAID, S.REVIEW}),
    S.EXPIRED: frozenset({S.PAID, S.REVIEW}),
    S.REVIEW: frozenset({S.PAID, S.CANCELLED, S.FAILED}),
}


class ForbiddenMove(Exception):
    """The table has no such move: a mistake of ours, never of a gateway or a shop."""


class StaleStage(Exception):
    """Another process moved the session first: read it again and decide anew."""


def allowed(origin: Stage, target: Stage, *, ever_paid: bool) -> bool:
    """Say whether a session may go from ``origin`` to ``target``.

    ``ever_paid`` tells a refunded CANCELLED, to which money may come back, from a CANCELLED that
    the shop asked for before any payment, whose money goes to REVIEW only.
    """
    if origin is S.CANCELLED and not ever_paid:
        return target is S.REVIEW
    return target in MOVES[origin]


def move(session: "PaymentSession", target: Stage, **changes: Any) -> None:
    """Move ``session`` to ``target`` and write ``changes`` with it, if its stage is still the one read.

    Raises ForbiddenMove or StaleStage; then nothing was written.
    """
    origin = Stage(session.stage)
    if not allowed(origin, target, ever_paid=session.paid > 0):
        raise ForbiddenMove(f"{session.reference}: {origin} -> {target}")
    changes["stage"] = target
    if not type(session).objects.filter(pk=session.pk, stage=origin).update(**changes):
        raise StaleStage(session.reference)
    for name, value in changes.items():
        setattr(session, name, value)
