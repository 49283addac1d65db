"""확인 필요: rows open when a fact is there and close when it is gone, whoever sweeps and however often."""

from datetime import timedelta

import pytest
from django.utils import timezone

from payments import attention, circuits, staff
from payments.admin import advice
from payments.models import Attention, Circuit, Delivery, GatewayCall, Handling, Notification, PaymentSession
from tests.factories import MerchantFactory, ShopFactory
from tests.payments.factories import (
    BUYER,
    CallFactory,
    CancellationFactory,
    DeliveryFactory,
    EventFactory,
    NotificationFactory,
    PaidSessionFactory,
    PaymentSessionFactory,
)
from tests.sql import statements

pytestmark = pytest.mark.django_db


def now():
    return timezone.now()


def ago(**much):
    return timezone.now() - timedelta(**much)


def swept(at=None):
    """The open rows after a sweep: (kind, subject)."""
    attention.sweep(at or now())
    return set(Attention.objects.filter(closed_at=None).values_list("kind", "subject"))


def unknown_call(**sent):
    return CallFactory(state="UNKNOWN", due_at=now() + timedelta(hours=1), first_sent_at=ago(**sent))


class TestFacts:
    def test_a_payment_in_review(self, db):
        session = PaymentSessionFactory(stage="REVIEW", reason="DOUBLE_PAYMENT", paid=64900, attention=True)
        assert swept() == {("PAYMENT", session.pk)}
        row = Attention.objects.get()
        assert row.mode == "test"
        assert row.facts["reason"] == "DOUBLE_PAYMENT"
        PaymentSession.objects.update(stage="CANCELLED", attention=False)
        assert swept() == set()
        assert Attention.objects.get().closed_at is not None

    def test_a_call_in_doubt_for_over_a_quarter_of_an_hour(self, db):
        call = unknown_call(minutes=16)
        unknown_call(minutes=14)
        assert swept() == {("CALL", call.pk)}
        assert Attention.objects.get().since == call.first_sent_at
        GatewayCall.objects.update(state="DONE", due_at=None)
        assert swept() == set()

    def test_a_cancel_that_cannot_be_sent_for_over_a_quarter_of_an_hour(self, db):
        unsent = {"state": "READY", "due_at": now(), "first_sent_at": ago(minutes=16)}
        CallFactory(kind="EXPIRE", **unsent)
        cancel = CancellationFactory(state="REQUESTED", gateway_cancel_id="")
        call = CallFactory(kind="CANCEL", cancellation=cancel, session=cancel.session, **unsent)
        assert swept() == {("CALL", call.pk)}
        assert "아직 보내지 못한 취소" in advice.hint(Attention.objects.get())

    def test_a_message_given_up_is_one_row_not_two(self, db):
        delivery = DeliveryFactory(state="DEAD", ended_at=ago(hours=1), session__attention=True)
        EventFactory(session=delivery.session, kind="not_told")
        assert swept() == {("DELIVERY", delivery.pk)}
        assert Attention.objects.get().since == delivery.ended_at
        Delivery.objects.update(state="DELIVERED")
        assert swept() == set()

    @pytest.mark.parametrize("more", ["review", "disputed", "reversed"])
    def test_an_untold_payment_that_is_wrong_too_has_both(self, db, more):
        stage = "REVIEW" if more == "review" else "PAID"
        session = PaidSessionFactory(attention=True, stage=stage, disputed=more == "disputed")
        EventFactory(session=session, kind="not_told")
        if more == "reversed":
            EventFactory(session=session, kind="overlap")
        delivery = DeliveryFactory(session=session, state="DEAD")
        assert swept() == {("PAYMENT", session.pk), ("DELIVERY", delivery.pk)}

    def test_a_notice_of_no_payment_of_ours(self, db):
        notice = NotificationFactory(session=None, merchant=MerchantFactory(mode="live"), attention=True)
        NotificationFactory()
        assert swept() == {("NOTICE", notice.pk)}
        assert Attention.objects.get().mode == "live"
        Notification.objects.update(attention=False)
        assert swept() == set()

    def test_lookups_that_are_answered_with_a_refusal(self, db):
        session = PaymentSessionFactory(due_at=now(), attempts=6)
        PaymentSessionFactory(due_at=now(), attempts=5)
        assert swept() == {("LOOKUPS", session.merchant_id)}
        Circuit.objects.create(kind="account", lane=session.merchant_id, failures=1)
        assert swept() == set()

    @pytest.mark.parametrize(("kind", "factory"), [("account", MerchantFactory), ("shop", ShopFactory)])
    def test_who_has_been_silent_for_long(self, db, kind, factory):
        long, short, answering = factory.create_batch(3)
        Circuit.objects.create(kind=kind, lane=long.pk, failures=3, failing_since=ago(minutes=11))
        Circuit.objects.create(kind=kind, lane=short.pk, failures=3, failing_since=ago(minutes=9))
        Circuit.objects.create(kind=kind, lane=answering.pk, failures=0, failing_since=ago(minutes=11))
        assert swept() == {(kind.upper(), long.pk)}
        assert swept(now() + timedelta(minutes=2)) == {(kind.upper(), long.pk), (kind.upper(), short.pk)}

    def test_silence_counts_from_its_first_failure(self, db):
        merchant = MerchantFactory()
        begun = ago(minutes=20)
        for minutes in (0, 5, 12):
            circuits.failed(circuits.Kind.ACCOUNT, merchant.pk, begun + timedelta(minutes=minutes))
        assert Circuit.objects.get().failing_since == begun
        assert swept() == {("ACCOUNT", merchant.pk)}
        circuits.answered(circuits.Kind.ACCOUNT, merchant.pk, now())
        circuits.failed(circuits.Kind.ACCOUNT, merchant.pk, now())
        assert Circuit.objects.get().failing_since > begun + timedelta(minutes=12)
        assert swept() == set()

    @pytest.mark.parametrize(
        ("days", "kind"), [(-1, "EXPIRED"), (0, "EXPIRING"), (30, "EXPIRING"), (31, None), (None, None)]
    )
    def test_keys_that_expire(self, db, days, kind):
        on = None if days is None else timezone.localdate() + timedelta(days=days)
        merchant = MerchantFactory(credentials_expire_on=on)
        MerchantFactory(credentials_expire_on=on, is_active=False)
        assert swept() == ({(kind, merchant.pk)} if kind else set())

    def test_an_expiry_is_a_new_matter_on_its_day(self, db):
        merchant = MerchantFactory(credentials_expire_on=timezone.localdate())
        assert swept() == {("EXPIRING", merchant.pk)}
        assert swept(now() + timedelta(days=1)) == {("EXPIRED", merchant.pk)}


