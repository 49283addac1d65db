"""The worker's part of a cancel, where leases are lost, keys grow old, and gateways say odd things."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from bridge import doubt
from bridge.gateways.errors import Denied, NotSent, Refused, Unknown
from bridge.gateways.stripe import Stripe
from payments import ledger, refunds
from payments.models import CallKind, Cancellation, CancelOrigin, GatewayCall
from tests.bridge.cancelling import cancels
from tests.sql import is_locked, lock_waits
from tests.threads import until

SHORT, DAY = timedelta(minutes=5), timedelta(hours=25)


def call():
    return GatewayCall.objects.get(kind=CallKind.CANCEL)


def lose_the_lease():
    GatewayCall.objects.filter(kind=CallKind.CANCEL).update(lease_token=uuid4())


def sent(world):
    """How often the gateway was asked to give money back."""
    return sum(one.operation == "cancel" for one in world.sandbox.stripe.books.calls)


def work_again(world, clock):
    clock.move_to(max(call().due_at, timezone.now()))
    world.work()


@pytest.fixture
def gateway(monkeypatch):
    """Play tricks with a method of the gateway: the trick is given the call and may make it."""

    def play(name, trick):
        method = getattr(Stripe, name)
        monkeypatch.setattr(Stripe, name, lambda self, *args: trick(lambda: method(self, *args)))

    return play


def test_who_lost_the_lease_of_a_cancel_does_not_send_it(unattended, gateway):
    def body(compose):
        lose_the_lease()
        return compose()

    gateway("cancel_body", body)
    unattended.partial(4900)
    unattended.work()
    assert (sent(unattended), call().body) == (0, None)


def test_the_exact_body_is_committed_before_it_is_sent(unattended, gateway):
    seen = []

    def send(cancel):
        seen.append((call().state, call().body))
        connection.close()
        return cancel()

    gateway("cancel", send)
    unattended.partial(4900)
    unattended.work()
    assert seen[0][0] == "SENDING"
    assert '"amount": 4900' in seen[0][1]
    assert cancels() == [(4900, "DONE")]


@pytest.mark.parametrize("end", ["done", "refused"])
def test_whose_answer_comes_after_the_lease_leaves_it_to_the_next(unattended, gateway, end):
    def too_late(cancel):
        made = cancel()
        lose_the_lease()
        if end == "refused":
            raise Refused("too_late")
        return made

    gateway("cancel", too_late)
    unattended.partial(4900)
    unattended.work()
    session = unattended.session()
    assert (cancels(), session.cancelled, session.reserved) == ([(4900, "SENDING")], 0, 4900)
    assert call().state == "SENDING"


def test_an_answer_of_another_amount_is_no_outcome(unattended, gateway):
    gateway("cancel", lambda cancel: replace(cancel(), amount=490))
    unattended.partial(4900)
    unattended.work()
    assert (cancels(), call().code) == ([(4900, "UNKNOWN")], "another_amount")


def test_a_refusal_of_the_keys_says_nothing_of_the_tries_before(unattended, gateway, clock):
    def deny(cancel):
        raise Denied("authentication_error")

    unattended.sandbox.faults.add("cancel", "error_before", status=503)
    unattended.partial(4900)
    unattended.work()
    gateway("cancel", deny)
    work_again(unattended, clock)
    assert (cancels(), unattended.session().reserved) == ([(4900, "UNKNOWN")], 4900)


def of_staff(world, order_id=1):
    with transaction.atomic():
        wish = refunds.Wish(amount=4900, origin=CancelOrigin.STAFF, requested_by="kim")
        refunds.reserve(ledger.lock_session(world.session(order_id).pk), wish, timezone.now())


def test_the_first_cancel_of_staff_that_is_taken_makes_the_others_due(unattended, clock, monkeypatch):
    monkeypatch.setattr(doubt, "MOST_PROBES", 1)
    unattended.start(2)
    unattended.pay(2)
    unattended.look(2)
    for order_id in (1, 2):
        of_staff(unattended, order_id)
    busy = unattended.sandbox.faults.add("cancel", "throttle", times=None)
    calls = GatewayCall.objects.filter(kind=CallKind.CANCEL).order_by("due_at")
    for _ in range(9):
        unattended.work()
        unattended.look()
        clock.move_to(max(calls[0].due_at, timezone.now()))
    assert calls[1].due_at - timezone.now() > timedelta(minutes=1)
    unattended.sandbox.faults.clear(busy.id)
    unattended.work()
    assert cancels() == [(4900, "DONE")] * 2


def test_a_cancel_of_staff_that_cannot_be_sent_waits_until_it_can(unattended, clock, settings):
    of_staff(unattended)
    url, settings.PGB_STRIPE_BASE_URL = settings.PGB_STRIPE_BASE_URL, "http://127.0.0.1:1"
    unattended.work()
    clock.shift(timedelta(minutes=1))
    unattended.work()
    assert cancels() == [(4900, "REQUESTED")]
    settings.PGB_STRIPE_BASE_URL = url
    work_again(unattended, clock)
    assert (cancels(), unattended.refunds()) == ([(4900, "DONE")], [4900])


@pytest.mark.parametrize("error", [Unknown("http_503"), NotSent("rate_limit")])
def test_a_cancel_is_locked_before_its_call(unattended, gateway, error):
    """A webhook that tells of the refund at this moment locks them so: the other way round each waits for the other."""
    is_held = threading.Event()

    def hold():
        try:
            with transaction.atomic():
                Cancellation.objects.select_for_update().get()
                is_held.set()
                until(lock_waits, 30)
                return is_locked(call())
        finally:
            connection.close()

    def fail(_cancel):
        held.append(pool.submit(hold))
        is_held.wait(30)
        raise error

    held = []
    gateway("cancel", fail)
    unattended.partial(4900)
    with ThreadPoolExecutor(1) as pool:
        unattended.work()
    assert [one.result() for one in held] == [False]


def test_a_refund_that_is_there_is_found_and_not_asked_for_again(unattended, clock):
    unattended.sandbox.faults.add("cancel", "answer_lost")
    unattended.partial(4900)
    unattended.work()
    work_again(unattended, clock)
    assert (cancels(), sent(unattended)) == ([(4900, "DONE")], 1)


def test_a_lookup_that_does_not_list_refunds_shows_no_absence(unattended, gateway, clock):
    unattended.sandbox.faults.add("cancel", "answer_lost")
    unattended.partial(4900)
    unattended.work()
    gateway("fetch", lambda fetch: replace(fetch(), gateway_payment_id=""))
    work_again(unattended, clock)
    assert (cancels(), sent(unattended), call().code) == ([(4900, "UNKNOWN")], 1, "not_there")


@pytest.fixture
def old(unattended, clock):
    """A cancel that did not arrive, and whose key means nothing any more."""
    unattended.sandbox.faults.add("cancel", "error_before", status=503)
    unattended.partial(4900)
    unattended.work()
    clock.shift(DAY)
    unattended.work()
    return unattended


def test_without_a_key_a_cancel_is_sent_once_more_only_after_three_looks(old, clock):
    key = call().idempotency_key
    for _ in range(2):
        assert (sent(old), cancels()) == (1, [(4900, "UNKNOWN")])
        clock.shift(SHORT)
        old.work()
    assert (sent(old), cancels(), old.refunds()) == (2, [(4900, "DONE")], [4900])
    assert call().idempotency_key == key


def test_without_a_key_and_a_guard_a_person_decides(old, clock, monkeypatch):
    monkeypatch.setattr(Stripe, "capabilities", replace(Stripe.capabilities, balance_guard=False))
    for _ in range(3):
        clock.shift(SHORT)
        old.work()
    assert (sent(old), cancels(), call().code) == (1, [(4900, "UNKNOWN")], "a_person_decides")


def test_a_refund_that_is_there_with_another_amount_is_never_made_again(unattended, clock):
    unattended.sandbox.faults.add("cancel", "alter", times=None, set={"amount": 4800})
    unattended.sandbox.faults.add("refunds", "alter", times=None, set={"data.0.amount": 4800})
    unattended.partial(4900)
    unattended.work()
    for wait in (DAY, SHORT, SHORT, SHORT):
        clock.shift(wait)
        unattended.work()
    assert (unattended.refunds(), cancels(), call().code) == ([4900], [(4900, "UNKNOWN")], "a_person_decides")
    assert unattended.session().attention


def test_without_a_key_an_equal_refund_that_nobody_can_place_is_left_to_a_person(old, clock):
    """Staff who waited a day for ours may have made it by hand."""
    old.sandbox.stripe.refund(old.session().gateway_id, 4900, silent=True)
    for _ in range(3):
        clock.shift(SHORT)
        old.work()
    assert (old.refunds(), cancels(), call().code) == ([4900], [(4900, "UNKNOWN")], "a_person_decides")


def test_without_a_key_what_could_not_go_twice_is_sent_though_as_much_went_by_hand(old, clock):
    """The gateway refuses it, and what staff gave back by hand is booked."""
    old.sandbox.stripe.refund(old.session().gateway_id, 4900, silent=True)
    old.sandbox.stripe.refund(old.session().gateway_id, 60000 - 4899, silent=True)
    for _ in range(3):
        clock.shift(SHORT)
        old.work()
    old.look()
    assert sorted(cancels()) == [(4900, "DONE"), (4900, "REFUSED"), (55101, "DONE")]
    assert old.session().balance == 4899


@pytest.mark.parametrize("other", [900, None])
def test_without_a_key_other_refunds_stop_nothing(old, clock, other):
    made = old.sandbox.stripe.refund(old.session().gateway_id, other or 4900, silent=True)
    if other is None:
        old.sandbox.stripe.end_refund(made.id, "failed", silent=True)
    for _ in range(3):
        clock.shift(SHORT)
        old.work()
    assert (sent(old), cancels()[0]) == (2, (4900, "DONE"))
