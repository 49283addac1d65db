"""인증 정보 확인: what the gateway says of a merchant's keys, and that a check ends."""

import os
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from bridge import drains
from merchants.codes import GatewayCode
from merchants.models import Merchant
from payments.models import CheckState, Circuit, CredentialCheck
from payments.queues import Queue
from tests.factories import STRIPE_CREDENTIALS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def check(world):
    """Let the keys be tried, and return the check as it stands then. Keywords change the merchant before."""

    def run(**changes):
        for name, value in changes.items():
            setattr(world.merchant, name, value)
        world.merchant.save()
        assert CredentialCheck.objects.request(world.merchant, "kim", timezone.now())
        world.work()
        return CredentialCheck.objects.latest("pk")

    return run


def account(world):
    return world.sandbox.stripe.accounts[STRIPE_CREDENTIALS["secret_key"]]


def test_keys_of_this_very_account_work(check):
    done = check()
    assert (done.state, done.code, done.requested_by, done.attempts) == (CheckState.WORKS, "", "kim", 1)
    assert (done.due_at, done.lease_token) == (None, None)
    assert done.requested_at <= done.ended_at <= timezone.now()


def test_keys_of_another_account_are_told_with_its_id(check):
    done = check(mid="acct_other")
    assert (done.state, done.code, done.message) == (CheckState.REFUSED, "wrong_account", "acct_kr")


def test_test_keys_of_a_live_merchant_are_told(check):
    done = check(mode="live")
    assert (done.state, done.code) == (CheckState.REFUSED, "wrong_mode")


def test_keys_that_the_gateway_does_not_know_are_refused_in_its_words(check):
    done = check(credentials={**STRIPE_CREDENTIALS, "secret_key": "sk_test_of_somebody_else"})
    assert (done.state, done.code, done.message) == (CheckState.REFUSED, "AuthenticationError", "")


def test_restricted_key_that_may_not_read_the_account_is_told(world, check):
    account(world).reads_account = False
    done = check()
    assert (done.state, done.code) == (CheckState.REFUSED, "account_not_readable")


def test_check_without_an_answer_is_tried_again_soon_and_then_ends(world, check):
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        world.sandbox.faults.add("check", "error_before", times=None, status=503)
        done = check()
        for tries, wait in ((1, 2), (2, 5)):
            assert (done.state, done.attempts) == (CheckState.WAITING, tries)
            assert wait <= (done.due_at - timezone.now()).total_seconds() <= 1.1 * wait
            clock.move_to(done.due_at)
            world.work()
            done.refresh_from_db()
        assert (done.state, done.code, done.due_at) == (CheckState.UNANSWERED, "http_503", None)
    assert Circuit.objects.get(lane=world.merchant.pk).failures == 3


def test_answer_after_silence_is_the_answer(world, check):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        world.sandbox.faults.add("check", "drop")
        done = check()
        clock.move_to(done.due_at)
        world.work()
        done.refresh_from_db()
    assert (done.state, done.attempts) == (CheckState.WORKS, 2)


def test_keys_that_cannot_be_opened_are_not_known(world, check, settings):
    settings.PGB_FIELD_KEYS = [os.urandom(32)]
    CredentialCheck.objects.request(world.merchant, "kim", timezone.now())
    world.work()
    done = CredentialCheck.objects.get()
    assert (done.state, done.code) == (CheckState.UNANSWERED, "cannot_open")


def test_check_whose_work_always_fails_ends_too(world, check):
    """As for a gateway that nobody here can speak to."""
    Merchant.objects.filter(pk=world.merchant.pk).update(gateway=GatewayCode.INICIS)
    world.merchant.refresh_from_db()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        done = check()
        for _ in range(5):
            clock.shift(timedelta(minutes=2))
            world.work()
        done.refresh_from_db()
    assert (done.state, done.code, done.due_at) == (CheckState.UNANSWERED, "no_answer", None)


def test_second_wish_finds_the_first_at_work(world):
    now = timezone.now()
    wishes = [CredentialCheck.objects.request(world.merchant, name, now) for name in ("kim", "lee")]
    assert wishes == [True, False]
    assert CredentialCheck.objects.get().requested_by == "kim"
    drains.drain(Queue.CHECKS)
    assert CredentialCheck.objects.request(world.merchant, "lee", now)


def test_wish_reaches_the_related_rows_too(world):
    assert world.merchant.checks.request(world.merchant, "kim", timezone.now())
    assert world.merchant.checks.get().state == CheckState.WAITING
