"""What staff may cancel, what they are told where they may not, and when a second person must agree."""

from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction
from django.utils import timezone

from payments import approvals, powers, staff_cancels
from payments.models import Approval, ApprovalLimit, Cancellation, GatewayCall, PaymentEvent, PaymentSession
from payments.staff import NotPossible
from payments.staff_cancels import Ask, version_of
from tests.factories import MerchantFactory
from tests.payments.factories import (
    ApprovalFactory,
    CallFactory,
    CancellationFactory,
    PaidSessionFactory,
)
from tests.threads import at_once

ASK = Ask(amount=10_000, reason="고객 변심")
ALL = Ask(amount=64_900, reason="고객 변심")


@pytest.fixture
def kim(db):
    return a_person("kim", "운영")


@pytest.fixture
def lee(db):
    return a_person("lee", "승인")


def a_person(name, *roles):
    user = User.objects.create(username=name, is_staff=True)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


def limit(amount):
    ApprovalLimit.objects.update(amount=amount)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def kinds():
    return list(PaymentEvent.objects.order_by("pk").values_list("kind", flat=True))


@pytest.mark.django_db
class TestCancel:
    def test_reserves_the_amount_and_writes_its_call_in_the_name_of_who_asked(self, kim):
        session = PaidSessionFactory()
        made = approvals.cancel(session.pk, ASK, kim, version_of(session))
        row, call = Cancellation.objects.get(), GatewayCall.objects.get()
        assert (row.pk, row.origin, row.requested_by, row.reason) == (made.pk, "STAFF", "kim", "고객 변심")
        assert (call.kind, call.state, call.cancellation_id) == ("CANCEL", "READY", row.pk)
        assert fresh(session).reserved == 10_000
        assert kinds() == ["cancel_requested"]

    @pytest.mark.parametrize(
        "change",
        [
            {"stage": "PARTIALLY_CANCELLED", "cancelled": 1},
            {"reserved": 1},
            {"generation": 1},
            {"disputed": True},
            {"paid": 64_901},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_a_page_that_is_out_of_date_does_nothing(self, kim, change):
        session = PaidSessionFactory()
        version = version_of(session)
        PaymentSession.objects.update(**change)
        with pytest.raises(NotPossible, match="결제가 바뀌었습니다"):
            approvals.cancel(session.pk, ASK, kim, version)
        assert not Cancellation.objects.exists()

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"stage": "EXPIRED", "paid": 0}, "결제된 돈이 없어"),
            ({"stage": "CANCELLED", "cancelled": 64_900}, "모두 취소된"),
            ({"disputed": True}, "분쟁"),
            ({"reserved": 64_900}, "남은 금액이 없습니다"),
        ],
    )
    def test_says_what_cannot_be_cancelled_and_why(self, kim, changes, why):
        session = PaidSessionFactory(**changes)
        with pytest.raises(NotPossible, match=why):
            approvals.cancel(session.pk, ASK, kim, version_of(session))

    def test_not_beside_another_cancel_or_call_or_request(self, kim):
        beside = {
            "다른 취소가": lambda session: CancellationFactory(session=session, state="UNKNOWN"),
            "다른 요청이": lambda session: CallFactory(session=session, state="UNKNOWN", due_at=timezone.now()),
            "승인을 기다리는": lambda session: ApprovalFactory(session=session),
        }
        for why, make in beside.items():
            session = PaidSessionFactory()
            make(session)
            with pytest.raises(NotPossible, match=why):
                approvals.cancel(session.pk, ASK, kim, version_of(session))

    def test_not_where_nobody_talks_to_the_gateway(self, kim):
        session = PaidSessionFactory(merchant=MerchantFactory(gateway="inicis"))
        with pytest.raises(NotPossible, match="아직 통신하지 못하는"):
            approvals.cancel(session.pk, ASK, kim, version_of(session))

    def test_no_part_where_the_method_gives_back_only_the_whole(self, kim, monkeypatch):
        monkeypatch.setattr(powers.GATEWAYS, "_ask", lambda _: Weak())
        session = PaidSessionFactory()
        with pytest.raises(NotPossible, match="부분취소가 되지 않습니다"):
            approvals.cancel(session.pk, ASK, kim, version_of(session))
        approvals.cancel(session.pk, ALL, kim, version_of(session))

    @pytest.mark.parametrize("amount", [0, -1, 64_901])
    def test_no_more_than_there_is(self, kim, amount):
        session = PaidSessionFactory()
        limit(10**9)
        with pytest.raises(NotPossible, match="금액을 넘거나"):
            approvals.cancel(session.pk, Ask(amount, "고객 변심"), kim, version_of(session))

    @pytest.mark.parametrize(("tax_free", "is_taken"), [(0, True), (900, True), (901, False)])
    def test_the_tax_free_part_fits_what_is_left_of_it(self, kim, tax_free, is_taken):
        session = PaidSessionFactory(tax_free=900)
        ask = Ask(10_000, "고객 변심", tax_free)
        if is_taken:
            assert approvals.cancel(session.pk, ask, kim, version_of(session)).tax_free == tax_free
        else:
            with pytest.raises(NotPossible):
                approvals.cancel(session.pk, ask, kim, version_of(session))


