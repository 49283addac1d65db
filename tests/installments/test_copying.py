"""지난달 안내를 이번 달로."""

from datetime import date

import pytest
from django.urls import reverse

from installments import copying
from installments.copying import Month, moved_period
from installments.models import InterestFreeNotice
from tests.installments.factories import NoticeFactory

pytestmark = pytest.mark.django_db
NOVEMBER, DECEMBER, JANUARY, FEBRUARY = Month(2026, 11), Month(2026, 12), Month(2027, 1), Month(2027, 2)


@pytest.mark.parametrize(
    ("period", "months", "moved"),
    [
        (("2026-11-01", "2026-11-30"), (NOVEMBER, DECEMBER), ("2026-12-01", "2026-12-31")),
        (("2026-12-01", "2026-12-31"), (DECEMBER, JANUARY), ("2027-01-01", "2027-01-31")),
        (("2027-01-10", "2027-01-31"), (JANUARY, FEBRUARY), ("2027-02-10", "2027-02-28")),
        (("2027-01-01", "2027-01-30"), (JANUARY, FEBRUARY), ("2027-02-01", "2027-02-28")),
        (("2027-01-30", "2027-01-31"), (JANUARY, FEBRUARY), ("2027-02-28", "2027-02-28")),
        (("2026-11-10", "2026-11-20"), (NOVEMBER, DECEMBER), ("2026-12-10", "2026-12-20")),
        (("2026-10-15", "2027-03-31"), (NOVEMBER, DECEMBER), ("2026-12-01", "2026-12-31")),
        (("2026-12-01", "2026-12-31"), (DECEMBER, NOVEMBER), ("2026-11-01", "2026-11-30")),
    ],
)
def test_a_period_moves_to_the_same_days_and_month_ends_stay_month_ends(period, months, moved):
    starts_on, ends_on = moved_period(*map(date.fromisoformat, period), *months)
    assert (str(starts_on), str(ends_on)) == moved


def test_the_month_before_january():
    assert Month(2027, 1).before == DECEMBER


@pytest.fixture
def november():
    """A whole notice, one out of use, one that reaches into December, and one that is entered for December already."""
    common = {"starts_on": NOVEMBER.first, "ends_on": NOVEMBER.last}
    NoticeFactory(**common, months=2, target="개인", display_order=7, source="toss", buyer_turns=1, bearer="shop")
    NoticeFactory(**common, months=3, in_use=False)
    NoticeFactory(months=4, starts_on=NOVEMBER.first, ends_on=DECEMBER.last)
    NoticeFactory(**common, months=5)
    NoticeFactory(months=5, min_amount=100_000)


def test_the_plan_says_what_is_in_the_way(november):
    plan = copying.plan(NOVEMBER, DECEMBER)
    assert [(copy.source.months, copy.obstacle and copy.obstacle.min_amount) for copy in plan] == [
        (2, None),
        (4, 50_000),
        (5, 100_000),
    ]


def test_what_two_rows_would_become_is_made_once():
    for first, last in [(1, 29), (30, 31)]:
        NoticeFactory(starts_on=date(2027, 1, first), ends_on=date(2027, 1, last))
    plan = copying.plan(JANUARY, FEBRUARY)
    assert [copy.obstacle is None for copy in plan] == [True, False]
    assert len(copying.carry_out(plan)) == 1


def test_last_month_is_copied_after_it_was_seen(clock, admin_client, november):
    url = reverse("admin:installments_copy")
    before = InterestFreeNotice.objects.count()
    page = admin_client.get(url)
    assert page.context["made"] == 1 and len(page.context["copies"]) == 3
    assert InterestFreeNotice.objects.count() == before
    answer = admin_client.post(url, {"source": "2026-11", "target": "2026-12"}, follow=True)
    assert "안내 1건을 만들었습니다. 겹쳐서 건너뛴 안내는 2건입니다." in answer.content.decode()
    made = InterestFreeNotice.objects.get(months=2, starts_on=DECEMBER.first)
    assert (made.ends_on, made.target, made.display_order, made.buyer_turns, made.bearer, made.source) == (
        DECEMBER.last, "개인", 7, 1, "shop", "manual",
    )  # fmt: skip
    answer = admin_client.post(url, {"source": "2026-11", "target": "2026-12"}, follow=True)
    assert InterestFreeNotice.objects.count() == before + 1


@pytest.mark.parametrize(
    "query",
    [
        {"source": "2026-11"},
        {"source": "2026-13", "target": "2026-12"},
        {"source": "x", "target": "\0"},
        {"source": "2026-11", "target": "2026-11"},
        {"source": "9999-12", "target": "0000-00"},
    ],
    ids=str,
)
def test_months_that_are_none_are_refused(admin_client, november, query):
    url = reverse("admin:installments_copy")
    before = InterestFreeNotice.objects.count()
    for answer in (admin_client.get(url, query), admin_client.post(url, query)):
        assert answer.status_code == 200
        assert 'role="alert"' in answer.content.decode()
    assert InterestFreeNotice.objects.count() == before
