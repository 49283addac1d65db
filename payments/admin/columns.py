"""Columns that several lists share."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from merchants.codes import Mode
from merchants.models import Merchant, PaymentMethod
from payments.models import PaymentSession


def moment(at: datetime | None) -> str:
    """Return a time with its seconds, in the back office's time zone."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}" if at else ""


def merchant(row: Merchant | None) -> str:
    """Return a merchant's code, marked if it moves no real money."""
    if row is None:
        return ""
    return f"{row} ({Mode.TEST.label})" if row.mode == Mode.TEST else str(row)


def session_of(row: Any) -> PaymentSession:
    """Return the payment that a row of a list is, or is about."""
    session: PaymentSession = row if isinstance(row, PaymentSession) else row.session
    return session


def method_names() -> dict[str, str]:
    """Return what staff call each method of payment, by its code."""
    return {method.code: method.local_name for method in PaymentMethod.objects.all()}