class Weak:
    """A gateway that gives back only the whole, to an account that somebody names."""

    balance_guard = False
    key_window = timedelta(0)
    partial_cancel = refunds_itself = frozenset()
    needs_account = frozenset({"CARD"})


@pytest.mark.django_db
class TestLimit:
    def test_above_it_a_request_is_written_and_nothing_moves(self, kim):
        session = PaidSessionFactory()
        limit(9_999)
        made = approvals.cancel(session.pk, ASK, kim, version_of(session))
        assert isinstance(made, Approval)
        assert (made.state, made.amount, made.requester) == ("WAITING", 10_000, kim)
        assert (Cancellation.objects.count(), fresh(session).reserved) == (0, 0)
        assert kinds() == ["approval_requested"]

    def test_up_to_it_nobody_is_asked(self, kim):
        session = PaidSessionFactory()
        limit(10_000)
        assert isinstance(approvals.cancel(session.pk, ASK, kim, version_of(session)), Cancellation)

    def test_slices_of_one_payment_count_together(self, kim):
        session = CancellationFactory(requested_by="park").session
        limit(19_999)
        assert approvals.is_needed(session, 10_000, kim)
        limit(20_000)
        assert not approvals.is_needed(session, 10_000, kim)

    @pytest.mark.parametrize("changes", [{"state": "REFUSED"}, {"approved_by": "lee"}, {"origin": "SHOP"}])
    def test_what_did_not_go_or_was_agreed_to_does_not_count(self, kim, changes):
        session = CancellationFactory(**changes).session
        limit(10_000)
        assert not approvals.is_needed(session, 10_000, kim)

    def test_is_the_highest_of_a_persons_roles_in_the_currency(self, kim):
        ApprovalLimit.objects.all().delete()
        for role, currency, amount in [("운영", "KRW", 1), ("승인", "KRW", 5), ("운영", "JPY", 9), ("설정", "KRW", 7)]:
            ApprovalLimit.objects.create(role=role, currency=currency, amount=amount)
        assert approvals.limit_of(kim, "KRW") == 1
        kim.groups.add(Group.objects.get(name="승인"))
        assert approvals.limit_of(kim, "KRW") == 5
        assert approvals.limit_of(kim, "USD") == 0

    def test_the_boss_has_one_too(self, db):
        boss = User.objects.create(username="boss", is_superuser=True)
        assert 0 < approvals.limit_of(boss, "KRW") < 10**8


