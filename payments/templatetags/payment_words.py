"""Payments for pages of other apps: their templates may show them, their code may not know them."""

from django import template

from payments import money
from payments.models import PaymentSession
from payments.states import HOLDING, LIVE, Stage

register = template.Library()


@register.filter
def asked_amount(session: PaymentSession) -> str:
    """Return what the session asked for, as staff read it."""
    return money.display(session.amount, session.currency)


@register.filter
def stage_tone(session: PaymentSession) -> str:
    """Return the colour of its stage: a name of unfold's labels, "" is grey."""
    if session.stage in HOLDING:
        return "success"
    if session.stage in LIVE:
        return "info"
    return "danger" if session.stage == Stage.REVIEW else ""
