"""What staff set in motion by hand. Only rows are written here; the bridge acts on them within a second."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from payments import ledger
from payments.models import (
    Attention,
    AttentionKind,
    CallState,
    Delivery,
    DeliveryState,
    GatewayCall,
    Handling,
    Notification,
    PaymentSession,
)
from payments.states import Stage

LONGEST_NOTE = 500


class NotPossible(Exception):
    """Why a wish of staff is not fulfilled, in words for them."""


def look_again(session_pk: int, staff: str) -> None:
    """Let the bridge ask the gateway about the session now, also one that nobody would ask about any more.

    ``staff`` is the username for the timeline. Raises NotPossible.
    """
    with transaction.atomic():
        session = ledger.lock_session(session_pk)
        call = ledger.open_call(session)
        obstacle = why_no_look(session, call)
        if obstacle:
            raise NotPossible(obstacle)
        now = timezone.now()
        ledger.look_at(session, now)
        if call is not None:
            ledger.hurry(call, now)
        ledger.note(session, "look_requested", staff)


def why_no_look(session: PaymentSession, call: GatewayCall | None) -> str:
    """Say why the gateway cannot be asked about the session, whose open call is ``call``; empty if it can."""
    if session.gateway_id or (call is not None and call.state == CallState.UNKNOWN):
        return ""
    if call is not None:
        return _("PG사에 결제를 만드는 중입니다. 잠시 뒤에 다시 시도하세요.")
    return _("PG사에 만들어지지 않은 결제라서 조회할 것이 없습니다.")


def send_again(delivery_pk: int, staff: str) -> None:
    """Make a message to the shop due now, also one that was accepted or given up. Its body stays as it was.

    ``staff`` is the username for the timeline. Raises NotPossible while it is under way.
    """
    now = timezone.now()
    session_pk = Delivery.objects.values_list("session_id", flat=True).get(pk=delivery_pk)
    with transaction.atomic():
        session = ledger.lock_session(session_pk)
        delivery = Delivery.objects.select_for_update().get(pk=delivery_pk)
        if is_under_way(delivery, now):
            raise NotPossible(_("지금 상점에 통보하는 중입니다. 끝난 뒤에 다시 시도하세요."))
        changes = {"state": DeliveryState.WAITING, "ended_at": None, "due_at": now, "lease_token": None}
        Delivery.objects.filter(pk=delivery_pk).update(**changes)
        ledger.note(session, "resend_requested", staff, delivery=delivery.kind, sequence=delivery.sequence)


def is_under_way(delivery: Delivery, now: datetime) -> bool:
    """Whether a worker holds the message at this moment. A lease that ran out is none: its worker is gone."""
    return delivery.lease_token is not None and delivery.due_at is not None and delivery.due_at > now


def handle(attention_pk: int, staff: str, *, handling: Handling, note: str) -> None:
    """Say in the name of ``staff`` that somebody has the matter in hand, or that nothing is left to do (DONE).

    DONE takes the mark off a payment or a notice that nobody must decide; the matter then leaves the list by itself.
    Raises NotPossible.
    """
    note = note.strip()[:LONGEST_NOTE]
    if handling is Handling.DONE and not note:
        raise NotPossible(_("무엇을 했는지 메모에 적어 주세요."))
    with transaction.atomic():
        row = Attention.objects.select_for_update().get(pk=attention_pk)
        if row.closed_at is not None:
            raise NotPossible(_("이미 해소된 일입니다."))
        row.handling, row.handled_by, row.handled_at = handling, staff, timezone.now()
        row.note = note or row.note
        row.save(update_fields=["handling", "handled_by", "handled_at", "note"])
    if handling is Handling.DONE:
        _take_mark_off(row, staff)


def _take_mark_off(row: Attention, staff: str) -> None:
    if row.kind == AttentionKind.NOTICE:
        Notification.objects.filter(pk=row.subject).update(attention=False)
    if row.kind != AttentionKind.PAYMENT:
        return
    with transaction.atomic():
        session = ledger.lock_session(row.subject)
        if session.attention and session.stage != Stage.REVIEW and not session.disputed:
            PaymentSession.objects.filter(pk=session.pk).update(attention=False)
            ledger.note(session, "attention_ended", staff)
