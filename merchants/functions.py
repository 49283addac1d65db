"""What the functions for shop front ends share: how they are asked, how they answer, how they are written down.

Who asks stands in ``request.auth`` (bridge.functions.Caller), for settings name who looks at callers; errors take
their form in settings' EXCEPTION_HANDLER. So a function lives beside the data that it tells.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from django.http import HttpResponse
from django.utils import translation
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.utils import json
from rest_framework.views import APIView

from merchants.models import Shop

F = TypeVar("F", bound=Callable[..., Any])

LARGEST_ID = 2**63 - 1
TAG = "Functions for shop servers and front ends"


class AskedSerializer(serializers.Serializer[Any]):
    """Which shop is asked about."""

    db_type = serializers.RegexField(r"^[A-Za-z0-9_-]{1,20}$", help_text="The shop database, as registered at PGB.")
    joiner_id = serializers.IntegerField(min_value=0, max_value=LARGEST_ID)
    nation_code = serializers.RegexField(r"^[A-Za-z]{2}$", help_text="ISO 3166 code of a nation that the shop serves.")

    def validate_nation_code(self, value: str) -> str:
        """Nations are stored in capitals."""
        return value.upper()


class FunctionAnswerSerializer(serializers.Serializer[Any]):
    """What every answer begins with; one with ``is_success`` false has no more."""

    is_success = serializers.BooleanField()
    error_code = serializers.CharField(help_text="As in the calls of the shop; empty when is_success is true.")
    error_message = serializers.CharField(help_text="For developers: what was wrong and what to do. Not for buyers.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields, of which only these three are always there."""
        fields: dict[str, serializers.Field[Any, Any, Any, Any]] = super().get_fields()
        for name, field in fields.items():
            field.required = name in FunctionAnswerSerializer._declared_fields
        return fields


class ShopFunction(APIView):
    """One function: asked in JSON or by the query, answered in JSON."""

    parser_classes = ()  # the signature covers the raw body: who authenticates has read it
    serializer: type[serializers.Serializer[Any]]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Look at the caller; of versions, throttles and renderers there is nothing to choose."""
        self.perform_authentication(request)
        self.check_permissions(request)

    def wish(self, request: Request) -> dict[str, Any]:
        """Return what is asked, checked. Raises ValidationError or ParseError."""
        given = request.query_params.dict() if request.method == "GET" else _read(request.auth.body)
        rules = _rules(self.serializer)
        try:
            return dict(rules.run_validation(given))
        except ValidationError:
            with translation.override("en"):  # its words again, like every other message of the interface
                return dict(rules.run_validation(given))

    def shop(self, request: Request, wish: dict[str, Any]) -> Shop:
        """Return the shop that is asked about: one of the caller's own, which serves the nation."""
        shop: Shop = request.auth.shop_of(wish["db_type"], wish["joiner_id"])
        if wish["nation_code"] not in shop.nations:
            raise ValidationError({"nation_code": f"this shop serves {', '.join(shop.nations)} only"})
        return shop

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Answer in JSON, whatever Accept says."""
        renderer = JSONRenderer()
        return renderer, renderer.media_type


@cache
def _rules(serializer: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """Return one of it for all requests and threads: making its fields anew takes longer than all the rest."""
    return serializer()


def _read(body: bytes) -> Any:
    """Read JSON, whatever the Content-Type calls it."""
    try:
        return json.loads(body.decode())
    except (ValueError, RecursionError):
        raise ParseError from None


def answer(**keys: Any) -> HttpResponse:
    """Return the answer of a function that could do what was asked."""
    body = JSONRenderer().render({"is_success": True, "error_code": "", "error_message": "", **keys})
    return HttpResponse(body, content_type=JSONRenderer.media_type)


def error(code: str, message: str) -> dict[str, Any]:
    """Return the body of an answer that tells what went wrong."""
    return {"is_success": False, "error_code": code, "error_message": message}


_SECRET: list[dict[str, list[str]]] = [
    {"ShopKey": []},
    {"webhook-id": [], "webhook-timestamp": [], "webhook-signature": []},
]
_HEADERS = [
    OpenApiParameter(
        "X-Request-Id", str, OpenApiParameter.HEADER, response=True, description="Name it when you ask for help."
    ),
    OpenApiParameter(
        "Retry-After", int, OpenApiParameter.HEADER, response=[429, 503], description="Wait this many seconds."
    ),
]
_ERRORS = {
    400: ("Malformed: error_message names the key.", "INVALID_REQUEST", "joiner_id: A valid integer is required."),
    401: ("Not authenticated.", "UNAUTHORIZED", "this key opens no shop: send the key that PGB gave you"),
    403: ("Not for this key.", "FORBIDDEN", "this key does not belong to that DBType and JoinerId"),
    413: ("The body is larger than 64 KB.", "INVALID_REQUEST", "the body is larger than 65536 bytes: send less"),
    429: ("Too many calls.", "THROTTLED", "too many calls: try again in 17 seconds"),
    503: ("PGB cannot read its tables now.", "UNAVAILABLE", "PGB cannot answer now: try again in a few seconds"),
}


def documented(
    name: str,
    *,
    summary: str,
    description: str,
    answer: type[serializers.Serializer[Any]],
    answers: dict[str, Any],
    asked: type[serializers.Serializer[Any]] | None = None,
    query: type[serializers.Serializer[Any]] | None = None,
    examples: dict[str, Any] | None = None,
    secret_only: bool = False,
    has_etag: bool = False,
    parameters: tuple[OpenApiParameter, ...] = (),
) -> Callable[[F], F]:
    """Return the decorator that writes a function down. ``asked``: the body of a POST; ``query``: a GET's."""
    errors = {
        status: OpenApiResponse(FunctionAnswerSerializer, why, [OpenApiExample(code, error(code, message))])
        for status, (why, code, message) in _ERRORS.items()
        if asked or status != 413
    }
    unchanged = {304: OpenApiResponse(description="Nothing has changed since that ETag.")} if has_etag else {}
    return extend_schema(
        operation_id=name,
        tags=[TAG],
        summary=summary,
        description=description,
        auth=_SECRET if secret_only else [*_SECRET, {"PublishableKey": []}],
        parameters=[*_HEADERS, *parameters, *([query] if query else [])],
        request={"application/json": asked} if asked else None,
        responses={200: OpenApiResponse(answer, "See is_success."), **unchanged, **errors},
        examples=[
            *(OpenApiExample(name, value, request_only=True) for name, value in (examples or {}).items()),
            *(OpenApiExample(name, value, response_only=True, status_codes=[200]) for name, value in answers.items()),
        ],
    )
