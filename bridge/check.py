"""인증 정보 확인: whether a merchant's keys open its own account, in its own mode. Asked by staff; moves no money."""

from django.utils import timezone

from bridge.accounts import gateway_of, is_live
from bridge.doubt import answered, no_answer
from bridge.gateways.base import KeyOwner
from bridge.gateways.errors import GatewayError, Refused
from bridge.waiting import hands_off
from merchants.crypto import CannotOpen
from merchants.models import Merchant
from payments import ladders
from payments.models import CheckState, CredentialCheck

# A person waits for it: a gateway that does not answer is told soon.
TRIES = 3


def work(check: CredentialCheck) -> None:
    """Try the keys, and write what the gateway said."""
    if check.attempts >= TRIES:
        # The tries before this one ended without a word of theirs.
        _end(check, CheckState.UNANSWERED, "no_answer")
        return
    try:
        gateway = gateway_of(check.merchant)
    except CannotOpen:
        _end(check, CheckState.UNANSWERED, "cannot_open")
        return
    hands_off()
    try:
        owner = gateway.check()
    except Refused as refusal:
        answered(check.merchant_id)
        _end(check, CheckState.REFUSED, refusal.code, refusal.message)
    except GatewayError as error:
        no_answer(check.merchant_id, error)
        _not_answered(check, error)
    else:
        answered(check.merchant_id)
        _end(check, *_judged(owner, check.merchant))


def _judged(owner: KeyOwner, merchant: Merchant) -> tuple[CheckState, str, str]:
    if owner.mid and owner.mid != merchant.mid:
        return CheckState.REFUSED, "wrong_account", owner.mid
    if owner.livemode is not None and owner.livemode != is_live(merchant):
        return CheckState.REFUSED, "wrong_mode", ""
    return CheckState.WORKS, "", ""


def _not_answered(check: CredentialCheck, error: GatewayError) -> None:
    tries = check.attempts + 1
    if tries >= TRIES:
        _end(check, CheckState.UNANSWERED, error.code, error.message)
        return
    again = ladders.after(ladders.UNANSWERED_CHECK, tries, timezone.now())
    CredentialCheck.objects.filter(pk=check.pk).finish(check.lease_token, again)


def _end(check: CredentialCheck, state: CheckState, code: str = "", message: str = "") -> None:
    held = CredentialCheck.objects.filter(pk=check.pk)
    held.finish(check.lease_token, state=state, code=code[:100], message=message[:500], ended_at=timezone.now())
