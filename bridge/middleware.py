"""What every request meets first: an id for its answer and its log lines, the doors for machines, our own names."""

import time
from collections.abc import Callable
from uuid import uuid4

import structlog
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest

from bridge import health
from bridge.log_lines import is_logged, may_be_logged
from bridge.metrics import request_answered
from bridge.metrics.page import metrics

_FOR_MACHINES = {"/healthz": health.live, "/readyz": health.ready, "/metrics": metrics}

View = Callable[[HttpRequest], HttpResponse]
log = structlog.get_logger(__name__)


def request_id(get_response: View) -> View:
    """Take X-Request-Id over from the caller, or make one."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        chosen = given if may_be_logged(given) else uuid4().hex
        # Not unbound afterwards: Django logs a failed request only when all middleware is done with it.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=chosen)
        response = get_response(request)
        response["X-Request-Id"] = chosen
        return response

    return middleware


def doors_for_machines(get_response: View) -> View:
    """Answer balancers and monitors, who come straight to this process: by its IP address, over plain http."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return _FOR_MACHINES.get(request.path_info, get_response)(request)

    return middleware


def count_requests(get_response: View) -> View:
    """Count and time what is answered."""

    def middleware(request: HttpRequest) -> HttpResponse:
        begun = time.perf_counter()
        response = get_response(request)
        request_answered(request, response.status_code, time.perf_counter() - begun)
        return response

    return middleware


def our_hosts(get_response: View) -> View:
    """Turn away requests for other hosts with one line; Django would write a traceback for each."""

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            request.get_host()
        except DisallowedHost:
            log.warning("host_refused", host=request.META.get("HTTP_HOST", "")[:100])
            return is_logged(HttpResponseBadRequest("unknown host", content_type="text/plain"))
        return get_response(request)

    return middleware
