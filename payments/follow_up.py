"""What staff do about a difference of 대사. Only rows are written here; the bridge acts on them within a second."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from payments import ledger, staff
from payments.models import Delivery, DeliveryState, Difference, DifferenceKind, PaymentSession
from payments.staff import NotPossible

# Looking at our own payment cannot end these: the other payment is another one.
_NOT_BY_LOOKING = (DifferenceKind.WRONG_MID, DifferenceKind.TEST_LIVE, DifferenceKind.DUPLICATE)


def look(difference_pk: int, by: str) -> None:
    """Let the bridge ask the gateway about the payment, and close the difference once both sides agree.

    ``by`` is the username for the timeline. Raises NotPossible.
    """
    row = Difference.objects.get(pk=difference_pk)
    session = session_of(row)
    if session is None or why_no_look(row, session):
        raise NotPossible(why_no_look(row, session))
    staff.look_again(session.pk, by)
    Difference.objects.filter(pk=row.pk).update(session=session, asked_at=timezone.now())


def why_no_look(row: Difference, session: PaymentSession | None) -> str:
    """Say why asking the gateway about the difference's payment is no use; empty if it is."""
    if row.closed_at is not None:
        return _("이미 해소된 차이입니다.")
    if session is None:
        return _("PGB에 이 결제의 기록이 없어 조회할 것이 없습니다.")
    if row.kind in _NOT_BY_LOOKING:
        return _("조회로 풀리는 차이가 아닙니다. PG사 관리자에서 두 거래를 확인하세요.")
    return staff.why_no_look(session, ledger.open_call(session))


def session_of(row: Difference) -> PaymentSession | None:
    """Return the payment of a difference, also one that has come into our books since it was found."""
    if row.session is not None:
        return row.session
    reference = row.theirs.get("reference")
    found: PaymentSession | None = PaymentSession.objects.filter(reference=reference).first() if reference else None
    return found


def untold(session: PaymentSession | None) -> Delivery | None:
    """Return the newest message about the payment that its shop has not accepted."""
    if session is None:
        return None
    waiting: Delivery | None = session.deliveries.exclude(state=DeliveryState.DELIVERED).order_by("-sequence").first()
    return waiting


def tell_again(difference_pk: int, by: str) -> None:
    """Send the shop what it has not accepted yet. Raises NotPossible."""
    message = untold(session_of(Difference.objects.get(pk=difference_pk)))
    if message is None:
        raise NotPossible(_("상점이 받지 않은 통보가 없습니다."))
    staff.send_again(message.pk, by)


def handle(difference_pk: int, by: str, *, note: str) -> None:
    """Say in the name of ``by`` that nothing is left to do. Raises NotPossible."""
    note = note.strip()[: staff.LONGEST_NOTE]
    if not note:
        raise NotPossible(_("무엇을 했는지 메모에 적어 주세요."))
    with transaction.atomic():
        row = Difference.objects.select_for_update().get(pk=difference_pk)
        if row.closed_at is not None:
            raise NotPossible(_("이미 해소된 차이입니다."))
        row.handled_at, row.handled_by, row.note = timezone.now(), by, note
        row.save(update_fields=["handled_at", "handled_by", "note"])
