"""Every request gets an id that stands in its answer and in each of its log lines."""

import re
from collections.abc import Callable
from uuid import uuid4

import structlog
from django.http import HttpRequest, HttpResponse

_ACCEPTED = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")


def request_id(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Take X-Request-Id over from the caller, or make one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        chosen = given if _ACCEPTED.match(given) else uuid4().hex
        with structlog.contextvars.bound_contextvars(request_id=chosen):
            response = get_response(request)
        response["X-Request-Id"] = chosen
        return response

    return middleware
