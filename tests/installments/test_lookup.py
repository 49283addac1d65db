"""Which notices order pages show, and when."""

from datetime import date

import pytest

from installments import lookup
from installments.lookup import in_force
from merchants.models import CardIssuer
from tests.installments.factories import NoticeFactory
from tests.sql import statements

pytestmark = pytest.mark.django_db
DAY = date(2026, 12, 10)


def found(**wanted):
    groups = in_force(**{"day": DAY, "nation": "KR"} | wanted)
    return {group.issuer.code: [row.months for row in group.notices] for group in groups}


@pytest.mark.parametrize(
    ("day", "there"),
    [("2026-11-30", False), ("2026-12-01", True), ("2026-12-31", True), ("2027-01-01", False)],
)
def test_both_ends_of_the_period_are_in_force(day, there):
    NoticeFactory()
    assert found(day=date.fromisoformat(day)) == ({"SAMSUNG": [3]} if there else {})


@pytest.mark.parametrize(
    ("amount", "there"), [(49_999, False), (50_000, True), (99_999, True), (100_000, False), (None, True)]
)
def test_both_ends_of_the_amounts_are_in_force(amount, there):
    NoticeFactory(max_amount=99_999)
    assert bool(found(amount=amount)) is there


def test_only_what_is_in_use_in_this_nation():
    NoticeFactory(in_use=False)
    NoticeFactory(nation="JP")
    assert found() == {}


def test_issuers_that_cannot_be_paid_with_are_left_out():
    NoticeFactory()
    NoticeFactory(issuer_id="KB")
    assert found(issuers=["KB"]) == {"KB": [3]}
    assert found(issuers=[]) == {}


def test_issuers_stand_in_the_order_of_their_notices_then_in_their_own():
    CardIssuer.objects.filter(code="KB").update(display_order=1)
    for issuer, order in {"LOTTE": 0, "SAMSUNG": 0, "KB": 5}.items():
        NoticeFactory(issuer_id=issuer, display_order=order)
    NoticeFactory(issuer_id="HANA", display_order=0, months=12)
    NoticeFactory(issuer_id="HANA", display_order=9, months=2)
    assert list(found().items()) == [("SAMSUNG", [3]), ("LOTTE", [3]), ("HANA", [2, 12]), ("KB", [3])]


def test_a_gateways_own_row_stands_instead_of_the_general_one():
    general, own = NoticeFactory(), NoticeFactory(gateway="inicis", buyer_turns=1, min_amount=100_000)
    other = NoticeFactory(months=6)

    def rows(**wanted):
        return [row for group in in_force(day=DAY, nation="KR", **wanted) for row in group.notices]

    assert rows(gateway="inicis") == [own, other]
    assert rows(gateway="tosspayments") == rows() == [general, other]
    assert rows(gateway="inicis", amount=70_000) == [other]  # the general row would promise too much


def test_a_day_is_read_once_in_one_statement_and_a_saved_row_is_seen_within_five_seconds(monkeypatch):
    NoticeFactory.create(months=2)
    clock = [1000.0]
    monkeypatch.setattr(lookup.time, "monotonic", lambda: clock[0])
    with statements() as sent:
        found()
        NoticeFactory._meta.model.objects.update(months=4)
        assert found(amount=50_000, gateway="inicis") == {"SAMSUNG": [2]}
    assert len(sent) == 2  # one of them the update
    clock[0] += 5
    assert found() == {"SAMSUNG": [4]}


def test_many_days_are_not_kept_for_ever():
    for day in range(1, 29):
        for month in range(1, 4):
            found(day=date(2026, month, day))
    assert len(lookup._days) <= lookup.MOST_DAYS


def test_staff_see_what_they_have_just_saved():
    assert found() == {}
    NoticeFactory()
    assert [group.issuer.code for group in lookup.in_force_now(day=DAY, nation="KR")] == ["SAMSUNG"]
