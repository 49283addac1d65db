"""What a person decided about a payment, carried out by the bridge: with real money at the sandbox's Stripe."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from bridge import watch
from payments import approvals, refunds, reviewing
from payments.models import Approval, Attention, Cancellation, CancelOrigin, GatewayCall, PaymentEvent, PaymentSession
from payments.refunds import Wish
from payments.reviewing import Choice
from payments.staff import NotPossible
from payments.staff_cancels import version_of
from tests.payments.factories import ApprovalFactory, PaidSessionFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kim(db):
    return User.objects.create(username="kim")


@pytest.fixture
def lee(db):
    return User.objects.create(username="lee")


@pytest.fixture
def wrong(world):
    """We asked for 70,000 won, the gateway was paid 64,900: the money waits in REVIEW."""
    world.start()
    PaymentSession.objects.update(amount=70_000)
    world.pay()
    world.work()
    assert world.stages() == ["REVIEW WRONG_AMOUNT"]
    return world


def choose(session, choice, user, **more):
    return reviewing.choose(session.pk, choice, "PG사에서 확인함", user, version_of(session), **more)


def said(session):
    kinds = ("decision_carried_out", "decision_not_possible")
    event = PaymentEvent.objects.filter(session=session, kind__in=kinds).latest("pk")
    return event.kind, event.facts["decision"], event.facts["code"]


class TestAccept:
    def test_the_order_is_paid_with_what_is_there_and_the_shop_is_told(self, wrong, kim, lee):
        approval = choose(wrong.session(), Choice.ACCEPT, kim)
        assert wrong.stages() == ["REVIEW WRONG_AMOUNT"]
        approvals.approve(approval.pk, lee)
        wrong.work()
        session = wrong.session()
        assert (session.stage, session.paid, session.reason, session.attention) == ("PAID", 64_900, "", False)
        assert session.paid_at is not None
        assert wrong.told() == ["PayComplete"]
        assert said(session) == ("decision_carried_out", "ACCEPTED", "")

    def test_not_when_the_money_went_back_meanwhile(self, wrong, kim, lee):
        approval = choose(wrong.session(), Choice.ACCEPT, kim)
        approvals.approve(approval.pk, lee)
        wrong.sandbox.stripe.refund(wrong.session().gateway_id, silent=True)
        wrong.work()
        assert wrong.session().stage != "PAID"
        assert said(wrong.session())[:2] == ("decision_not_possible", "ACCEPTED")
        assert wrong.told() == []

    @pytest.mark.parametrize(
        ("lie", "code"),
        [
            ({"payment_intent.amount_received": 64_899}, "another_amount_at_the_gateway"),
            ({"payment_intent.amount_received": 70_000}, "another_amount_at_the_gateway"),
            # Its list of refunds does not show it yet.
            ({"payment_intent.latest_charge.amount_refunded": 900}, "another_amount_at_the_gateway"),
            ({"currency": "jpy"}, "not_paid_at_the_gateway"),
            ({"payment_status": "unpaid"}, "not_paid_at_the_gateway"),
        ],
    )
    def test_not_when_the_gateway_holds_something_else_than_our_books(self, wrong, kim, lee, lie, code):
        approval = choose(wrong.session(), Choice.ACCEPT, kim)
        approvals.approve(approval.pk, lee)
        wrong.sandbox.faults.add("fetch", "alter", set=lie, times=None)
        wrong.work()
        session = wrong.session()
        assert (session.stage, session.paid, session.cancelled) == ("REVIEW", 64_900, 0)
        assert said(session) == ("decision_not_possible", "ACCEPTED", code)
        assert wrong.told() == []

    def test_what_is_left_after_a_part_went_back_pays_the_order(self, wrong, kim, lee):
        wrong.sandbox.stripe.refund(wrong.session().gateway_id, 900, silent=True)
        wrong.look()
        approval = choose(wrong.session(), Choice.ACCEPT, kim)
        approvals.approve(approval.pk, lee)
        wrong.work()
        session = wrong.session()
        assert (session.stage, session.balance) == ("PARTIALLY_CANCELLED", 64_000)
        assert wrong.told() == ["PayComplete"]

    def test_not_while_the_gateway_does_not_answer_but_as_soon_as_it_does(self, wrong, kim, lee):
        approval = choose(wrong.session(), Choice.ACCEPT, kim)
        approvals.approve(approval.pk, lee)
        silence = wrong.sandbox.faults.add("fetch", "drop", times=None)
        wrong.work()
        assert (wrong.session().stage, wrong.session().decision) == ("REVIEW", "ACCEPTED")
        wrong.sandbox.faults.clear(silence.id)
        assert wrong.look().stage == "PAID"

    def test_another_payment_of_the_order_forbids_it(self, wrong, kim):
        session = wrong.session()
        PaidSessionFactory(order=session.order, merchant=wrong.merchant)
        assert reviewing.why_no_accept(session)
        with pytest.raises(NotPossible):
            choose(session, Choice.ACCEPT, kim)


class TestResolve:
    def test_closed_once_the_money_is_back(self, wrong, kim):
        wrong.sandbox.stripe.refund(wrong.session().gateway_id)
        wrong.look()
        session = wrong.session()
        assert (session.stage, session.balance) == ("REVIEW", 0)
        choose(session, Choice.CLOSED, kim)
        wrong.work()
        session = wrong.session()
        assert (session.stage, session.attention) == ("CANCELLED", False)
        assert wrong.told() == []

    def test_money_that_is_still_there_takes_a_statement(self, wrong, kim):
        session = wrong.session()
        for choice in (Choice.CLOSED, Choice.MARK):
            with pytest.raises(NotPossible, match="PG사에 돈이 남아"):
                choose(session, choice, kim)
        choose(session, Choice.CLOSED, kim, stated=True)
        wrong.work()
        assert wrong.session().stage == "CANCELLED"

    def test_failed_only_without_money_and_the_shop_is_told(self, wrong, kim):
        with pytest.raises(NotPossible, match="들어온 돈이"):
            choose(wrong.session(), Choice.FAILED, kim)
        PaymentSession.objects.update(paid=0, reason="WRONG_CURRENCY")
        with pytest.raises(NotPossible, match="돈이 남아"):
            choose(wrong.session(), Choice.FAILED, kim)
        choose(wrong.session(), Choice.FAILED, kim, stated=True)
        wrong.work()
        assert (wrong.session().stage, wrong.told()) == ("FAILED", ["PayFailed"])

    def test_only_the_mark(self, wrong, kim):
        choose(wrong.session(), Choice.MARK, kim, stated=True)
        session = wrong.session()
        assert (session.stage, session.attention, session.decision) == ("REVIEW", False, "")
        event = PaymentEvent.objects.latest("pk")
        assert (event.kind, event.actor, event.facts) == ("attention_ended", "kim", {"note": "PG사에서 확인함"})

    def test_a_cancel_that_ends_ends_the_review(self, wrong, kim, lee):
        session = wrong.session()
        ask = approvals.Ask(session.balance, "금액 불일치")
        approvals.approve(approvals.cancel(session.pk, ask, kim, version_of(session)).pk, lee)
        wrong.work()
        assert wrong.stages() == ["CANCELLED WRONG_AMOUNT"]
        assert wrong.refunds() == [64_900]

    @pytest.mark.parametrize("how", ["a cancel", "closed by hand"])
    def test_a_shop_that_waits_for_its_cancel_hears_of_the_end(self, wrong, kim, lee, how):
        """FullCancel said that a message follows; then the payment turned out to be wrong."""
        PaymentSession.objects.update(close_wanted=True)
        if how == "a cancel":
            self.test_a_cancel_that_ends_ends_the_review(wrong, kim, lee)
        else:
            choose(wrong.session(), Choice.CLOSED, kim, stated=True)
        wrong.rest()
        assert (wrong.told(), wrong.session().stage) == (["CancelComplete"], "CANCELLED")

    def test_money_that_comes_back_after_it_is_in_review_again(self, wrong, kim, lee):
        self.test_a_cancel_that_ends_ends_the_review(wrong, kim, lee)
        refund = Cancellation.objects.get().gateway_cancel_id
        wrong.sandbox.stripe.end_refund(refund, "failed", "lost_or_stolen_card")
        wrong.look()
        session = wrong.session()
        assert (session.stage, session.reason, session.attention) == ("REVIEW", "WRONG_AMOUNT", True)


class TestCancelInDoubt:
    @pytest.fixture
    def doubtful(self, world):
        """Nobody can tell what became of a cancel: its key is gone, and the gateway minds no balance."""
        world.paid()
        session = world.session()
        refunds.reserve(session, Wish(amount=10_000, origin=CancelOrigin.STAFF), timezone.now())
        Cancellation.objects.update(state="UNKNOWN")
        GatewayCall.objects.filter(kind="CANCEL").update(
            state="UNKNOWN",
            code=reviewing.A_PERSON_DECIDES,
            first_sent_at=timezone.now(),
            due_at=timezone.now() + timedelta(hours=1),
        )
        return world

    @pytest.mark.parametrize(
        ("choice", "state", "balance", "kind"),
        [(Choice.REFUNDED, "DONE", 54_900, "CancelComplete"), (Choice.NOT_REFUNDED, "REFUSED", 64_900, "CancelFailed")],
    )
    def test_a_person_says_what_became_of_it(self, doubtful, kim, choice, state, balance, kind):
        choose(doubtful.session(), choice, kim)
        doubtful.work()
        cancel, session = Cancellation.objects.get(), doubtful.session()
        assert (cancel.state, session.balance, session.reserved) == (state, balance, 0)
        assert GatewayCall.objects.get(kind="CANCEL").due_at is None
        assert doubtful.told() == ["PayComplete", kind]

    @pytest.mark.parametrize(
        ("choice", "books"),
        [(Choice.REFUNDED, [("STAFF", "DONE")]), (Choice.NOT_REFUNDED, [("STAFF", "REFUSED"), ("GATEWAY", "DONE")])],
    )
    def test_what_somebody_gave_back_by_hand_counts_once(self, doubtful, kim, choice, books):
        doubtful.sandbox.stripe.refund(doubtful.session().gateway_id, 10_000, silent=True)
        choose(doubtful.session(), choice, kim)
        doubtful.rest()
        assert list(Cancellation.objects.order_by("pk").values_list("origin", "state")) == books
        assert doubtful.look().balance == 54_900

    def test_not_while_the_bridge_still_finds_out_by_itself(self, doubtful, kim):
        GatewayCall.objects.filter(kind="CANCEL").update(code="http_500")
        with pytest.raises(NotPossible):
            choose(doubtful.session(), Choice.NOT_REFUNDED, kim)


def test_a_decision_is_carried_out_once(wrong, kim):
    choose(wrong.session(), Choice.CLOSED, kim, stated=True)
    wrong.work()
    wrong.look()
    assert PaymentEvent.objects.filter(kind="decision_carried_out").count() == 1


def test_the_watch_ends_requests_of_yesterday(transactional_db):
    old = ApprovalFactory(requested_at=timezone.now() - timedelta(days=1))
    fresh = ApprovalFactory()
    watch.once()
    assert [Approval.objects.get(pk=row.pk).state for row in (old, fresh)] == ["STALE", "WAITING"]
    assert [row.subject for row in Attention.objects.filter(kind="APPROVAL")] == [fresh.pk]
