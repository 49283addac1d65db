"""Cancels whose outcome nobody knows: looked up, sent again as the same call, given up, and made once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from bridge import complete, doubt, replay, watch
from bridge.gateways.base import RefundStatus
from payments.models import Attention, CallKind, Cancellation, Circuit, GatewayCall
from tests.bridge.cancelling import cancels, outcome, told
from tests.bridge.dying import WHEN, dies

MINUTE = timedelta(minutes=1)

IN_DOUBT = {
    "dropped before it was read": ("drop", {}),
    "503 before": ("error_before", {"status": 503}),
    "409": ("conflict", {}),
    "answer lost": ("answer_lost", {}),
    "answer cut": ("answer_cut", {}),
    "500 after": ("error_after", {"status": 500}),
    "502 after": ("error_after", {"status": 502}),
    "html": ("garbage", {"body": "html"}),
    "an array": ("garbage", {"body": "array"}),
}


@pytest.mark.parametrize("name", IN_DOUBT)
def test_a_cancel_in_doubt_is_looked_up_or_sent_again_as_the_same_call(unattended, clock, name):
    fault, params = IN_DOUBT[name]
    unattended.sandbox.faults.add("cancel", fault, **params)
    unattended.partial(4900)
    unattended.work()
    assert cancels() == [(4900, "UNKNOWN")]
    assert outcome(unattended.partial(4900)) == ("OUTCOME_UNKNOWN", "PAID", "60000", "4900")
    clock.move_to(GatewayCall.objects.get(kind=CallKind.CANCEL).due_at)
    unattended.work()
    assert (cancels(), unattended.refunds()) == ([(4900, "DONE")], [4900])
    assert told(unattended) == ["PayComplete", "CancelComplete"]


def doubtful(order_id):
    """The cancel call of an order."""
    return GatewayCall.objects.get(kind=CallKind.CANCEL, session__order__order_id=order_id)


def test_cancels_are_tried_within_a_minute_though_the_gateway_answers_only_questions(unattended, clock, monkeypatch):
    """Of many one is tried as a probe; where it is carried out, the others are due."""
    monkeypatch.setattr(doubt, "MOST_PROBES", 1)
    unattended.start(2)
    unattended.sandbox.faults.clear()
    unattended.pay(2)
    unattended.work()
    unattended.sandbox.faults.add("webhook", "drop", times=None)
    outage = unattended.sandbox.faults.add("cancel", "error_before", status=503, times=None)
    unattended.partial(4900, order_id=1)
    unattended.partial(900, order_id=2)
    for _ in range(40):
        unattended.work()
        dues = sorted(doubtful(order_id).due_at for order_id in (1, 2))
        assert dues[0] - timezone.now() < MINUTE
        clock.move_to(max(dues[0], timezone.now()))
    assert dues[1] - timezone.now() > 5 * MINUTE
    unattended.sandbox.faults.clear(outage.id)
    unattended.work()
    assert cancels() == [(4900, "DONE"), (900, "DONE")]


def test_a_look_that_fails_now_and_then_puts_no_call_off(unattended, clock):
    """Others of the account are answered meanwhile, so that no first answer after a silence makes it due."""
    outage = unattended.sandbox.faults.add("cancel", "error_before", status=503, times=None)
    unattended.partial(4900)
    for _ in range(8):
        unattended.work()
        clock.move_to(max(doubtful(1).due_at, timezone.now()))
    unattended.sandbox.faults.clear(outage.id)
    unattended.sandbox.faults.add("fetch", "drop")
    unattended.work()
    assert cancels() == [(4900, "UNKNOWN")]
    assert doubtful(1).due_at - timezone.now() < MINUTE


def test_a_key_that_only_repeats_its_answer_says_nothing_of_its_account(unattended, clock):
    """Neither that it fails, nor when it carries out calls again: trying it often would tell nobody anything."""
    unattended.sandbox.faults.add("cancel", "error_before", status=500)
    unattended.partial(4900)
    for _ in range(8):
        unattended.work()
        clock.move_to(max(doubtful(1).due_at, timezone.now()))
    unattended.work()
    assert doubtful(1).due_at - timezone.now() >= 60 * MINUTE
    assert list(Circuit.objects.values_list("failures", flat=True)) == [0]


@pytest.mark.parametrize("when", WHEN)
def test_a_cancel_whose_worker_died_is_looked_up_and_made_once(unattended, clock, when):
    unattended.partial(4900)
    with dies(when):
        unattended.work()
    clock.shift(MINUTE)
    unattended.work()
    assert (cancels(), unattended.refunds()) == ([(4900, "DONE")], [4900])


def test_a_cancel_that_is_refused_when_it_is_sent_again_is_refused(unattended, clock):
    unattended.sandbox.faults.add("cancel", "error_before", status=503)
    unattended.partial(4900)
    unattended.work()
    unattended.sandbox.stripe.dispute(unattended.session().gateway_id, silent=True)
    clock.move_to(GatewayCall.objects.get(kind=CallKind.CANCEL).due_at)
    unattended.work()
    assert (cancels(), unattended.refunds()) == ([(4900, "REFUSED")], [])


def test_a_refund_that_the_gateway_never_ends_is_shown_when_nobody_asks_about_it_any_more(unattended, clock):
    unattended.sandbox.faults.add("cancel", "refund_status", status="pending")
    unattended.partial(4900)
    unattended.work()
    for days, shown in ((59, False), (1, True)):
        clock.shift(timedelta(days=days, minutes=10))
        assert unattended.look().attention is shown
    assert (cancels(), unattended.session().due_at) == ([(4900, "PENDING")], None)
    watch.once()
    assert Attention.objects.get().kind == "PAYMENT"


def test_a_cancel_that_cannot_be_sent_is_given_up_when_the_shop_waits_no_more(unattended, clock, settings):
    url, settings.PGB_STRIPE_BASE_URL = settings.PGB_STRIPE_BASE_URL, "http://127.0.0.1:1"
    unattended.partial(4900)
    unattended.work()
    assert cancels() == [(4900, "REQUESTED")]
    clock.shift(timedelta(seconds=16))
    unattended.work()
    assert cancels() == [(4900, "REFUSED")]
    settings.PGB_STRIPE_BASE_URL = url
    clock.shift(timedelta(hours=1))
    assert told(unattended) == ["PayComplete", "CancelFailed"]
    assert unattended.refunds() == []


def test_an_error_that_the_gateway_keeps_under_the_key_lasts_as_long_as_the_key(unattended, clock):
    """It may make the refund yet: under another key it could be made twice."""
    unattended.sandbox.faults.add("cancel", "error_before", status=500)
    unattended.partial(4900)
    unattended.work()
    for wait in (MINUTE, 60 * MINUTE, 20 * 60 * MINUTE):
        clock.shift(wait)
        unattended.work()
        assert (cancels(), unattended.refunds()) == ([(4900, "UNKNOWN")], [])
    for wait in (4 * 60 * MINUTE, 5 * MINUTE, 5 * MINUTE):
        clock.shift(wait)
        unattended.work()
    assert (cancels(), unattended.refunds()) == ([(4900, "DONE")], [4900])
    keys = [one.key for one in unattended.sandbox.stripe.books.calls if one.operation == "cancel"]
    assert keys == [GatewayCall.objects.get(kind=CallKind.CANCEL).idempotency_key] * 5


@pytest.mark.parametrize(("status", "after"), [({"status": "pending"}, timedelta(hours=1)), ({}, timedelta(days=1))])
def test_a_refund_that_a_lookup_found_is_asked_about_again(unattended, clock, status, after):
    """No webhook may come when it fails later, or ends at last."""
    if status:
        unattended.sandbox.faults.add("cancel", "refund_status", **status)
    unattended.sandbox.faults.add("cancel", "answer_lost")
    unattended.partial(4900)
    unattended.work()
    clock.move_to(GatewayCall.objects.get(kind=CallKind.CANCEL).due_at)
    unattended.work()
    assert unattended.session().due_at == timezone.now() + after


@pytest.mark.parametrize("how", ["a webhook", "replay"])
def test_a_refund_of_the_console_is_asked_about_again_however_it_was_heard_of(world, clock, how):
    world.paid()
    world.sandbox.stripe.refund(world.session().gateway_id, 900, silent=how == "replay")
    world.sandbox.settle()
    if how == "replay":
        replay.payment(world.session(), apply=True)
    world.rest()
    assert (cancels(), world.session().due_at) == ([(900, "DONE")], timezone.now() + timedelta(days=1))


@pytest.mark.parametrize(("first", "then"), [("succeeded", "REVERSED"), ("pending", "REFUSED")])
def test_an_older_lookup_does_not_undo_what_a_newer_one_has_shown(unattended, clock, first, then):
    if first == "pending":
        unattended.sandbox.faults.add("cancel", "refund_status", status="pending")
    unattended.partial(4900)
    unattended.work()
    refund = Cancellation.objects.get().gateway_cancel_id
    older = complete.ask(unattended.session())
    done = tuple(replace(one, status=RefundStatus.DONE) for one in older.refunds)
    clock.shift(timedelta(seconds=1))
    unattended.sandbox.stripe.end_refund(refund, "failed", silent=True)
    unattended.look()
    after = complete.settle(unattended.session().pk, replace(older, refunds=done), "webhook")
    assert timezone.now() < after.due_at < timezone.now() + timedelta(minutes=1)
    unattended.rest()
    assert (cancels(), unattended.session().balance) == ([(4900, then)], 64900)
    assert unattended.told()[-1] in ("RefundReversed", "CancelFailed")