@pytest.mark.django_db
class TestApproval:
    def test_cancels_at_once_in_the_name_of_both(self, lee, kim):
        approval = ApprovalFactory(requester=kim)
        assert approvals.approve(approval.pk, lee).state == "APPROVED"
        row = Cancellation.objects.get()
        assert (row.amount, row.requested_by, row.approved_by, row.state) == (64_900, "kim", "lee", "REQUESTED")
        assert fresh(approval).cancellation == row
        assert kinds() == ["approved", "cancel_requested"]

    @pytest.mark.parametrize("wish", [approvals.approve, approvals.reject])
    def test_nobody_decides_on_their_own_request(self, kim, wish):
        approval = ApprovalFactory(requester=kim)
        with pytest.raises(NotPossible, match="스스로"):
            wish(approval.pk, kim, "괜찮음")
        assert fresh(approval).state == "WAITING"

    def test_not_even_the_database_lets_them(self, kim):
        approval = ApprovalFactory(requester=kim)
        with pytest.raises(IntegrityError, match="nobody_approves_his_own"), transaction.atomic():
            Approval.objects.filter(pk=approval.pk).update(state="APPROVED", decider=kim)

    def test_of_a_payment_that_changed_has_no_force(self, lee):
        approval = ApprovalFactory()
        PaymentSession.objects.update(generation=1)
        assert approvals.approve(approval.pk, lee).state == "STALE"
        assert (fresh(approval).state, Cancellation.objects.count()) == ("STALE", 0)

    def test_of_yesterday_has_no_force(self, lee):
        approval = ApprovalFactory()
        with time_machine.travel(timezone.now() + timedelta(days=1)):
            assert approvals.approve(approval.pk, lee).state == "STALE"
        assert not Cancellation.objects.exists()

    def test_can_be_asked_for_again_after_a_day(self, kim):
        old = ApprovalFactory(requested_at=timezone.now() - timedelta(days=1))
        limit(0)
        assert approvals.cancel(old.session.pk, ASK, kim, version_of(old.session)).pk != old.pk
        assert fresh(old).state == "STALE"

    def test_a_rejection_says_why_and_moves_nothing(self, lee):
        approval = ApprovalFactory()
        with pytest.raises(NotPossible, match="까닭"):
            approvals.reject(approval.pk, lee, "")
        approvals.reject(approval.pk, lee, "금액 확인 필요")
        row = fresh(approval)
        assert (row.state, row.decider, row.note) == ("REJECTED", lee, "금액 확인 필요")
        assert not Cancellation.objects.exists()

    def test_only_the_requester_withdraws(self, kim, lee):
        approval = ApprovalFactory(requester=kim)
        with pytest.raises(NotPossible):
            approvals.withdraw(approval.pk, lee)
        approvals.withdraw(approval.pk, kim)
        assert fresh(approval).state == "WITHDRAWN"

    @pytest.mark.parametrize("state", ["REJECTED", "WITHDRAWN", "STALE", "APPROVED"])
    def test_what_ended_stays_ended(self, lee, state):
        approval = ApprovalFactory(state=state, decider=lee)
        for wish in (approvals.approve, approvals.reject):
            with pytest.raises(NotPossible, match="이미 끝난"):
                wish(approval.pk, lee, "괜찮음")

    def test_what_cannot_be_done_leaves_the_request_waiting(self, lee):
        approval = ApprovalFactory()
        CallFactory(session=approval.session, state="UNKNOWN", due_at=timezone.now())
        with pytest.raises(NotPossible):
            approvals.approve(approval.pk, lee)
        assert fresh(approval).state == "WAITING"


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_a_button_pressed_by_eight_at_once_makes_one_cancel(self):
        kim, session = a_person("kim", "운영"), PaidSessionFactory()
        version = version_of(session)

        def press():
            try:
                approvals.cancel(session.pk, ASK, kim, version)
            except NotPossible:
                return False
            return True

        assert sum(at_once(*[press] * 8)) == 1
        assert (Cancellation.objects.count(), fresh(session).reserved) == (1, 10_000)

    def test_two_who_approve_at_once_make_one_cancel(self):
        approval, people = ApprovalFactory(), [a_person("one", "승인"), a_person("two", "승인")]

        def press(user):
            try:
                approvals.approve(approval.pk, user)
            except NotPossible:
                return False
            return True

        assert sum(at_once(*(partial(press, one) for one in people))) == 1
        assert Cancellation.objects.count() == 1


def test_a_version_tells_payments_apart(db):
    one, other = PaidSessionFactory(), PaidSessionFactory()
    assert len({version_of(one), version_of(other)}) == 2 and staff_cancels.version_of(fresh(one)) == version_of(one)
