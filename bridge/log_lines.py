"""What stands in every log line of one request or one piece of work, and which responses need no second line."""

from typing import TypeVar

import structlog
from django.http import HttpResponseBase

from payments.models import PaymentSession

R = TypeVar("R", bound=HttpResponseBase)


def about(session: PaymentSession) -> None:
    """Name the session and its gateway in the lines that follow, until the request or the work is done."""
    structlog.contextvars.bind_contextvars(payment_id=session.reference, gateway=session.gateway)


def is_logged(response: R) -> R:
    """Mark a response whose failure has its own line, so that Django does not write a second one."""
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own mark
    return response
