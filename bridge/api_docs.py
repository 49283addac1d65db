"""The shop interface for its readers: what /api/schema/ and /api/docs/ say beside the serializers."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, OpenApiWebhook, extend_schema

from bridge import api_examples
from bridge.answers import (
    AnswerSerializer,
    CompletionAnswerSerializer,
    CompletionSerializer,
    PayStatusAnswerSerializer,
)
from bridge.errors import ADVICE, HTTP_STATUS, ErrorCode
from bridge.serializers import (
    FullCancelSerializer,
    PartialCancelSerializer,
    PayStartSerializer,
    PayStatusSerializer,
)

F = TypeVar("F", bound=Callable[..., Any])

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"

_INTRODUCTION = """\
One interface from the shop to every payment gateway.

**Sending.** POST a JSON object or a form, in UTF-8, at most 64 KB. Keys may be spelled in any letter case; unknown keys
are ignored, the same key twice is refused, and an option that is null or empty counts as absent. Paths may end with a
slash and be spelled in any letter case.

**Answers** are JSON and always have `ErrorCode`, `ErrorMessage`, `IsSuccess`, `RedirectUrl` and `Type`. What the
business decides is HTTP 200: look at `IsSuccess`, then at `ErrorCode`. Every answer has the header `X-Request-Id`
(yours, if you send one): name it when you ask for help.

**Repeating is safe.** An equal PayStart never opens a second payment, an equal cancel with its RequestId never gives
money back twice.

**Money.** Amounts are text in the currency's own unit, such as `"64900"` won.
"""

_SIGNED = (
    ("webhook-id", "An id of the message, the same in every repeat of it."),
    ("webhook-timestamp", "The time of signing in Unix seconds, within 300 s of the receiver's clock."),
    (
        "webhook-signature",
        "`v1,` and the base64 of the HMAC-SHA256 of `{webhook-id}.{webhook-timestamp}.{body}` under the shop's "
        "signing secret (the bytes whose base64 follows `whsec_`); the body byte by byte as it is sent. While a "
        "secret is being replaced there may be two, divided by a space: one that fits is enough.",
    ),
)
_SECURITY_SCHEMES: dict[str, dict[str, str]] = {
    "ShopKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "The shop's API key. While it is being replaced the old and the new one are both valid.",
    },
    "PublishableKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "The shop's publishable key (`pgb_pub_...`). It may stand in a page: it only reads, and "
        "only what order pages show.",
    },
    **{
        name: {"type": "apiKey", "in": "header", "name": name, "description": f"Standard Webhooks: {text}"}
        for name, text in _SIGNED
    },
}
_AUTH: Any = [{"ShopKey": []}, {name: [] for name, _ in _SIGNED}]

_HEADERS = [
    OpenApiParameter(
        "X-Request-Id", str, OpenApiParameter.HEADER, response=True, description="Name it when you ask for help."
    ),
    OpenApiParameter(
        "Retry-After", int, OpenApiParameter.HEADER, response=[429, 503], description="Wait this many seconds."
    ),
]
_WHY = {
    400: "Malformed: ErrorMessage names the key.",
    401: "Not authenticated.",
    403: "The DBType and JoinerId, or the order, are not this caller's.",
    413: "The body is larger than 64 KB.",
    429: "Too many calls of this shop (600 a minute, if nothing else was agreed).",
    503: "PGB cannot store anything now.",
}


def table(*codes: ErrorCode) -> str:
    """Return what the caller does about each of these codes, in Markdown."""
    rows = (f"| `{code}` | {HTTP_STATUS.get(code, 200)} | {ADVICE[code]} |" for code in codes)
    return "\n".join(("", "", "| ErrorCode | HTTP | What to do |", "|---|---|---|", *rows))


_EVERY_CALL = (
    ErrorCode.INVALID_REQUEST,
    ErrorCode.UNAUTHORIZED,
    ErrorCode.FORBIDDEN,
    ErrorCode.UNKNOWN_SHOP,
    ErrorCode.THROTTLED,
    ErrorCode.UNAVAILABLE,
    ErrorCode.INTERNAL,
)


def _errors() -> dict[int, OpenApiResponse]:
    return {
        status: OpenApiResponse(AnswerSerializer, why, [OpenApiExample(example["ErrorCode"], example)])
        for status, why in _WHY.items()
        for example in [api_examples.ERRORS[status]]
    }


def _asked(name: str, value: dict[str, Any]) -> list[OpenApiExample]:
    return [OpenApiExample(name, value, request_only=True, media_type=kind) for kind in (_JSON, _FORM)]


def _answered(values: dict[str, dict[str, Any]]) -> list[OpenApiExample]:
    return [OpenApiExample(name, value, response_only=True) for name, value in values.items()]


pay_start = extend_schema(
    operation_id="PayStart",
    tags=["Calls of the shop"],
    summary="결제 시작: open an attempt to pay",
    description="Send the buyer to RedirectUrl of the answer. An equal PayStart (order, amount, method, device) gets "
    "the same page while at least 5 minutes are left; another one closes the old page first. The shop hears of the "
    "payment by the message PayComplete; a buyer who comes back to RedirectUrl is no proof of it."
    + table(
        ErrorCode.METHOD_NOT_CONNECTED,
        ErrorCode.NO_MERCHANT,
        ErrorCode.REDIRECT_NOT_ALLOWED,
        ErrorCode.ALREADY_PAID,
        ErrorCode.PAYMENT_IN_PROGRESS,
        ErrorCode.IN_REVIEW,
        ErrorCode.GATEWAY_REFUSED,
        ErrorCode.GATEWAY_UNREACHABLE,
        ErrorCode.OUTCOME_UNKNOWN,
        *_EVERY_CALL,
    ),
    auth=_AUTH,
    parameters=_HEADERS,
    request={_JSON: PayStartSerializer, _FORM: PayStartSerializer},
    responses={200: OpenApiResponse(AnswerSerializer, "See IsSuccess."), **_errors()},
    examples=[
        *_asked("A card payment", api_examples.PAY_START),
        *_answered(api_examples.PAY_START_ANSWERS),
    ],
)

_CANCEL_ENDS = table(
    ErrorCode.ORDER_NOT_FOUND,
    ErrorCode.NOT_PAID,
    ErrorCode.BALANCE_MISMATCH,
    ErrorCode.OVER_REFUND,
    ErrorCode.CANCEL_IN_PROGRESS,
    ErrorCode.REPEAT_OR_NEW,
    ErrorCode.NOT_CANCELLABLE,
    ErrorCode.IN_REVIEW,
    ErrorCode.GATEWAY_REFUSED,
    ErrorCode.GATEWAY_UNREACHABLE,
    ErrorCode.OUTCOME_UNKNOWN,
    *_EVERY_CALL,
)
_REPEATS = """

