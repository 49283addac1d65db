"""What staff read about a thing that needs them: what is known of it, where it is, and what to do."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments import reviewing
from payments.admin import words
from payments.models import ApprovalKind, Attention, AttentionKind, CallKind, CallState, DeliveryKind
from payments.states import Reason, Stage

TONES = {
    AttentionKind.PAYMENT: "danger",
    AttentionKind.APPROVAL: "warning",
    AttentionKind.CALL: "warning",
    AttentionKind.DELIVERY: "danger",
    AttentionKind.NOTICE: "warning",
    AttentionKind.LOOKUPS: "danger",
    AttentionKind.ACCOUNT: "danger",
    AttentionKind.SHOP: "danger",
    AttentionKind.EXPIRED: "danger",
    AttentionKind.EXPIRING: "warning",
    AttentionKind.RECONCILIATION: "warning",
}
HINTS = {
    AttentionKind.PAYMENT: gettext_lazy(
        "PG사의 거래가 PGB의 기록과 맞지 않습니다. 결제의 이력에서 원인을 보고 PG사 관리자에서 거래를 확인하세요."
    ),
    AttentionKind.APPROVAL: gettext_lazy(
        "다른 사람의 승인을 기다리는 요청입니다. '승인' 역할이 있는 사람이 내용을 보고 승인하거나 반려하세요. "
        "하루가 지나면 효력을 잃습니다."
    ),
    AttentionKind.CALL: gettext_lazy(
        "자동으로 계속 조회하고 있습니다. PG사 관리자에서 주문번호(결제번호)로 거래를 찾아 결과를 확인하고, "
        "결제의 '다시 조회'를 누르세요. 같은 요청을 손으로 다시 보내지 마세요."
    ),
    AttentionKind.DELIVERY: gettext_lazy(
        "상점이 통보를 받지 못했습니다. 통보의 마지막 응답을 보고 상점의 주문 상태를 확인하세요. "
        "상점이 고쳐진 뒤 '재통보'를 누르세요."
    ),
    AttentionKind.NOTICE: gettext_lazy(
        "PG사가 알린 거래와 맞는 결제가 PGB에 없습니다. PG사 관리자에서 이 거래번호를 찾아 다른 시스템의 결제인지, "
        "돈이 들어왔는지 확인하세요."
    ),
    AttentionKind.LOOKUPS: gettext_lazy(
        "PG사가 조회를 거절합니다. 가맹점의 키가 바뀌었거나 만료되었는지 PG사 관리자에서 확인하고, "
        "가맹점 관리에 새 키를 넣으세요. 그동안의 결제는 확인되지 않고 기다립니다."
    ),
    AttentionKind.ACCOUNT: gettext_lazy(
        "PG사가 10분 넘게 응답하지 않습니다. 30초마다 다시 시도합니다. PG사의 장애 공지를 확인하고, "
        "길어지면 결제수단을 다른 PG사로 바꾸세요."
    ),
    AttentionKind.SHOP: gettext_lazy(
        "상점의 통보 주소가 10분 넘게 응답하지 않습니다. 통보는 모아 두었다가 살아나면 곧바로 보냅니다. "
        "상점 개발 담당에게 알리세요."
    ),
    AttentionKind.EXPIRED: gettext_lazy(
        "인증 정보의 만료일이 지났습니다. PG사 관리자에서 새 키를 발급해 가맹점 관리에 넣고 만료일을 고치세요."
    ),
    AttentionKind.EXPIRING: gettext_lazy(
        "만료되기 전에 PG사 관리자에서 새 키를 발급해 가맹점 관리에 넣고 만료일을 고치세요."
    ),
    AttentionKind.RECONCILIATION: gettext_lazy(
        "PGB의 기록이 PG사의 거래 목록과 다르거나 목록을 받지 못했습니다. 대사 화면에서 차이를 하나씩 열어 '다시 "
        "조회'를 누르거나, 확인한 것을 '처리함'으로 표시하세요. 목록을 받지 못한 날은 매일 아침 다시 시도합니다."
    ),
}
UNSENT = gettext_lazy(
    "PG사가 받지 않아 아직 보내지 못한 취소입니다. 저절로 다시 보냅니다. PG사의 장애 공지와 요청 제한을 확인하세요. "
    "PG사 관리자에서 손으로 환불하면 두 번 환불될 수 있습니다."
)
_PAGES = {
    AttentionKind.PAYMENT: "payments_paymentsession",
    AttentionKind.DELIVERY: "payments_delivery",
    AttentionKind.NOTICE: "payments_notification",
    AttentionKind.LOOKUPS: "merchants_merchant",
    AttentionKind.ACCOUNT: "merchants_merchant",
    AttentionKind.SHOP: "merchants_shop",
    AttentionKind.EXPIRED: "merchants_merchant",
    AttentionKind.EXPIRING: "merchants_merchant",
    AttentionKind.RECONCILIATION: "payments_reconciliation",
}


def what(row: Attention) -> str:
    """Return in one line what the row is about and what is known."""
    known = [_known(name, row.facts) for name in _SHOWN[AttentionKind(row.kind)]]
    return " · ".join(text for text in known if text)


_EXPIRY = ("merchant", "expires_on")
_SHOWN = {
    AttentionKind.PAYMENT: ("order", "paid", "stage", "reason", "disputed"),
    AttentionKind.APPROVAL: ("approval", "order", "asked", "by"),
    AttentionKind.CALL: ("order", "call", "code", "merchant"),
    AttentionKind.DELIVERY: ("order", "delivery", "shop"),
    AttentionKind.NOTICE: ("event", "gateway_id", "merchant"),
    AttentionKind.LOOKUPS: ("merchant",),
    AttentionKind.ACCOUNT: ("merchant",),
    AttentionKind.SHOP: ("shop",),
    AttentionKind.EXPIRED: _EXPIRY,
    AttentionKind.EXPIRING: _EXPIRY,
    AttentionKind.RECONCILIATION: ("day", "merchant", "differences", "code"),
}
# What the list says of all its rows, and a word for programs.
_SILENT = {("stage", Stage.REVIEW), ("code", reviewing.A_PERSON_DECIDES)}
_CHOICES: dict[str, Any] = {
    "approval": ApprovalKind,
    "call": CallKind,
    "delivery": DeliveryKind,
    "stage": Stage,
    "reason": Reason,
}


def _known(name: str, facts: dict[str, Any]) -> str:
    value = facts.get(name, "")
    if name in ("paid", "asked"):
        return words.amount(value, facts["currency"])
    if name == "disputed":
        return _("분쟁") if value else ""
    if (name, value) in _SILENT:
        return ""
    if name == "expires_on":
        return _("만료일 %s") % value
    if name == "differences":
        return _("차이 %s건") % f"{value:,}" if value else ""
    choices = _CHOICES.get(name)
    return str(choices(value).label) if choices and value in choices.values else str(value)


def hint(row: Attention) -> str:
    """Return what to do about it."""
    reason = row.facts.get("reason")
    if row.kind == AttentionKind.PAYMENT and reason in Reason.values:
        return str(words.REASON_HINTS[Reason(reason)])
    if row.kind == AttentionKind.CALL and row.facts.get("state") == CallState.READY:
        return str(UNSENT)
    if row.facts.get("disputed"):
        return str(words.DISPUTED)
    if row.facts.get("code") == reviewing.A_PERSON_DECIDES:
        return str(words.A_PERSON_DECIDES)
    return str(HINTS[AttentionKind(row.kind)])


def page(row: Attention) -> str:
    """Return the path of the page of what the row is about."""
    if row.kind in (AttentionKind.CALL, AttentionKind.APPROVAL):
        return reverse("admin:payments_paymentsession_change", args=[row.facts["session"]])
    return reverse(f"admin:{_PAGES[AttentionKind(row.kind)]}_change", args=[row.subject])


def payment(row: Attention) -> int | None:
    """Return the key of the payment that staff can look up again, or end, right from the row's page."""
    if row.kind == AttentionKind.PAYMENT:
        return row.subject
    return int(row.facts["session"]) if row.kind == AttentionKind.CALL else None


def own_page(row: Attention) -> str:
    """Return the path of the row's own page, where staff say that they have it in hand."""
    return reverse("admin:payments_attention_change", args=[row.pk])


def every_page() -> str:
    """Return the path of the whole list."""
    return reverse("admin:payments_attention_changelist")
