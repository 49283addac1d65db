"""What the shop is told when something does not work: the error codes of the interface."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """ErrorCode of the shop interface. Those about cancels come with the cancels."""

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
    ORDER_NOT_FOUND = "ORDER_NOT_FOUND"
    GATEWAY_REFUSED = "GATEWAY_REFUSED"
    GATEWAY_UNREACHABLE = "GATEWAY_UNREACHABLE"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    THROTTLED = "THROTTLED"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


_HTTP_STATUS = {
    ErrorCode.INVALID_REQUEST: 400,
    ErrorCode.UNAUTHORIZED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.THROTTLED: 429,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.INTERNAL: 500,
}


class ShopError(Exception):
    """An answer with IsSuccess false. ``facts`` are further keys of the answer; ``status`` overrides HTTP's."""

    def __init__(self, code: ErrorCode, message: str, *, status: int | None = None, **facts: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or _HTTP_STATUS.get(code, 200)
        self.facts = facts
