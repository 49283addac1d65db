"""What stands in every log line of one request or one piece of work, and which responses need no second line."""

import re
from typing import TypeVar

import structlog
from django.http import HttpResponseBase

from payments.cardlike import holds_card_number
from payments.models import PaymentSession

R = TypeVar("R", bound=HttpResponseBase)

_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def may_be_logged(given: str) -> bool:
    """Say whether what a caller gave as an id looks like one, and not like a card number, a name or an address."""
    return _ID.fullmatch(given) is not None and not holds_card_number(given)


def about(session: PaymentSession) -> None:
    """Name the session and its gateway in the lines that follow, until the request or the work is done."""
    structlog.contextvars.bind_contextvars(payment_id=session.reference, gateway=session.gateway)


def is_logged(response: R) -> R:
    """Mark a response whose failure has its own line, so that Django does not write a second one."""
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own mark
    return response
