"""How a request for approval stands, as staff read it."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from payments.admin import columns, words
from payments.models import Approval, ApprovalState


@dataclass(frozen=True, slots=True)
class Row:
    """A request as a row of a payment's page."""

    approval: Approval
    amount: str
    tone: str
    people: str
    at: str


def row(approval: Approval, currency: str) -> Row:
    """Return how a request stands."""
    return Row(
        approval=approval,
        amount=words.amount(approval.amount, currency),
        tone=words.APPROVAL_TONES[ApprovalState(approval.state)],
        people=people(approval),
        at=columns.moment(approval.decided_at or approval.requested_at),
    )


def people(approval: Approval) -> str:
    """Return who asked, and who decided."""
    return " · ".join(text for text in (asked(approval), decided(approval)) if text)


def asked(approval: Approval) -> str:
    """Return who asked."""
    return _("요청 %s") % approval.requester.get_username()


def decided(approval: Approval) -> str:
    """Return who decided, and how; empty if nobody did."""
    if approval.decider is None:
        return ""
    text = _("반려 %s") if approval.state == ApprovalState.REJECTED else _("승인 %s")
    return text % approval.decider.get_username()
