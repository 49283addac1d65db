"""Examples for the readers of the schema; tests hold them against it."""

from typing import Any

from bridge.errors import ErrorCode


def _answer(code: str = "", message: str = "", **keys: Any) -> dict[str, Any]:
    five = {"ErrorCode": code, "ErrorMessage": message, "IsSuccess": not code, "RedirectUrl": "", "Type": ""}
    return {**five, **keys}


PAY_START = {
    "DBType": "KR1",
    "OrderId": 20261121,
    "JoinerId": 1001,
    "PayType": "CARD",
    "TotalPrice": "64900",
    "OrderDescription": "명함 200매",
    "RedirectUrl": "https://shop.example/orders/20261121/paid",
    "CancelUrl": "https://shop.example/orders/20261121",
    "NationCode": "KR",
    "Device": "pc",
}
PAY_STATUS = {"DBType": "KR1", "OrderId": 20261121, "JoinerId": 1001}

_CANCEL = {
    "DBType": "KR1",
    "OrderId": 20261121,
    "JoinerId": 1001,
    "CurrentTotalPrice": "64900",
    "NationCode": "KR",
    "RequestId": "claim-7731",
    "Reason": "고객 변심",
}
CANCELS = {
    "PartialCancel": {**_CANCEL, "RefundPrice": "4900", "ModifedTotalPrice": "60000"},
    "FullCancel": {**_CANCEL, "PGType": "stripe", "PayType": "CARD"},
}

_REFERENCE = "01KAJ5T3W5Q8Y0V6N2M4R7X9ZB"
_OPEN = {"PaymentId": _REFERENCE, "Stage": "STANDBY", "Balance": "0"}
PAY_START_ANSWERS = {
    "Send the buyer there": _answer(
        Type="Redirect", RedirectUrl="https://checkout.stripe.com/c/pay/cs_test_a1b2", **_OPEN
    ),
    "Repeat it in 2 seconds": _answer(
        ErrorCode.PAYMENT_IN_PROGRESS,
        "a payment of this order is under way: repeat the same PayStart in 2 seconds",
        Type="Pending",
        **_OPEN,
    ),
    "Paid already": _answer(
        ErrorCode.ALREADY_PAID,
        "this order is paid: do not send the buyer to pay again",
        PaymentId=_REFERENCE,
        Stage="PAID",
        Balance="64900",
        Reserved="0",
    ),
    "Not connected": _answer(
        ErrorCode.METHOD_NOT_CONNECTED,
        "KONBINI is not connected and in use for this shop and nation: offer another PayType",
    ),
}

_PAYMENT: dict[str, Any] = {
    "DBType": "KR1",
    "OrderId": 20261121,
    "ClaimId": 0,
    "JoinerId": 1001,
    "NationCode": "KR",
    "PaymentId": _REFERENCE,
    "PGType": "stripe",
    "PayType": "CARD",
    "TotalPrice": "64900",
    "PaidPrice": "64900",
    "Balance": "64900",
    "Reserved": "0",
    "Currency": "KRW",
    "Stage": "PAID",
    "Reason": "",
    "Disputed": False,
    "PaidAt": "2026-11-21T05:30:12.345+00:00",
}
PAY_STATUS_ANSWERS = {
    "Paid": _answer(Type="Done", **_PAYMENT, Cancellations=[], OtherPayments=[], ClaimPayments=[]),
    "Never started": _answer(
        ErrorCode.ORDER_NOT_FOUND,
        "no payment of this order was ever started here: check DBType, OrderId and ClaimId",
        ClaimPayments=[],
    ),
}

COMPLETION = {
    "EventId": "0b6f9c1e-6c0f-4a53-8d0e-2f6f3c1f7a11",
    "EventType": "PayComplete",
    "Sequence": 1,
    **_PAYMENT,
    "OccurredAt": "2026-11-21T05:30:12.345+00:00",
}
COMPLETION_ANSWERS = {
    "Heard": {"IsSuccess": True},
    "Repeat it": {"IsSuccess": False, "ErrorMessage": "the order system is being maintained"},
    "Do not repeat it": {"IsSuccess": False, "ErrorMessage": "there is no such order", "Final": True},
}

ERRORS = {
    400: _answer(ErrorCode.INVALID_REQUEST, 'TotalPrice: must be digits only, such as "64900"'),
    401: _answer(ErrorCode.UNAUTHORIZED, "this key opens no shop: send the key that PGB gave you"),
    403: _answer(ErrorCode.FORBIDDEN, "this OrderId belongs to another JoinerId"),
    413: _answer(ErrorCode.INVALID_REQUEST, "the body is larger than 65536 bytes: send less"),
    429: _answer(ErrorCode.THROTTLED, "too many calls: try again in 17 seconds"),
    503: _answer(ErrorCode.UNAVAILABLE, "PGB cannot store anything now: repeat the same call in a few seconds"),
}

_LEFT = {"PaymentId": _REFERENCE, "Stage": "PARTIALLY_CANCELLED", "Balance": "60000", "Reserved": "0"}
_CANCEL_ID = "6f1c0f6e-6c0f-4b0e-9d4e-0d9a3c8b7a51"
CANCEL_ANSWERS = {
    "The money went back": _answer(Type="Done", **_LEFT, CancelId=_CANCEL_ID),
    "The gateway takes its time": _answer(
        Type="Pending", **{**_LEFT, "Stage": "PAID", "Reserved": "4900"}, CancelId=_CANCEL_ID
    ),
    "Another balance": _answer(
        ErrorCode.BALANCE_MISMATCH,
        "CurrentTotalPrice must be the Balance of this answer, and less RefundPrice it is ModifedTotalPrice",
        **_LEFT,
    ),
    "Not known yet": _answer(
        ErrorCode.OUTCOME_UNKNOWN,
        "it is not known yet what came of this cancel: do not refund by other means; a message follows",
        **{**_LEFT, "Stage": "PAID", "Reserved": "4900", "Type": "Pending"},
        CancelId=_CANCEL_ID,
    ),
}
