"""What the shop is told when something does not work: the error codes of the interface."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """ErrorCode of the shop interface."""

    INVALID_REQUEST = "INVALID_REQUEST"
    UNAUTHORIZED = "UNAUTHORIZED"
    FORBIDDEN = "FORBIDDEN"
    UNKNOWN_SHOP = "UNKNOWN_SHOP"
    METHOD_NOT_CONNECTED = "METHOD_NOT_CONNECTED"
    NO_MERCHANT = "NO_MERCHANT"
    REDIRECT_NOT_ALLOWED = "REDIRECT_NOT_ALLOWED"
    ALREADY_PAID = "ALREADY_PAID"
    PAYMENT_IN_PROGRESS = "PAYMENT_IN_PROGRESS"
    IN_REVIEW = "IN_REVIEW"
    PAYMENT_ENDED = "PAYMENT_ENDED"
    NO_WINDOW = "NO_WINDOW"
    ORDER_NOT_FOUND = "ORDER_NOT_FOUND"
    NOT_PAID = "NOT_PAID"
    OVER_REFUND = "OVER_REFUND"
    BALANCE_MISMATCH = "BALANCE_MISMATCH"
    CANCEL_IN_PROGRESS = "CANCEL_IN_PROGRESS"
    REPEAT_OR_NEW = "REPEAT_OR_NEW"
    NOT_CANCELLABLE = "NOT_CANCELLABLE"
    GATEWAY_REFUSED = "GATEWAY_REFUSED"
    GATEWAY_UNREACHABLE = "GATEWAY_UNREACHABLE"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    THROTTLED = "THROTTLED"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


HTTP_STATUS = {
    ErrorCode.INVALID_REQUEST: 400,
    ErrorCode.UNAUTHORIZED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.THROTTLED: 429,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.INTERNAL: 500,
}


# What the caller does about it.
ADVICE = {
    ErrorCode.INVALID_REQUEST: "Correct the request; ErrorMessage names the key. Do not repeat it unchanged.",
    ErrorCode.UNAUTHORIZED: "Send the shop's key, or sign with its secret and a clock that is right.",
    ErrorCode.FORBIDDEN: "The key, or the order, belongs to another DBType or JoinerId. Do not repeat.",
    ErrorCode.UNKNOWN_SHOP: "DBType and JoinerId are not registered at PGB. Do not repeat.",
    ErrorCode.METHOD_NOT_CONNECTED: "Offer another PayType: this one is not connected for the shop and nation.",
    ErrorCode.NO_MERCHANT: "No merchant may charge this device, amount and gateway now. Offer another PayType.",
    ErrorCode.REDIRECT_NOT_ALLOWED: "Have the host of RedirectUrl or CancelUrl put on the shop's list.",
    ErrorCode.ALREADY_PAID: "Do not send the buyer to pay again. PayStatus tells what was paid.",
    ErrorCode.PAYMENT_IN_PROGRESS: "Repeat the same PayStart after 2 seconds.",
    ErrorCode.IN_REVIEW: "A person is checking money of this order. Do not start it again; ask with PayStatus.",
    ErrorCode.PAYMENT_ENDED: "The payment is over, unpaid. Begin a new one with PayStart.",
    ErrorCode.NO_WINDOW: "This payment has no window of Inicis. Send the buyer to RedirectUrl of PayStart's answer.",
    ErrorCode.ORDER_NOT_FOUND: "No payment of this order was ever started at PGB.",
    ErrorCode.NOT_PAID: "There is nothing to give back: the gateway says that this order is not paid.",
    ErrorCode.OVER_REFUND: "TaxFreePrice, or the refund, is more than is left. PayStatus tells what is left.",
    ErrorCode.BALANCE_MISMATCH: "The prices do not agree, or not with Balance of this answer. Read it and ask anew.",
    ErrorCode.CANCEL_IN_PROGRESS: "Another cancel of this payment is under way. Repeat after 2 seconds.",
    ErrorCode.REPEAT_OR_NEW: "The same cancel (CancelId) was done before. For a new one send a RequestId of your own.",
    ErrorCode.NOT_CANCELLABLE: "This payment cannot be cancelled here; ErrorMessage says why. Do not repeat.",
    ErrorCode.GATEWAY_REFUSED: "The gateway will not do it. Change the request; a cancel needs a new RequestId.",
    ErrorCode.GATEWAY_UNREACHABLE: "Surely nothing happened. Repeat the call; a cancel with a new RequestId.",
    ErrorCode.OUTCOME_UNKNOWN: "It is being found out. Repeat the same call; do not refund by other means.",
    ErrorCode.THROTTLED: "Repeat after the seconds of Retry-After.",
    ErrorCode.UNAVAILABLE: "PGB cannot store anything now. Repeat the same call after the seconds of Retry-After.",
    ErrorCode.INTERNAL: "An error of PGB. Ask with PayStatus before you repeat the call.",
}


class ShopError(Exception):
    """An answer with IsSuccess false. ``facts`` are further keys of the answer; ``status`` overrides HTTP's.

    The fact ``retry_after`` (seconds) becomes the header Retry-After.
    """

    def __init__(self, code: ErrorCode, message: str, *, status: int | None = None, **facts: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or HTTP_STATUS.get(code, 200)
        self.facts = facts
