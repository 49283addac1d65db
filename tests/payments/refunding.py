"""What the tests of the books of money going back share: to ask for a cancel and to book its end, under the locks."""

from django.db import transaction
from django.utils import timezone

from payments import ledger, refunds
from payments.models import Cancellation, CancelOrigin, PaymentSession
from payments.refunds import Wish

NOW = timezone.now()


def ask(session, amount, tax_free=None, **wish):
    """Reserve under the locks."""
    with transaction.atomic():
        locked = ledger.lock_session(session.pk)
        return refunds.reserve(locked, Wish(amount=amount, origin=CancelOrigin.SHOP, tax_free=tax_free, **wish), NOW)


def book(how, cancellation, *args, **kwargs):
    """Write an end of a cancel under the locks; returns the session as it stands then."""
    with transaction.atomic():
        session = ledger.lock_session(cancellation.session_id)
        how(session, Cancellation.objects.get(pk=cancellation.pk), *args, **kwargs)
    return PaymentSession.objects.get(pk=session.pk)


def done(cancellation):
    return book(refunds.done, cancellation, NOW, f"re_{cancellation.pk}")


def refused(cancellation):
    return book(refunds.refused, cancellation, NOW, "charge_disputed", "no")


def reversed_(cancellation):
    return book(refunds.reversed, cancellation, NOW, "expired_card")


def sums(session):
    """Stage, given back, held, left, and how often money came back."""
    row = PaymentSession.objects.get(pk=session.pk)
    return row.stage, row.cancelled, row.reserved, row.balance, row.generation


def lines(session):
    return list(session.events.order_by("pk").values_list("kind", flat=True))
