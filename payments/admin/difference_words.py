"""What staff read about a difference of 대사: both sides of it, and what to do."""

from collections.abc import Iterator
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from merchants.codes import Mode
from payments import differences
from payments.admin import columns, words
from payments.models import CancelState, Difference, DifferenceKind
from payments.states import Stage

TONES = {
    DifferenceKind.MISSING_HERE: "danger",
    DifferenceKind.MISSING_THERE: "danger",
    DifferenceKind.AMOUNT: "danger",
    DifferenceKind.CURRENCY: "danger",
    DifferenceKind.STATE: "warning",
    DifferenceKind.REFUND_MISSING_HERE: "warning",
    DifferenceKind.REFUND_MISSING_THERE: "danger",
    DifferenceKind.WRONG_MID: "warning",
    DifferenceKind.TEST_LIVE: "danger",
    DifferenceKind.DUPLICATE: "danger",
}
HINTS = {
    DifferenceKind.MISSING_HERE: gettext_lazy(
        "PG사에는 결제번호가 PGB의 것인 결제가 있는데 PGB에는 그 기록이 없습니다. 백업을 복구한 뒤라면 그 사이에 "
        "시작된 결제입니다. PGB가 저절로 만들 수 없으니 PG사 관리자에서 거래를 찾아 상점의 주문과 맞추고, 배송하지 "
        "않을 주문이면 PG사에서 환불하세요."
    ),
    DifferenceKind.MISSING_THERE: gettext_lazy(
        "PGB는 결제 완료로 알고 있으나 PG사에 그 거래가 없습니다. 가맹점의 키가 같은 계정의 것인지, PG사 관리자에 "
        "거래가 있는지 확인하세요. 상점에는 이미 결제 완료로 알렸을 수 있습니다."
    ),
    DifferenceKind.AMOUNT: gettext_lazy("금액이 다릅니다. PG사 관리자에서 거래를 확인하고 '다시 조회'를 누르세요."),
    DifferenceKind.CURRENCY: gettext_lazy("통화가 다릅니다. 가맹점의 통화와 PG사의 거래를 확인하세요."),
    DifferenceKind.STATE: gettext_lazy(
        "한쪽만 완료로 알고 있습니다. '다시 조회'를 누르면 PG사에 물어 맞는 쪽으로 기록하고 상점에 알립니다."
    ),
    DifferenceKind.REFUND_MISSING_HERE: gettext_lazy(
        "PG사에서 환불되었는데 PGB에 그 취소가 없습니다. '다시 조회'를 누르면 PG사에서 직접 한 환불로 기록하고 "
        "상점에 알립니다."
    ),
    DifferenceKind.REFUND_MISSING_THERE: gettext_lazy(
        "PGB는 취소 완료로 알고 있으나 PG사에 그 환불이 없습니다. 구매자가 돈을 받지 못했을 수 있습니다. "
        "PG사 관리자에서 환불을 확인하고 '다시 조회'를 누르세요."
    ),
    DifferenceKind.WRONG_MID: gettext_lazy(
        "PGB에 적힌 것과 다른 가맹점(MID)의 거래 목록에 있습니다. 두 가맹점의 인증 정보가 서로 바뀌지 않았는지 "
        "확인하세요."
    ),
    DifferenceKind.TEST_LIVE: gettext_lazy(
        "한쪽은 테스트 결제, 다른 쪽은 실거래입니다. 가맹점의 구분과 키를 확인하세요. 실제로 들어온 돈이 없으면 "
        "상점에 알려야 합니다."
    ),
    DifferenceKind.DUPLICATE: gettext_lazy(
        "한 번만 있어야 할 거래가 PG사에 또 있습니다. PG사 관리자에서 두 거래를 확인하고, 더 받은 결제는 PG사에서 "
        "환불하세요."
    ),
}
_STATUSES = {
    differences.DONE: gettext_lazy("완료"),
    differences.PENDING: gettext_lazy("처리 중"),
    differences.FAILED: gettext_lazy("안 됨"),
}


def sides(row: Difference) -> Iterator[tuple[str, str, str, bool]]:
    """Yield for each property its name, our value, theirs, and whether they differ where both have one."""
    ours, theirs = _ours(row), _theirs(row)
    names = {
        "number": _("결제번호"), "id": _("PG 거래번호"), "amount": _("금액"), "currency": _("통화"), "state": _("상태"),
        "mid": "MID", "mode": _("구분"), "at": _("시각"),
    }  # fmt: skip
    for key, name in names.items():
        one, other = ours.get(key, ""), theirs.get(key, "")
        yield name, one, other, key in _compared(row) and one != other


def _compared(row: Difference) -> tuple[str, ...]:
    """Return what can be wrong in a difference of this kind: times and words may always differ."""
    return {
        DifferenceKind.AMOUNT: ("amount",),
        DifferenceKind.CURRENCY: ("currency", "amount"),
        DifferenceKind.STATE: ("state",),
        DifferenceKind.WRONG_MID: ("mid",),
        DifferenceKind.TEST_LIVE: ("mode",),
        DifferenceKind.DUPLICATE: ("id",),
    }.get(DifferenceKind(row.kind), ())


def amounts(row: Difference) -> tuple[str, str]:
    """Return our amount and the gateway's as staff read them; empty where a side has nothing."""
    return _ours(row).get("amount", ""), _theirs(row).get("amount", "")


def states(row: Difference) -> tuple[str, str]:
    """Return how it stands with us and at the gateway."""
    return _ours(row).get("state", ""), _theirs(row).get("state", "")


def _ours(row: Difference) -> dict[str, str]:
    kept = row.ours
    if not kept:
        return {}
    choices: Any = CancelState if kept["state"] in CancelState.values and row.cancellation_id else Stage
    return {
        "number": kept["id"],
        "id": kept["gateway_id"],
        "amount": words.amount(kept["amount"], kept["currency"]),
        "currency": kept["currency"],
        "state": str(choices(kept["state"]).label),
        "mid": kept["mid"],
        "mode": _mode(kept["livemode"]),
        "at": _moment(kept["at"]),
    }


def _theirs(row: Difference) -> dict[str, str]:
    kept = row.theirs
    if not kept:
        return {}
    is_refund = kept["kind"] == differences.REFUND
    return {
        "number": (kept["cancel_id"] if is_refund else "") or kept["reference"],
        "id": kept["gateway_cancel_id"] if is_refund else kept["gateway_payment_id"],
        "amount": words.amount(kept["amount"], kept["currency"]),
        "currency": kept["currency"],
        "state": str(_STATUSES[kept["status"]]),
        "mid": kept["mid"],
        "mode": _mode(kept["livemode"]),
        "at": _moment(kept["at"]),
    }


def _mode(is_live: bool) -> str:
    return str((Mode.LIVE if is_live else Mode.TEST).label)


def _moment(text: str | None) -> str:
    return columns.moment(parse_datetime(text)) if text else ""
