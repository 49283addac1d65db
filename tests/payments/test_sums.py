"""Sums of payments: by the days of Seoul, per currency, live and test apart."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from merchants.codes import Mode
from payments import sums
from payments.models import Cancellation, PaymentSession
from tests.factories import MerchantFactory
from tests.payments.factories import CancellationFactory, PaidSessionFactory, PaymentSessionFactory
from tests.sql import statements

pytestmark = pytest.mark.django_db
SEOUL = ZoneInfo("Asia/Seoul")
DAY = date(2026, 3, 2)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=SEOUL)
SECOND = timedelta(seconds=1)


@pytest.fixture
def live(db):
    return MerchantFactory(mode="live")


def paid(merchant, at, **changes):
    """A payment; what was cancelled of it went back at once."""
    session = PaidSessionFactory(merchant=merchant, paid_at=at, created_at=at - timedelta(minutes=3), **changes)
    if session.cancelled:
        CancellationFactory(session=session, amount=session.cancelled, ended_at=at)
    return session


class TestDays:
    def test_a_day_is_one_of_seoul(self, live):
        for at in (MIDNIGHT - SECOND, MIDNIGHT, MIDNIGHT + timedelta(days=1) - SECOND, MIDNIGHT + timedelta(days=1)):
            paid(live, at)
        (part,) = sums.of_days(DAY, DAY, Mode.LIVE)
        assert (part.day, part.count, part.paid) == (DAY, 2, 2 * 64900)
        days = [(part.day.day, part.count) for part in sums.of_days(date(2026, 3, 1), date(2026, 3, 3), Mode.LIVE)]
        assert days == [(1, 1), (2, 2), (3, 1)]

    def test_what_was_cancelled_counts_on_the_day_on_which_it_went(self, live):
        session = PaidSessionFactory(merchant=live, paid_at=MIDNIGHT - SECOND, stage="CANCELLED", cancelled=64_900)
        for amount, at in [(10_000, MIDNIGHT - SECOND), (4_900, MIDNIGHT), (50_000, MIDNIGHT)]:
            CancellationFactory(session=session, amount=amount, balance_before=amount, ended_at=at)
        found = sums.of_days(date(2026, 3, 1), DAY, Mode.LIVE)
        assert [(part.day.day, part.count, part.paid, part.cancelled, part.net) for part in found] == [
            (1, 1, 64_900, 10_000, 54_900),
            (2, 0, 0, 54_900, -54_900),
        ]

    def test_what_came_back_is_taken_off_on_the_day_on_which_it_came(self, live):
        session = PaidSessionFactory(merchant=live, paid_at=MIDNIGHT - SECOND)
        CancellationFactory(
            session=session, state="REVERSED", ended_at=MIDNIGHT - SECOND, reversed_at=MIDNIGHT, amount=10_000
        )
        found = sums.of_days(date(2026, 3, 1), DAY, Mode.LIVE)
        assert [(part.day.day, part.cancelled) for part in found] == [(1, 10_000), (2, -10_000)]

    @pytest.mark.parametrize("state", ["REQUESTED", "UNKNOWN", "PENDING", "REFUSED"])
    def test_what_did_not_go_is_not_counted(self, live, state):
        session = PaidSessionFactory(merchant=live, paid_at=MIDNIGHT)
        CancellationFactory(session=session, state=state, ended_at=MIDNIGHT)
        assert [part.cancelled for part in sums.of_days(DAY, DAY, Mode.LIVE)] == [0]

    def test_what_never_counted_is_not_counted_when_it_goes_back(self, live):
        double = PaymentSessionFactory(merchant=live, stage="CANCELLED", paid=64_900, cancelled=64_900)
        CancellationFactory(session=double, origin="POLICY", amount=64_900, ended_at=MIDNIGHT)
        assert sums.of_days(DAY, DAY, Mode.LIVE) == []

    def test_live_and_test_are_never_added_up(self, live):
        paid(live, MIDNIGHT)
        paid(MerchantFactory(mode="test"), MIDNIGHT, amount=500)
        for mode, amount in ((Mode.LIVE, 64_900), (Mode.TEST, 500)):
            assert [part.paid for part in sums.of_days(DAY, DAY, mode)] == [amount]

    def test_currencies_gateways_and_methods_are_apart(self, live):
        yen = MerchantFactory(mode="live", currency="JPY", gateway="inicis")
        paid(live, MIDNIGHT)
        paid(live, MIDNIGHT, method="KAKAOPAY")
        paid(yen, MIDNIGHT, amount=700)
        found = [(p.currency, p.gateway, p.method, p.paid) for p in sums.of_days(DAY, DAY, Mode.LIVE)]
        assert found == [
            ("JPY", "inicis", "CARD", 700),
            ("KRW", "stripe", "CARD", 64_900),
            ("KRW", "stripe", "KAKAOPAY", 64_900),
        ]

    def test_what_nobody_paid_counts_nowhere(self, live):
        PaymentSessionFactory(merchant=live, created_at=MIDNIGHT, stage="REVIEW", paid=64900)
        assert sums.of_days(DAY, DAY, Mode.LIVE) == []

    def test_any_number_of_payments_takes_three_statements(self, live):
        for hours in range(5):
            paid(live, MIDNIGHT + timedelta(hours=hours))
        with statements() as sent:
            sums.of_days(DAY, DAY, Mode.LIVE)
        assert len(sent) == 3


def test_parts_add_up_by_any_key(live):
    for day in range(3):
        paid(live, MIDNIGHT + timedelta(days=day), cancelled=day, method="CARD" if day else "BANK")
    parts = sums.of_days(DAY, DAY + timedelta(days=2), Mode.LIVE)
    found = sums.by(parts, lambda part: part.method)
    assert {method: (total.count, total.paid, total.cancelled) for method, total in found.items()} == {
        "BANK": (1, 64_900, 0),
        "CARD": (2, 129_800, 3),
    }


class TestTries:
    def test_what_is_open_or_was_replaced_is_no_lost_chance(self, live):
        begun = {"merchant": live, "created_at": MIDNIGHT}
        PaidSessionFactory(**begun)
        PaidSessionFactory(**begun, stage="CANCELLED", cancelled=64_900)
        PaymentSessionFactory(**begun, stage="FAILED", reason="NOT_PAID")
        PaymentSessionFactory(**begun, stage="STANDBY")
        PaymentSessionFactory(**begun, stage="EXPIRED", reason="REPLACED")
        (tried,) = sums.of_tries(DAY, DAY, Mode.LIVE)
        assert (tried.begun, tried.ended, tried.paid) == (5, 3, 2)

    def test_a_superseded_session_that_was_paid_counts(self, live):
        PaidSessionFactory(merchant=live, created_at=MIDNIGHT, reason="SUPERSEDED")
        (tried,) = sums.of_tries(DAY, DAY, Mode.LIVE)
        assert (tried.ended, tried.paid) == (1, 1)

    def test_by_the_day_on_which_it_was_begun(self, live):
        PaidSessionFactory(merchant=live, created_at=MIDNIGHT - SECOND, paid_at=MIDNIGHT)
        assert sums.of_tries(DAY, DAY, Mode.LIVE) == []


class TestCancels:
    def test_totals_by_currency_and_what_became_of_them(self, live):
        for state, amount in [("DONE", 1), ("PENDING", 2), ("UNKNOWN", 4), ("REVERSED", 8), ("REFUSED", 16)]:
            CancellationFactory(state=state, amount=amount)
        dollars = PaidSessionFactory(merchant=MerchantFactory(currency="USD"), amount=1050)
        CancellationFactory(session=dollars, amount=50)
        assert sums.of_cancels(Cancellation.objects.all()) == [
            sums.Cancels("KRW", 5, 31, 1, 6, 8),
            sums.Cancels("USD", 1, 50, 50, 0, 0),
        ]
        assert sums.of_cancels(Cancellation.objects.all(), most=5) is None


class TestRows:
    def test_totals_by_currency(self, live):
        paid(live, MIDNIGHT, cancelled=900, stage="PARTIALLY_CANCELLED")
        PaymentSessionFactory(merchant=live)
        PaymentSessionFactory(merchant=MerchantFactory(currency="USD"), amount=1050)
        totals = sums.of_rows(PaymentSession.objects.all())
        assert totals == [
            sums.Total("KRW", 2, 129_800, 64_900, 900),
            sums.Total("USD", 1, 1050, 0, 0),
        ]

    def test_too_many_are_not_added_up(self, live):
        PaymentSessionFactory.create_batch(3, merchant=live)
        rows = PaymentSession.objects.order_by("-created_at")
        assert sums.of_rows(rows, most=2) is None
        assert [total.count for total in sums.of_rows(rows, most=3) or []] == [3]

    def test_nothing_found(self, live):
        assert sums.of_rows(PaymentSession.objects.filter(pk__in=[])) == []
        assert sums.of_rows(PaymentSession.objects.all()) == []
