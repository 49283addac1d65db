"""What is counted and timed, and the three places that count: requests, calls to gateways, messages to shops.

Labels are words of our own code, so that their number is bounded: never an id, an address or a shop's text.
Counting costs nothing where PGB_METRICS_ALLOW is empty, and where it fails it ends, with one line in the log.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import structlog
from django.conf import settings
from django.http import HttpRequest
from prometheus_client import CollectorRegistry, Counter, Histogram

from bridge.metrics import files

P = ParamSpec("P")

files.share()  # before the first of the objects below

COUNTED = CollectorRegistry()
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25)
FOREIGN = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 6, 10, 15, 20)

_requests = Counter("pgb_http_requests", "Answered requests.", ["view", "method", "status"], registry=COUNTED)
_request_seconds = Histogram(
    "pgb_http_request_duration_seconds", "Time to answer a request.", ["view"], buckets=QUICK, registry=COUNTED
)
_calls = Counter(
    "pgb_gateway_calls", "Calls to gateways, lookups too.", ["gateway", "operation", "outcome"], registry=COUNTED
)
_call_seconds = Histogram(
    "pgb_gateway_call_duration_seconds",
    "Time that a call to a gateway took.",
    ["gateway", "operation"],
    buckets=FOREIGN,
    registry=COUNTED,
)
_deliveries = Counter("pgb_deliveries", "Tries to bring a message to a shop.", ["outcome"], registry=COUNTED)
_delivery_seconds = Histogram(
    "pgb_delivery_duration_seconds", "Time that a try to bring a message took.", buckets=FOREIGN, registry=COUNTED
)

log = structlog.get_logger(__name__)
_failed = False


def _harmless(count: Callable[P, None]) -> Callable[P, None]:
    """Let no payment fail because it could not be counted."""

    @wraps(count)
    def counted(*args: P.args, **kwargs: P.kwargs) -> None:
        global _failed
        if _failed or not settings.PGB_METRICS_ALLOW:
            return
        try:
            count(*args, **kwargs)
        except Exception:
            _failed = True
            log.exception("counting_failed")

    return counted


@_harmless
def request_answered(request: HttpRequest, status: int, seconds: float) -> None:
    """Count a request by the name of its view; what has none (static files, unknown addresses) is "none"."""
    match = request.resolver_match
    view = "none" if match is None else "admin" if "admin" in match.namespaces else match.view_name
    method = request.method if request.method in METHODS else "other"
    _requests.labels(view, method, str(status)).inc()
    _request_seconds.labels(view).observe(seconds)


@_harmless
def gateway_called(gateway: str, operation: str, outcome: str, seconds: float) -> None:
    """Count a call by its outcome: done, refused, unknown, not_sent, or error for a fault of ours."""
    _calls.labels(gateway, operation, outcome).inc()
    _call_seconds.labels(gateway, operation).observe(seconds)


@_harmless
def delivery_tried(outcome: str, seconds: float) -> None:
    """Count a try: accepted, refused (answered, but not with IsSuccess), or failed (no answer, 5xx, 429)."""
    _deliveries.labels(outcome).inc()
    _delivery_seconds.observe(seconds)
