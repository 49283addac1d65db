"""Whatever the gateway says, of whichever attempt, in whatever order and how often: the books stay right.

A random machine plays shop, buyer, worker and staff on one order, over the real books; the gateway's answers
are made up. What must hold is checked after every step.
"""

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count

from django.db import transaction
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bridge import complete, opening
from bridge.gateways.base import Fetched, PageKind, Started, Status
from payments import ledger
from payments.models import CallKind, CallState, Delivery, GatewayCall, PaymentSession
from payments.states import HOLDING, LIVE, Reason, Stage, allowed, move
from tests.factories import MerchantFactory, ShopFactory

AMOUNTS = st.sampled_from([1000, 2000])
TRUE = st.just({})
LIES = st.sampled_from(
    [
        {"amount": 1500},
        {"received": 999},
        {"received": 0},
        {"currency": "JPY"},
        {"reference": "somebody-else"},
        {"gateway_id": "cs_of_another"},
        {"livemode": True},
        {"returned": 1},
        {"disputed": True},
    ]
)
ORDERS = count(1)


@dataclass
class Attempt:
    """One session, its opening call, and the stages that it went through."""

    pk: int
    call: GatewayCall
    stages: list[str] = field(default_factory=lambda: ["STANDBY"])


class OneOrder(RuleBasedStateMachine):
    """The books of one order."""

    @initialize()
    def begin(self):
        self.shop, self.merchant = ShopFactory(), MerchantFactory()
        self.order_id = next(ORDERS)
        self.attempts: list[Attempt] = []
        self.truly_paid: set[int] = set()
        self.refunds = 0

    def rows(self):
        return PaymentSession.objects.filter(order__order_id=self.order_id, order__shop=self.shop).order_by("pk")

    def lock(self):
        return ledger.lock_order(self.shop, self.shop.joiner_id, self.order_id, 0)

    def pick(self, data, *, stages=tuple(Stage)):
        """One of the sessions that stand there, by the machine's dice; None if there is none."""
        found = list(self.rows().filter(stage__in=stages))
        return found[data.draw(st.integers(0, len(found) - 1))] if found else None

    @rule(amount=AMOUNTS)
    def the_shop_starts(self, amount):
        now = timezone.now()
        with transaction.atomic():
            order = self.lock()
            standing = ledger.standing(order)
            if standing and standing.stage in LIVE | HOLDING | {Stage.REVIEW}:
                return
            terms = ledger.Terms(
                amount=amount, currency="KRW", method="CARD", device="pc", nation="KR", description="", redirect_url="",
                cancel_url="", expires_at=now + timedelta(minutes=40),
            )  # fmt: skip
            session = ledger.open_session(order, self.merchant, terms)
            call = ledger.send_now(session, CallKind.START, "{}", now, 15)
        self.attempts.append(Attempt(session.pk, call))

    @precondition(lambda self: self.attempts)
    @rule(data=st.data())
    def the_opening_is_answered(self, data):
        attempt = data.draw(st.sampled_from(self.attempts))
        opening.opened(
            attempt.call.session, attempt.call, Started(f"cs_{attempt.pk}", PageKind.REDIRECT, "https://pay.example")
        )

    @rule(data=st.data())
    def the_shop_changes_its_mind(self, data):
        session = self.pick(data, stages=LIVE)
        if session is not None and session.gateway_id:
            with transaction.atomic():
                complete.close_at_gateway(ledger.lock_session(session.pk), Reason.REPLACED, timezone.now())

    @rule(closed=st.booleans())
    def the_closing_is_answered(self, closed):
        calls = GatewayCall.objects.filter(session__in=self.rows(), kind=CallKind.EXPIRE, state=CallState.READY)
        for call in calls:
            ledger.take_call(call, CallState.DONE if closed else CallState.REFUSED, timezone.now())
            with transaction.atomic():
                session = ledger.lock_session(call.session_id)
                if not closed and session.stage in LIVE:
                    complete.end_and_tell(session, Stage.EXPIRED, Reason.SUPERSEDED, "sweep", timezone.now())

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), status=st.sampled_from(Status), lie=st.one_of(TRUE, LIES), times=st.integers(1, 3))
    def the_gateway_says(self, data, status, lie, times):
        self.hear(data, status, lie, times)

    def hear(self, data, status, lie, times):
        session = self.pick(data)
        if not session.gateway_id:
            lie = {name: value for name, value in lie.items() if name != "gateway_id"}  # we know no other yet
        truth = Fetched(
            status=status, raw_status=status.lower(), gateway_id=f"cs_{session.pk}",
            gateway_payment_id=f"pi_{session.pk}", reference=session.reference, amount=session.amount, currency="KRW",
            livemode=False, received=session.amount if status in (Status.PAID, Status.UNSETTLED) else 0,
        )  # fmt: skip
        expected = self.where_money_leads(session)
        for _ in range(times):
            after = complete.settle(session.pk, replace(truth, **lie), "webhook")
        if status is Status.PAID and not lie:
            self.truly_paid.add(session.pk)
            assert after.stage == expected

    @precondition(lambda self: self.attempts)
    @rule(data=st.data())
    def the_gateway_says_paid(self, data):
        self.hear(data, Status.PAID, {}, 1)

    def where_money_leads(self, session):
        """The stage of a session once the gateway rightly says that it was paid."""
        others = self.rows().exclude(pk=session.pk)
        if session.stage in HOLDING or session.stage == Stage.REVIEW or session.paid:
            return session.stage
        given_up = session.stage == Stage.CANCELLED or session.reason == Reason.SUPERSEDED
        another = others.filter(stage__in=HOLDING).exists() or others.filter(pk__gt=session.pk).exists()
        return Stage.REVIEW if given_up or another else Stage.PAID

    @rule(data=st.data())
    def the_shop_cancels_before_payment(self, data):
        session = self.pick(data, stages=LIVE)
        if session is not None:
            with transaction.atomic():
                move(ledger.lock_session(session.pk), Stage.CANCELLED)

    @rule(data=st.data())
    def all_is_refunded(self, data):
        session = self.pick(data, stages=HOLDING)
        if session is not None:
            move(session, Stage.CANCELLED, cancelled=session.paid)
            self.refunds += 1

    @rule(data=st.data())
    def staff_ends_a_review(self, data):
        session = self.pick(data, stages=[Stage.REVIEW])
        if session is not None:
            move(session, Stage.CANCELLED, cancelled=session.paid)

    def told(self, *kinds):
        return Delivery.objects.filter(session__in=self.rows(), kind__in=kinds).order_by("sequence")

    @invariant()
    def one_completion_for_each_time_that_the_order_was_paid(self):
        assert self.told("PayComplete").count() <= 1 + self.refunds
        holding = self.rows().filter(stage__in=HOLDING).count()
        assert holding <= 1
        assert self.told("PayComplete").count() == holding + self.refunds

    @invariant()
    def what_is_paid_was_truly_paid(self):
        paid = {delivery.session_id for delivery in self.told("PayComplete")}
        paid |= set(self.rows().filter(stage__in=HOLDING).values_list("pk", flat=True))
        assert paid <= self.truly_paid
        for session in self.rows().filter(pk__in=paid):
            assert session.paid == session.amount

    @invariant()
    def the_shop_is_told_of_the_right_one(self):
        for delivery in self.told("PayComplete"):
            body = json.loads(delivery.body)
            told = (body["PaymentId"], body["Stage"], body["Balance"], body["Sequence"])
            assert told == (delivery.session.reference, "PAID", str(delivery.session.amount), delivery.sequence)

    @invariant()
    def messages_are_numbered_without_a_gap(self):
        numbers = [row.sequence for row in Delivery.objects.filter(session__in=self.rows()).order_by("sequence")]
        assert numbers == list(range(1, len(numbers) + 1))

    @invariant()
    def at_most_one_session_is_live_and_it_is_looked_after(self):
        live = list(self.rows().filter(stage__in=LIVE))
        assert len(live) <= 1
        for session in live:
            assert session.due_at is not None or ledger.open_call(session) is not None

    @invariant()
    def only_listed_moves_were_made(self):
        for session, attempt in zip(self.rows(), self.attempts, strict=True):
            before = attempt.stages[-1]
            if session.stage != before:
                assert allowed(Stage(before), Stage(session.stage), ever_paid=session.paid > 0)
                attempt.stages.append(session.stage)

    @invariant()
    def what_needs_a_person_is_shown_to_one(self):
        assert not self.rows().filter(stage=Stage.REVIEW, attention=False).exists()


def test_the_books_stay_right_in_any_order(db):
    run_state_machine_as_test(OneOrder, settings=settings(max_examples=30, stateful_step_count=20))
