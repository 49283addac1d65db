"""The words and colours of the back office: what a code of the books is called, and what to do about it."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from payments import money
from payments.models import (
    ApprovalKind,
    ApprovalState,
    CallState,
    CancelOrigin,
    CancelState,
    DeliveryState,
    Notification,
)
from payments.states import Decision, Reason, Stage

# Colours are names of unfold's labels: "" is grey.
STAGE_TONES = {
    Stage.STANDBY: "info",
    Stage.CONFIRMING: "info",
    Stage.WAITING_DEPOSIT: "info",
    Stage.PAID: "success",
    Stage.PARTIALLY_CANCELLED: "success",
    Stage.CANCELLED: "",
    Stage.FAILED: "",
    Stage.EXPIRED: "",
    Stage.REVIEW: "danger",
}
CALL_TONES = {
    CallState.READY: "info",
    CallState.SENDING: "info",
    CallState.DONE: "success",
    CallState.REFUSED: "danger",
    CallState.UNKNOWN: "warning",
}
DELIVERY_TONES = {
    DeliveryState.WAITING: "warning",
    DeliveryState.DELIVERED: "success",
    DeliveryState.DEAD: "danger",
}
CANCEL_TONES = {
    CancelState.REQUESTED: "info",
    CancelState.SENDING: "info",
    CancelState.UNKNOWN: "warning",
    CancelState.PENDING: "info",
    CancelState.DONE: "success",
    CancelState.REFUSED: "danger",
    CancelState.REVERSED: "danger",
}
APPROVAL_TONES = {
    ApprovalState.WAITING: "warning",
    ApprovalState.APPROVED: "success",
    ApprovalState.REJECTED: "danger",
    ApprovalState.WITHDRAWN: "",
    ApprovalState.STALE: "",
}
ATTENTION_TONES = {True: "danger", False: ""}

IN_DOUBT = _("PG사에 보낸 요청의 결과를 아직 모릅니다. PG사에 조회해 확인하고 있습니다.")
A_PERSON_DECIDES = _(
    "PG사가 취소의 결과를 알려 주지 못합니다. PG사 관리자에서 환불되었는지 확인하고 '확인 필요 처리'에서 고르세요."
)
DISPUTED = _("구매자가 카드사에 이의를 제기해 분쟁 중입니다. PG사 관리자에서 증빙을 내고 결과를 기다리세요.")
MARKED = _("직원이 확인할 일이 있습니다. 이력에서 원인을 보고 처리한 뒤 '확인 필요 처리'에서 표시를 해제하세요.")
ACCEPTED = _("요청과 다른 점이 있었으나 직원이 정상 결제로 인정했습니다.")
STAGE_HINTS = {
    Stage.STANDBY: _("구매자가 아직 결제하지 않았습니다. PG사에 정해진 간격으로 조회하고 있습니다."),
    Stage.CONFIRMING: _("PG사의 승인을 기다리고 있습니다."),
    Stage.WAITING_DEPOSIT: _("구매자의 입금을 기다리고 있습니다."),
    Stage.PAID: _("PG사에 조회해 금액, 통화, 주문, 구분이 요청과 같음을 확인했습니다."),
    Stage.PARTIALLY_CANCELLED: _("일부를 취소했습니다. 남은 금액은 더 취소할 수 있습니다."),
    Stage.CANCELLED: _("취소된 결제입니다."),
}
REASON_HINTS = {
    Reason.REPLACED: _("상점이 같은 주문의 결제를 새로 시작해 이 결제창을 닫았습니다. 할 일이 없습니다."),
    Reason.SUPERSEDED: _("결제창을 닫지 못한 채 새 결제가 시작되었습니다. 이 결제로 들어온 돈은 확인 필요가 됩니다."),
    Reason.LIFETIME: _("유효시간 안에 결제하지 않아 PG사에서 결제창을 닫았습니다. 할 일이 없습니다."),
    Reason.GATEWAY_REFUSED: _("PG사가 결제 시작을 거절했습니다. 아래 PG 호출의 응답 코드를 확인하세요."),
    Reason.GATEWAY_UNREACHABLE: _("PG사에 연결되지 않아 시작하지 못했습니다. 구매자가 다시 결제하면 됩니다."),
    Reason.NEVER_OPENED: _("결과를 모르던 결제 시작을 여러 번 조회했으나 PG사에 없었습니다. 결제된 돈은 없습니다."),
    Reason.NOT_PAID: _("PG사에서 결제가 실패로 끝났습니다. 할 일이 없습니다."),
    Reason.DOUBLE_PAYMENT: _("같은 주문이 다른 결제로 이미 결제되었습니다. '확인 필요 처리'에서 이 결제를 취소하세요."),
    Reason.CANCELLED_BY_SHOP: _("상점이 취소한 뒤에 결제되었습니다. '확인 필요 처리'에서 이 결제를 취소하세요."),
    Reason.WRONG_AMOUNT: _("확인된 금액이 요청과 다릅니다. PG사 관리자에서 거래를 확인하고 취소하거나 인정하세요."),
    Reason.WRONG_CURRENCY: _("확인된 통화가 요청과 다릅니다. 가맹점 설정과 PG사의 거래를 확인하세요."),
    Reason.WRONG_ORDER: _("PG사의 거래가 다른 주문을 가리킵니다. 두 결제를 함께 확인하세요."),
    Reason.WRONG_MERCHANT: _("다른 가맹점으로 결제되었습니다. 가맹점 설정과 PG사의 거래를 확인하세요."),
    Reason.WRONG_MODE: _("테스트와 실거래가 섞였습니다. 가맹점의 구분과 키를 확인하세요."),
    Reason.ALREADY_REVERSED: _("확인하기 전에 환불되었거나 분쟁 중입니다. PG사에서 거래를 확인하세요."),
    Reason.NOT_SETTLED: _("PG사가 결제 완료라고 하지만 입금 내역이 맞지 않습니다. PG사에서 거래를 확인하세요."),
}

EVENTS = {
    "opened": _("결제 세션 생성"),
    "started": _("PG사에 결제창 생성"),
    "waiting_deposit": _("입금 대기"),
    "paid": _("결제 확인"),
    "review": _("확인 필요로 보류"),
    "failed": _("결제 실패"),
    "expired": _("결제 만료"),
    "reversal_seen": _("PG사의 환불·분쟁 발견"),
    "look_requested": _("다시 조회 요청"),
    "looked": _("다시 조회 결과"),
    "not_told": _("상점 통보 중단"),
    "resend_requested": _("재통보 요청"),
    "attention_ended": _("확인 필요 표시 해제"),
    "cancel_requested": _("취소 요청"),
    "cancelled": _("취소 완료"),
    "cancel_pending": _("PG사가 취소 처리 중"),
    "cancel_refused": _("취소 거절"),
    "refund_found": _("PG사에서 직접 한 환불 발견"),
    "refund_awaited": _("환불이 PG사 목록에 아직 없어 다시 조회"),
    "refund_reversed": _("환불된 돈이 되돌아옴"),
    "overlap": _("환불이 취소 예약과 겹침"),
    "approval_requested": _("승인 요청"),
    "approved": pgettext_lazy("event", "승인"),
    "rejected": _("반려"),
    "withdrawn": _("승인 요청 철회"),
    "close_wanted": _("상점의 취소 요청 (결제 결과를 아직 모름)"),
    "decided": _("직원의 결정"),
    "disputed": _("분쟁 시작"),
    "dispute_over": _("분쟁 끝남"),
    "refund_differs": _("환불 금액이 취소와 다름"),
    "unlisted_refund": _("환불 목록에 없는 환불이 있음"),
    "refund_overdue": _("PG사가 60일 넘게 환불을 끝내지 않음"),
    "not_sent_back": _("저절로 환불하지 못함"),
    "decision_carried_out": _("결정대로 처리"),
    "decision_not_possible": _("결정대로 처리하지 못함"),
}
EVENT_TONES = {
    "paid": "success",
    "review": "danger",
    "reversal_seen": "warning",
    "failed": "warning",
    "cancelled": "success",
    "cancel_refused": "danger",
    "refund_found": "warning",
    "refund_reversed": "danger",
    "overlap": "danger",
    "disputed": "danger",
    "refund_differs": "danger",
    "unlisted_refund": "danger",
    "refund_overdue": "danger",
    "not_sent_back": "danger",
    "approved": "success",
    "rejected": "danger",
    "decision_not_possible": "danger",
}
ACTORS = {
    "shop": _("상점"),
    "gateway": _("PG사"),
    "webhook": _("웹훅"),
    "sweep": _("자동 조회"),
    "policy": pgettext_lazy("cancel", "자동"),
}
FACTS = {
    "amount": _("금액"),
    "currency": _("통화"),
    "method": _("결제수단"),
    "gateway_id": _("PG 거래번호"),
    "expected": _("요청"),
    "verified": _("확인"),
    "reason": _("사유"),
    "status": _("PG 상태"),
    "result": _("결과"),
    "returned": _("환불된 금액"),
    "disputed": _("분쟁"),
    "delivery": _("통보"),
    "sequence": _("순번"),
    "cancel": _("취소번호"),
    "origin": _("요청 주체"),
    "code": _("사유"),
    "balance": _("잔액"),
    "approval": pgettext_lazy("event", "승인 요청"),
    "decision": _("직원의 결정"),
    "note": _("메모"),
    "found": _("발견"),
}
_AMOUNTS = {"amount", "expected", "verified", "returned", "balance", "found"}
_CHOICES: dict[str, Any] = {
    "reason": Reason,
    "origin": CancelOrigin,
    "approval": ApprovalKind,
    "decision": Decision,
}

CLAIMS_OF_REFUND = {
    "PENDING": CancelState.PENDING.label,
    "DONE": CancelState.DONE.label,
    "FAILED": _("환불 실패"),
}
# Where a code is not the gateway's, but PGB's own.
CODES = {
    "not_possible_any_more": _("그사이 결제가 바뀜"),
    "not_paid_at_the_gateway": _("PG사에 결제된 돈이 없음"),
    "another_amount_at_the_gateway": _("PG사의 금액이 그사이 바뀜"),
    "not_in_doubt_any_more": _("그사이 취소의 결과가 확인됨"),
    "decided_by_staff": _("직원이 정함"),
}
NOTICE_RESULTS = {
    "": _("처리 대기"),
    "not about a payment": _("결제와 관계없는 알림"),
    "says more than the gateway shows": _("조회 결과가 아직 알림과 달라 다시 조회합니다"),
    "no payment of ours": _("우리 결제가 아님"),
    "no payment of ours yet": _("아직 맞는 결제가 없음"),
}
TRY_RESULTS = {
    "started": _("응답 전 중단됨"),
    "accepted": _("상점이 수락함"),
    "no IsSuccess true in the answer": _("응답에 IsSuccess true가 없음"),
    "deadline": _("시간 안에 응답 없음"),
    "ConnectionError": _("연결되지 않음"),
    "ConnectTimeout": _("연결되지 않음"),
    "AddressRefused": _("허용되지 않는 주소"),
    "plain_http": _("https가 아닌 주소"),
}


def amount(value: int | None, currency: str) -> str:
    """Return minor units as staff read them; a currency that nobody knows stays as it came."""
    if value is None:
        return "-"
    try:
        return money.display(value, currency)
    except money.BadAmount:
        return f"{value} {currency}"


def fact(key: str, value: Any, currency: str) -> str:
    """Return one fact of an event as staff read it."""
    if key in _AMOUNTS and isinstance(value, int):
        return amount(value, currency)
    if key in _CHOICES and value in _CHOICES[key].values:
        return str(_CHOICES[key](value).label)
    if key == "cancel":
        return f"…{str(value)[-6:]}"
    if key == "code":
        return code(value)
    if isinstance(value, bool):
        return str(_("예") if value else _("아니오"))
    return str(value)


def claimed(notice: Notification) -> str:
    """Return what a notice says as staff read it."""
    if notice.claims == notice.DISPUTED:
        return str(EVENTS["disputed"])
    if notice.gateway_cancel_id:
        return str(CLAIMS_OF_REFUND.get(notice.claims, ""))
    return str(Stage(notice.claims).label) if notice.claims in Stage.values else str(notice.claims)


def code(value: str) -> str:
    """Return why something was refused as staff read it; a gateway's own code stays."""
    return str(CODES.get(value, value))


def notice_result(result: str) -> str:
    """Return what became of a notice as staff read it; it may be a stage."""
    if result.startswith("no answer: "):
        return _("PG사 응답 없음 (%s)") % result.removeprefix("no answer: ")
    if result in Stage.values:
        return str(Stage(result).label)
    return str(NOTICE_RESULTS.get(result, result))


def try_result(result: str) -> str:
    """Return how a try to reach the shop ended, as staff read it."""
    return str(TRY_RESULTS.get(result, result))