| IsSuccess, Type or ErrorCode | what came of it | message |
|---|---|---|
| true, `Done` | the money went back | CancelComplete |
| true, `Pending` | the gateway has accepted it and takes its time; Reserved holds it | CancelComplete or CancelFailed |
| false, `OUTCOME_UNKNOWN` | being found out: never refund by other means | CancelComplete or CancelFailed |
| false, `GATEWAY_REFUSED` or `GATEWAY_UNREACHABLE` | nothing went back | CancelFailed, if there is a CancelId |
| false, every other code | nothing was done, now or later | none |

**Repeats.** Send a RequestId, one for each refund, the same in every repeat: it is answered from the cancel that the \
first one made, as that stands now. So a refusal stays one under its id, and another request under it is \
INVALID_REQUEST. Without a RequestId (a signed call's webhook-id counts as one) equal prices are taken for a repeat."""


def _cancel(name: str, serializer: type[Any], summary: str, description: str) -> Callable[[F], F]:
    documented: Callable[[F], F] = extend_schema(
        operation_id=name,
        tags=["Calls of the shop"],
        summary=summary,
        description=description + _REPEATS + _CANCEL_ENDS,
        auth=_AUTH,
        parameters=_HEADERS,
        request={_JSON: serializer, _FORM: serializer},
        responses={200: OpenApiResponse(AnswerSerializer, "See IsSuccess."), **_errors()},
        examples=[*_asked(summary, api_examples.CANCELS[name]), *_answered(api_examples.CANCEL_ANSWERS[name])],
    )
    return documented


partial_cancel = _cancel(
    "PartialCancel",
    PartialCancelSerializer,
    "부분취소: give a part of the money back",
    "CurrentTotalPrice must be the Balance of the payment, and less RefundPrice it must be ModifedTotalPrice: the "
    "three prices make sure that both sides speak of the same refund.",
)
full_cancel = _cancel(
    "FullCancel",
    FullCancelSerializer,
    "전체취소: give back all that remains, or end an unpaid payment",
    "Of a paid order CurrentTotalPrice must be the Balance. An order that is not paid yet is asked about first: paid, "
    "it is given back; unpaid, its page is closed at the gateway (Type Done, Stage CANCELLED).",
)

pay_status = extend_schema(
    operation_id="PayStatus",
    tags=["Calls of the shop"],
    summary="결제 조회: ask what PGB knows of an order",
    description="Answered from PGB's own books; ask as often as you need. The keys of a payment speak of the order's "
    "standing one: the paid one, else the open one, else one in REVIEW, else the newest. The others are in "
    "OtherPayments." + table(ErrorCode.ORDER_NOT_FOUND, *_EVERY_CALL),
    auth=_AUTH,
    parameters=_HEADERS,
    request={_JSON: PayStatusSerializer, _FORM: PayStatusSerializer},
    responses={200: OpenApiResponse(PayStatusAnswerSerializer, "See IsSuccess."), **_errors()},
    examples=[
        *_asked("An order", api_examples.PAY_STATUS),
        *_answered(api_examples.PAY_STATUS_ANSWERS),
    ],
)

completion = OpenApiWebhook(
    "Completion",
    extend_schema(
        tags=["Messages to the shop"],
        summary="상점 통보: what PGB tells the shop, at its completion URL",
        description="Check the signature, then answer HTTP 2xx with `IsSuccess` true within 15 s once the message is "
        "stored; anything else is repeated for 7 days (5 s, 30 s, 2, 5, 15, 30 min, 1, 2, 4, 8, 12 h, then daily). "
        "HTTP 410, or `IsSuccess` false with `Final` true, ends the repeats at once. A message may come twice: "
        "EventId is the same then. Messages may overtake each other: ignore a lower Sequence than the order's last.",
        request={_JSON: CompletionSerializer},
        responses={200: OpenApiResponse(CompletionAnswerSerializer, "Only IsSuccess true counts as heard.")},
        # Seen from the shop: what PGB sends is the "response" here, and what the shop answers the "request".
        examples=[
            *(OpenApiExample(name, value, response_only=True) for name, value in api_examples.COMPLETIONS.items()),
            *(
                OpenApiExample(name, value, request_only=True)
                for name, value in api_examples.COMPLETION_ANSWERS.items()
            ),
        ],
    ),
)


def complete_schema(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add what drf-spectacular has no place for: the introduction, the security schemes, the message's headers."""
    result["info"]["description"] = _INTRODUCTION
    result["components"]["securitySchemes"] = _SECURITY_SCHEMES
    result["webhooks"]["Completion"]["post"]["parameters"] = [
        {"in": "header", "name": name, "required": True, "schema": {"type": "string"}, "description": text}
        for name, text in _SIGNED
    ]
    return result
