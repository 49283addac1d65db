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
_CANCEL_ID = "6f1c0f6e-6c0f-4b0e-9d4e-0d9a3c8b7a51"
_LEFT = {"Stage": "PARTIALLY_CANCELLED", "Balance": "60000", "Reserved": "0"}
_CANCELLED = {
    "CancelId": _CANCEL_ID,
    "RequestId": "claim-7731",
    "RefundPrice": "4900",
    "RefundTaxFreePrice": "0",
    "CancelState": "DONE",
    "CancelOrigin": "SHOP",
    "CancelCode": "",
    "CancelRequestedAt": "2026-11-24T01:10:00.120+00:00",
    "CancelEndedAt": "2026-11-24T01:10:01.004+00:00",
}
PAY_STATUS_ANSWERS = {
    "Paid": _answer(Type="Done", **_PAYMENT, Cancellations=[], OtherPayments=[], ClaimPayments=[]),
    "A part was given back": _answer(
        Type="Done", **{**_PAYMENT, **_LEFT}, Cancellations=[_CANCELLED], OtherPayments=[], ClaimPayments=[]
    ),
    "Never started": _answer(
        ErrorCode.ORDER_NOT_FOUND,
        "no payment of this order was ever started here: check DBType, OrderId and ClaimId",
        ClaimPayments=[],
    ),
}


def _message(kind: str, sequence: int, at: str, **more: Any) -> dict[str, Any]:
    event_id = f"0b6f9c1e-6c0f-4a53-8d0e-2f6f3c1f7a{sequence:02}"
    return {
        "EventId": event_id, "EventType": kind, "Sequence": sequence, **_PAYMENT, **more, "OccurredAt": at
    }  # fmt: skip


_CLOSED = {"Stage": "CANCELLED", "Reason": "CANCELLED_BY_SHOP", "PaidPrice": "0", "Balance": "0", "PaidAt": None}
_REFUSED = {**_CANCELLED, "CancelState": "REFUSED", "CancelCode": "charge_disputed"}
COMPLETIONS = {
    "Paid": _message("PayComplete", 1, "2026-11-21T05:30:12.345+00:00"),
    "A part was given back": _message("CancelComplete", 2, "2026-11-24T01:10:01.004+00:00", **_LEFT, **_CANCELLED),
    "A cancel was refused": _message("CancelFailed", 2, "2026-11-24T01:10:01.004+00:00", **_REFUSED),
    "The money of a cancel came back": _message(
        "RefundReversed", 3, "2026-11-26T09:00:00.000+00:00", **{**_CANCELLED, "CancelState": "REVERSED"}
    ),
    "An unpaid payment was ended": _message("CancelComplete", 1, "2026-11-21T05:35:00.100+00:00", **_CLOSED),
    "The buyer disputes it": _message("Disputed", 2, "2026-12-01T00:00:00.000+00:00", Disputed=True),
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

_OF_PART = {"PaymentId": _REFERENCE, **_LEFT}
_HELD = {**_OF_PART, "Stage": "PAID", "Reserved": "4900", "Type": "Pending", "CancelId": _CANCEL_ID}
_UNTOUCHED = {**_OF_PART, "Stage": "PAID", "Balance": "64900"}
_NOT_MADE = {
    "Another balance": _answer(
        ErrorCode.BALANCE_MISMATCH,
        "CurrentTotalPrice must be the Balance of this answer, and less RefundPrice it is ModifedTotalPrice",
        **_OF_PART,
    ),
    "The gateway refused": _answer(
        ErrorCode.GATEWAY_REFUSED,
        "the gateway refused it: charge_disputed The charge is disputed and cannot be refunded.",
        **_UNTOUCHED,
        CancelId=_CANCEL_ID,
    ),
}
_UNKNOWN = "it is not known yet what came of this cancel: do not refund by other means; a message follows"
CANCEL_ANSWERS = {
    "PartialCancel": {
        "The money went back": _answer(Type="Done", **_OF_PART, CancelId=_CANCEL_ID),
        "The gateway takes its time": _answer(**_HELD),
        "Not known yet": _answer(ErrorCode.OUTCOME_UNKNOWN, _UNKNOWN, **_HELD),
        **_NOT_MADE,
        "A repeat, or a new one?": _answer(
            ErrorCode.REPEAT_OR_NEW,
            "this cancel was made before (CancelId): for a new one send a RequestId of your own",
            **_OF_PART,
            CancelId=_CANCEL_ID,
        ),
    },
    "FullCancel": {
        "The money went back": _answer(
            Type="Done", **{**_OF_PART, "Stage": "CANCELLED", "Balance": "0"}, CancelId=_CANCEL_ID
        ),
        "Nobody had paid: the page is closed": _answer(
            Type="Done", **{**_OF_PART, "Stage": "CANCELLED", "Balance": "0"}
        ),
        "Not known yet": _answer(ErrorCode.OUTCOME_UNKNOWN, _UNKNOWN, **{**_HELD, "Balance": "0", "Reserved": "64900"}),
        **_NOT_MADE,
    },
}
