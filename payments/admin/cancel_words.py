"""How a cancel stands, as staff read it."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from payments.admin import columns, masking, words
from payments.models import Cancellation, CancelState
from payments.states import Reason

HINTS = {
    CancelState.REQUESTED: _("PG사에 보내기를 기다립니다."),
    CancelState.SENDING: _("PG사에 보내는 중입니다."),
    CancelState.UNKNOWN: _("보냈으나 결과를 아직 모릅니다. 조회해 확인하는 중입니다. 다른 방법으로 환불하지 마세요."),
    CancelState.PENDING: _("PG사가 받아들였고 처리에 시간이 걸립니다. 끝나면 상점에 알립니다."),
    CancelState.DONE: _("PG사에서 환불되었습니다."),
    CancelState.REFUSED: _("PG사가 거절했습니다. 돈은 움직이지 않았고 잔액으로 돌아왔습니다."),
    CancelState.REVERSED: _("환불된 돈이 구매자에게 닿지 못하고 되돌아왔습니다. 다시 취소하거나 다른 방법을 정하세요."),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A cancel as a row of a page."""

    cancel: Cancellation
    amount: str
    tone: str
    who: str
    at: str
    reason: str
    said: str


def row(cancel: Cancellation, currency: str) -> Row:
    """Return how a cancel stands."""
    state = CancelState(cancel.state)
    return Row(
        cancel=cancel,
        amount=words.amount(cancel.amount, currency),
        tone=words.CANCEL_TONES[state],
        who=who(cancel),
        at=columns.moment(cancel.ended_at or cancel.requested_at),
        reason=why(cancel.reason),
        said=_joined(words.code(cancel.code), masking.text(cancel.message)),
    )


def who(cancel: Cancellation) -> str:
    """Return who wanted it, and who agreed."""
    return _joined(asked(cancel), agreed(cancel))


def asked(cancel: Cancellation) -> str:
    """Return who wanted it."""
    return _joined(str(cancel.get_origin_display()), cancel.requested_by)


def agreed(cancel: Cancellation) -> str:
    """Return which second person agreed; empty where none had to."""
    return str(_("승인 %s")) % cancel.approved_by if cancel.approved_by else ""


def _joined(*texts: str) -> str:
    return " · ".join(text for text in texts if text)


def why(reason: str) -> str:
    """Return a cancel's reason: what a person wrote, or why PGB wanted it by itself."""
    return str(Reason(reason).label) if reason in Reason.values else masking.text(reason)


def hint(cancel: Cancellation) -> Any:
    """Return what its state means."""
    return HINTS[CancelState(cancel.state)]
