"""The first page: sums by day, gateway and method, success, health, what is to be done."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from payments import attention
from payments.admin import charts, health, periods
from payments.models import Attention, Circuit
from payments.sums import Part
from tests.factories import MerchantFactory
from tests.payments.factories import (
    AttemptFactory,
    CancellationFactory,
    DeliveryFactory,
    NotificationFactory,
    PaidSessionFactory,
    PaymentSessionFactory,
)
from tests.sql import statements

pytestmark = pytest.mark.django_db
SEOUL = ZoneInfo("Asia/Seoul")
HOME = reverse("admin:index")
SUMS = reverse("admin:payments_sums")
# Monday the 2nd in Seoul, still Sunday the 1st in London.
NOW = datetime(2026, 3, 2, 8, 30, tzinfo=SEOUL)


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def live(db):
    return MerchantFactory(mode="live", code="live-kr")


def paid(merchant, at, **changes):
    """A payment; what was cancelled of it went back at once."""
    session = PaidSessionFactory(merchant=merchant, paid_at=at, created_at=at, **changes)
    if session.cancelled:
        CancellationFactory(session=session, amount=session.cancelled, ended_at=at)
    return session


def shown(client, **query):
    answer = client.get(HOME, query)
    assert answer.status_code == 200
    return answer.context


class TestSums:
    def test_the_week_ends_today_by_the_days_of_seoul(self, staff_client, live):
        midnight = datetime(2026, 3, 2, tzinfo=SEOUL)
        paid(live, midnight - timedelta(days=6))
        paid(live, midnight - timedelta(days=6, seconds=1))
        paid(live, midnight - timedelta(seconds=1), cancelled=900, stage="PARTIALLY_CANCELLED")
        paid(live, midnight)
        (won,) = shown(staff_client)["money"]
        assert (won["count"], won["paid"], won["cancelled"], won["net"]) == (3, "₩194,700", "₩900", "₩193,800")
        days = {bar.label: bar.total["net"] for bar in won["chart"].bars}
        assert days == {
            "02-24": "₩64,900", "02-25": "₩0", "02-26": "₩0", "02-27": "₩0", "02-28": "₩0",
            "03-01": "₩64,000", "03-02": "₩64,900",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("period", "count"),
        [("today", 1), ("week", 2), ("month", 3), ("this_month", 1), ("last_month", 2), ("nonsense", 2)],
    )
    def test_periods(self, staff_client, live, period, count):
        for days in (0, 2, 20, 40):
            paid(live, NOW - timedelta(days=days))
        assert shown(staff_client, period=period)["money"][0]["count"] == count

    def test_own_days(self, staff_client, live):
        for day in (1, 2, 3):
            paid(live, datetime(2026, 2, day, 23, 59, 59, tzinfo=SEOUL))
        found = shown(staff_client, period="own", **{"from": "2026-02-02", "to": "2026-02-03"})
        assert found["money"][0]["count"] == 2

    def test_real_money_is_shown_first_and_never_beside_test_money(self, staff_client, live):
        test = MerchantFactory(mode="test")
        paid(test, NOW, amount=500)
        assert shown(staff_client)["money"] == []
        assert shown(staff_client, mode="test")["money"][0]["paid"] == "₩500"
        paid(live, NOW)
        for mode, amount in (("live", "₩64,900"), ("test", "₩500"), ("nonsense", "₩64,900")):
            found = shown(staff_client, mode=mode)
            assert [one["paid"] for one in found["money"]] == [amount]
            assert [row["amount"] for row in found["latest"]] == [amount]

    def test_test_money_where_there_is_no_real_one(self, staff_client):
        paid(MerchantFactory(mode="test"), NOW)
        assert shown(staff_client)["choice"].mode == "test"

    def test_by_gateway_and_by_method_the_largest_first(self, staff_client, live):
        other = MerchantFactory(mode="live", gateway="inicis")
        paid(live, NOW)
        paid(other, NOW, amount=100_000, method="BANK")
        paid(MerchantFactory(mode="live", currency="USD"), NOW, amount=1050)
        groups = {title: [(row["name"], row["paid"]) for row in rows] for title, rows in shown(staff_client)["groups"]}
        assert groups == {
            "PG사별": [("KG이니시스", "₩100,000"), ("Stripe", "₩64,900"), ("Stripe", "US$10.50")],
            "결제수단별": [("실시간 계좌이체", "₩100,000"), ("신용카드", "₩64,900"), ("신용카드", "US$10.50")],
        }

    def test_success_counts_what_has_ended(self, staff_client, live):
        paid(live, NOW)
        PaymentSessionFactory(merchant=live, stage="FAILED")
        PaymentSessionFactory(merchant=live)
        found = shown(staff_client)
        assert found["success"] == "50.0%"
        assert [(row["name"], row["rate"]) for row in found["tries"]] == [("Stripe · 신용카드", "50.0%")]

    def test_the_page_says_how_cancels_are_counted(self, staff_client):
        assert "취소액은 돈이 돌아간 날" in staff_client.get(HOME).content.decode()

    def test_it_takes_as_many_queries_for_much_as_for_little(self, staff_client, live):
        paid(live, NOW)
        with statements() as few:
            shown(staff_client)
        for days in range(6):
            for method in ("CARD", "BANK", "KAKAOPAY"):
                session = paid(live, NOW - timedelta(days=days), method=method)
                AttemptFactory(delivery=DeliveryFactory(session=session))
                NotificationFactory(session=session)
        with statements() as many:
            shown(staff_client)
        assert len(many) == len(few) <= 20


class TestHealth:
    def test_of_messages_to_the_shops(self, live):
        for seconds in (1, 3):
            delivery = DeliveryFactory(session=paid(live, NOW), state="DELIVERED", created_at=NOW)
            AttemptFactory(delivery=delivery, started_at=NOW + timedelta(seconds=seconds), accepted=seconds == 1)
            if seconds == 3:
                AttemptFactory(delivery=delivery, number=2, started_at=NOW + timedelta(seconds=8))
        DeliveryFactory(session=paid(live, NOW), state="DEAD", created_at=NOW - timedelta(days=9))
        DeliveryFactory(session=paid(live, NOW), created_at=NOW - timedelta(minutes=5))
        DeliveryFactory(session=paid(MerchantFactory(mode="test"), NOW), state="DEAD")
        figures = [(figure.text, figure.tone) for figure in health.of_deliveries(NOW, "live")]
        assert figures == [
            ("2", ""), ("50.0%", ""), ("4.5초", ""), ("1", ""), ("5분", ""), ("1", "danger"),
        ]  # fmt: skip

    def test_of_webhooks(self, live):
        ours = {"merchant": live, "session": None}
        NotificationFactory(**ours, received_at=NOW - timedelta(hours=23))
        NotificationFactory(**ours, received_at=NOW - timedelta(hours=25), due_at=NOW + timedelta(hours=1))
        NotificationFactory(**ours, received_at=NOW, attention=True)
        NotificationFactory(merchant=None, session=paid(live, NOW), received_at=NOW)
        NotificationFactory(session=None, merchant=MerchantFactory(mode="test"), attention=True)
        assert [figure.text for figure in health.of_webhooks(NOW, "live")] == ["3", "1", "1일", "1"]

    def test_late_work_is_seen(self, staff_client):
        PaymentSessionFactory(due_at=NOW - timedelta(minutes=5))
        work = shown(staff_client)["tiles"][-1]
        assert (work.title, work.number, work.tone) == ("밀린 일 (300초)", "1", "warning")

    def test_who_is_silent_is_named(self, staff_client):
        session = PaidSessionFactory()
        Circuit.objects.create(kind="account", lane=session.merchant_id, failures=3)
        Circuit.objects.create(kind="shop", lane=session.order.shop_id, failures=2)
        assert shown(staff_client)["silent"] == [f"가맹점 {session.merchant}"]

    @pytest.mark.parametrize(("part", "whole", "text"), [(0, 0, "-"), (2, 3, "66.6%"), (9999, 10000, "99.9%")])
    def test_a_rate_is_never_rounded_up(self, part, whole, text):
        assert health.rate(part, whole) == text


class TestWhatIsToBeDone:
    def test_is_counted_by_kind_with_its_list(self, staff_client):
        PaidSessionFactory.create_batch(2, stage="REVIEW", attention=True)
        DeliveryFactory(state="DEAD")
        attention.sweep(timezone.now())
        Attention.objects.filter(kind="DELIVERY").update(handling="IN_HAND")
        tiles = [(tile.title, tile.number) for tile in shown(staff_client)["tiles"]]
        assert tiles == [("결제 확인", "2"), ("상점 통보 실패", "1"), ("지금 처리할 일", "0")]
        Attention.objects.update(handling="DONE")
        first = shown(staff_client)["tiles"][0]
        assert (first.title, first.number, first.tone) == ("확인 필요", "0", "success")

    def test_each_sees_what_he_may(self, person):
        assert "choice" not in person(username="stranger").get(HOME).context
        viewer = person("view_paymentsession", username="viewer")
        assert [tile.title for tile in shown(viewer)["tiles"]] == ["지금 처리할 일"]
        assert SUMS not in viewer.get(HOME).content.decode()


class TestPeriods:
    TODAY = date(2026, 3, 2)

    @pytest.mark.parametrize(
        ("query", "first", "last"),
        [
            ("period=own&from=2026-02-10&to=2026-02-01", date(2026, 2, 1), date(2026, 2, 10)),
            ("period=own&from=2026-02-10", date(2026, 2, 10), TODAY),
            ("period=own&to=2026-02-10", date(2026, 2, 10), date(2026, 2, 10)),
            ("period=own&from=2020-01-01&to=2026-02-10", date(2025, 2, 10), date(2026, 2, 10)),
            ("period=own&from=2026-13-45&to=x%00", date(2026, 2, 24), TODAY),
            ("period=own&from=0001-01-01&to=9999-12-31", date(2026, 2, 24), TODAY),
            ("period=own&from=2999-12-31", TODAY, date(2999, 12, 31)),
        ],
    )
    def test_odd_days(self, staff_client, query, first, last):
        choice = periods.chosen(QueryDict(query))
        assert (choice.last - choice.first).days < 366
        if first.year < 2999 and last.year < 2999:
            assert (choice.first, choice.last) == (first, last)
        assert staff_client.get(f"{HOME}?{query}").status_code == 200


class TestChart:
    def part(self, day, amount, back=0):
        return Part(day, "KRW", "stripe", "CARD", 1, amount, back)

    def test_bars_of_what_was_paid_and_what_went_back_stand_on_the_ground(self):
        day = date(2026, 3, 1)
        chart = charts.draw([self.part(day, 100, 25)], "KRW", day, day)
        (bar,) = chart.bars
        assert (chart.top, chart.middle) == ("₩100", "₩50")
        assert (bar.paid, bar.back) == ((0, 100), (75, 25))

    def test_many_days_are_drawn_by_month(self):
        first, last = date(2025, 12, 30), date(2026, 3, 2)
        chart = charts.draw([self.part(date(2026, 1, day), 10) for day in (1, 31)], "KRW", first, last)
        assert [bar.label for bar in chart.bars] == ["2025-12", "2026-01", "2026-02", "2026-03"]
        assert [bar.total["paid"] for bar in chart.bars] == ["₩0", "₩20", "₩0", "₩0"]
        assert len(charts.draw([], "KRW", date(2026, 1, 1), date(2026, 3, 3)).bars) == 62

    def test_more_may_go_back_than_was_paid(self):
        day = date(2026, 3, 1)
        chart = charts.draw([self.part(day, 50, 100)], "KRW", day, day)
        assert (chart.bars[0].paid, chart.bars[0].back, chart.top) == ((50, 50), (0, 100), "₩100")

    @pytest.mark.parametrize(("amount", "top"), [(0, "₩1"), (1, "₩1"), (11, "₩12"), (2_100_000, "₩2,500,000")])
    def test_the_top_is_round(self, amount, top):
        day = date(2026, 3, 1)
        assert charts.draw([self.part(day, amount)], "KRW", day, day).top == top
