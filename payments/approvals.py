"""Four eyes: above a limit, and wherever REVIEW ends with money, a second person must agree.

The request is a row; approving it checks that the payment still is as the requester saw it, and acts in the same
transaction. A request that nobody decides loses its force after a day.
"""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from payments import ledger, staff_cancels
from payments.models import (
    BOSS,
    Approval,
    ApprovalKind,
    ApprovalLimit,
    ApprovalState,
    Cancellation,
    CancelOrigin,
    CancelState,
    PaymentSession,
)
from payments.staff import NotPossible
from payments.staff_cancels import APPROVAL_LASTS, Ask
from payments.states import Decision, Stage

MOST_COUNTED = 100


def limit_of(user: User, currency: str) -> int:
    """Return up to which sum of one payment this person cancels alone."""
    roles = [*user.groups.values_list("name", flat=True), *([BOSS] if user.is_superuser else [])]
    limits = ApprovalLimit.objects.filter(role__in=roles, currency=currency)
    return int(limits.aggregate(most=Max("amount", default=0))["most"])


def is_needed(session: PaymentSession, amount: int, user: User) -> bool:
    """Whether a second person must agree. What staff gave back of the payment alone counts with it: no slicing."""
    if session.stage == Stage.REVIEW:
        return True
    alone = session.cancellations.filter(origin=CancelOrigin.STAFF, approved_by="")
    given = alone.exclude(state__in=(CancelState.REFUSED, CancelState.REVERSED)).aggregate(sum=Sum("amount", default=0))
    return bool(given["sum"] + amount > limit_of(user, session.currency))


def cancel(session_pk: int, ask: Ask, user: User, version: str) -> Cancellation | Approval:
    """Cancel in the name of ``user``, or ask for approval where that is needed. Raises NotPossible."""
    now = timezone.now()
    with transaction.atomic():
        session = ledger.lock_session(session_pk)
        staff_cancels.check_version(session, version)
        expire(now, session)
        staff_cancels.check(session, ask, now)
        if is_needed(session, ask.amount, user):
            return request(session, ApprovalKind.CANCEL, ask, user, now)
        return staff_cancels.grant(session, ask, now, requested_by=user.get_username(), approved_by="")


def request(session: PaymentSession, kind: ApprovalKind, ask: Ask, user: User, now: datetime) -> Approval:
    """Write a request, under the payment's lock."""
    approval = Approval(
        session=session,
        kind=kind,
        amount=ask.amount,
        tax_free=ask.tax_free,
        reason=ask.reason,
        version=staff_cancels.version_of(session),
        requester=user,
        requested_at=now,
    )
    if ask.account:
        approval.account = dict(ask.account)
    approval.save(force_insert=True)
    ledger.note(session, "approval_requested", user.get_username(), approval=kind, amount=ask.amount)
    return approval


def approve(pk: int, user: User, note: str = "") -> Approval:
    """Agree, and act at once. Raises NotPossible; where the payment changed meanwhile the request becomes STALE."""
    now = timezone.now()
    with transaction.atomic():
        session, approval = _locked(pk)
        _check_open(approval, user)
        if _is_old(approval, now) or approval.version != staff_cancels.version_of(session):
            _end(approval, ApprovalState.STALE, now)
            return approval
        _end(approval, ApprovalState.APPROVED, now, decider=user, note=note)
        ledger.note(session, "approved", user.get_username(), approval=approval.kind, amount=approval.amount)
        _ACTS[ApprovalKind(approval.kind)](session, approval, now)
    return approval


def reject(pk: int, user: User, note: str) -> None:
    """Refuse the request of another person, and say why. Raises NotPossible."""
    if not note:
        raise NotPossible(_("반려하는 까닭을 적어 주세요."))
    with transaction.atomic():
        session, approval = _locked(pk)
        _check_open(approval, user)
        _end(approval, ApprovalState.REJECTED, timezone.now(), decider=user, note=note)
        ledger.note(session, "rejected", user.get_username(), approval=approval.kind, amount=approval.amount)


def withdraw(pk: int, user: User) -> None:
    """Take back one's own request. Raises NotPossible."""
    with transaction.atomic():
        session, approval = _locked(pk)
        if approval.state != ApprovalState.WAITING or approval.requester_id != user.pk:
            raise NotPossible(_("자기가 한, 아직 기다리는 요청만 철회할 수 있습니다."))
        _end(approval, ApprovalState.WITHDRAWN, timezone.now())
        ledger.note(session, "withdrawn", user.get_username(), approval=approval.kind, amount=approval.amount)


def expire(now: datetime, session: PaymentSession | None = None) -> None:
    """End the requests that nobody decided within a day."""
    waiting = Approval.objects.filter(state=ApprovalState.WAITING, requested_at__lte=now - APPROVAL_LASTS)
    if session is not None:
        waiting = waiting.filter(session=session)
    waiting.update(state=ApprovalState.STALE, decided_at=now)


def waiting_count() -> int:
    """Return how many requests wait for a second person, counted up to MOST_COUNTED."""
    return Approval.objects.filter(state=ApprovalState.WAITING)[:MOST_COUNTED].count()


def _locked(pk: int) -> tuple[PaymentSession, Approval]:
    """Return the payment and the request, both locked, in the order in which money is always locked."""
    session = ledger.lock_session(Approval.objects.values_list("session_id", flat=True).get(pk=pk))
    approval = Approval.objects.select_for_update(of=("self",)).select_related("requester").get(pk=pk)
    approval.session = session
    return session, approval


def _check_open(approval: Approval, user: User) -> None:
    if approval.state != ApprovalState.WAITING:
        raise NotPossible(_("이미 끝난 요청입니다: %s") % approval.get_state_display())
    if approval.requester_id == user.pk:
        raise NotPossible(_("자기가 한 요청은 스스로 승인하거나 반려할 수 없습니다. 다른 사람에게 부탁하세요."))


def _is_old(approval: Approval, now: datetime) -> bool:
    return approval.requested_at <= now - APPROVAL_LASTS


def _end(approval: Approval, state: ApprovalState, now: datetime, **more: Any) -> None:
    for name, value in {"state": state, "decided_at": now, **more}.items():
        setattr(approval, name, value)
    approval.save(update_fields=["state", "decided_at", *more])


def _cancel(session: PaymentSession, approval: Approval, now: datetime) -> None:
    ask = Ask(approval.amount, approval.reason, approval.tax_free, approval.account or {})
    staff_cancels.check(session, ask, now)
    names = {"requested_by": approval.requester.get_username(), "approved_by": _name(approval.decider)}
    approval.cancellation = staff_cancels.grant(session, ask, now, **names)
    approval.save(update_fields=["cancellation"])


def _accept(session: PaymentSession, approval: Approval, now: datetime) -> None:
    decide(session, Decision.ACCEPTED)
    ledger.look_at(session, now)


def _name(user: User | None) -> str:
    return user.get_username() if user else ""


def decide(session: PaymentSession, decision: Decision) -> None:
    """Write what was decided about the payment, under its lock; the bridge carries it out with its next look."""
    PaymentSession.objects.filter(pk=session.pk).update(decision=decision)
    session.decision = decision


_ACTS = {ApprovalKind.CANCEL: _cancel, ApprovalKind.ACCEPT: _accept}
