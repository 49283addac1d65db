"""Every request gets an id that stands in its answer and in each of its log lines."""

import re
from collections.abc import Callable
from uuid import uuid4

import structlog
from django.http import HttpRequest, HttpResponse

_ACCEPTED = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def request_id(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Take X-Request-Id over from the caller, or make one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        chosen = given if _ACCEPTED.fullmatch(given) else uuid4().hex
        # Not unbound afterwards: Django logs a failed request only when all middleware is done with it.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=chosen)
        response = get_response(request)
        response["X-Request-Id"] = chosen
        return response

    return middleware