class TestSweeping:
    def test_a_row_stays_the_same_while_the_fact_lasts(self, db):
        PaymentSessionFactory(stage="REVIEW", attention=True)
        swept()
        first = Attention.objects.get()
        swept(now() + timedelta(hours=1))
        assert Attention.objects.get().opened_at == first.opened_at

    def test_what_comes_back_is_new(self, db):
        NotificationFactory(session=None, merchant=MerchantFactory(), attention=True)
        for attention_wanted in (False, True):
            swept()
            Notification.objects.update(attention=attention_wanted)
        swept()
        assert Attention.objects.filter(closed_at=None).count() == 1
        assert Attention.objects.count() == 2

    def test_it_takes_as_many_statements_for_much_as_for_little(self, db):
        NotificationFactory(session=None, merchant=MerchantFactory(), attention=True)
        with statements() as few:
            attention.sweep(now())
        NotificationFactory.create_batch(30, session=None, merchant=MerchantFactory(), attention=True)
        with statements() as many:
            attention.sweep(now())
        assert Attention.objects.count() == 31
        assert len(many) == len(few)

    def test_it_keeps_nothing_of_a_person(self, db):
        session = PaidSessionFactory(stage="REVIEW", attention=True, description="홍길동 명함")
        DeliveryFactory(session=session, state="DEAD")
        CallFactory(session=session, state="UNKNOWN", due_at=now(), first_sent_at=ago(hours=1), message=BUYER["email"])
        NotificationFactory(session=session, attention=True)
        swept()
        kept = str(list(Attention.objects.values()))
        assert Attention.objects.count() == 4
        assert [text for text in (*BUYER.values(), "홍길동", session.return_token) if text in kept] == []

    def test_a_row_that_another_sweep_opens_meanwhile_is_there_once(self, db, monkeypatch):
        NotificationFactory.create_batch(2, session=None, merchant=MerchantFactory(), attention=True)
        make = attention._opened

        def another_is_quicker(*args):
            make(*args).save()
            return make(*args)

        monkeypatch.setattr(attention, "_opened", another_is_quicker)
        attention.sweep(now())
        assert Attention.objects.count() == 2


class TestHandling:
    def row(self, session):
        swept()
        return Attention.objects.get(subject=session.pk)

    def test_in_hand_with_a_note(self, db):
        row = self.row(PaidSessionFactory(attention=True))
        staff.handle(row.pk, "kim", handling=Handling.IN_HAND, note=" PG사에 문의함 ")
        row.refresh_from_db()
        assert (row.handling, row.handled_by, row.note) == ("IN_HAND", "kim", "PG사에 문의함")
        assert row.handled_at is not None
        assert swept()

    def test_done_needs_a_note(self, db):
        row = self.row(PaidSessionFactory(attention=True))
        with pytest.raises(staff.NotPossible):
            staff.handle(row.pk, "kim", handling=Handling.DONE, note="  ")
        row.refresh_from_db()
        assert row.handling == "NEW"

    def test_done_takes_the_mark_off_a_payment_that_nobody_must_decide(self, db):
        session = PaidSessionFactory(attention=True)
        staff.handle(self.row(session).pk, "kim", handling=Handling.DONE, note="환불 확인")
        session.refresh_from_db()
        assert session.attention is False
        assert session.events.values_list("kind", "actor").get() == ("attention_ended", "kim")
        assert swept() == set()

    @pytest.mark.parametrize("changes", [{"stage": "REVIEW"}, {"disputed": True}])
    def test_done_decides_nothing_about_money(self, db, changes):
        session = PaidSessionFactory(attention=True, **changes)
        staff.handle(self.row(session).pk, "kim", handling=Handling.DONE, note="환불 확인")
        session.refresh_from_db()
        assert session.attention is True
        assert swept() == {("PAYMENT", session.pk)}
        assert Attention.objects.get().handling == "DONE"

    def test_a_notice_that_is_done_is_gone(self, db):
        notice = NotificationFactory(session=None, merchant=MerchantFactory(), attention=True)
        swept()
        staff.handle(Attention.objects.get().pk, "kim", handling=Handling.DONE, note="다른 시스템의 결제")
        notice.refresh_from_db()
        assert notice.attention is False

    def test_what_is_over_is_not_handled_any_more(self, db):
        row = self.row(PaidSessionFactory(attention=True))
        PaymentSession.objects.update(attention=False)
        swept()
        with pytest.raises(staff.NotPossible):
            staff.handle(row.pk, "kim", handling=Handling.IN_HAND, note="")
