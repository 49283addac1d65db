"""Of the notices in use, one at most speaks of an issuer, a number of months, a day and an amount."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError

from tests.installments.factories import NoticeFactory
from tests.merchants.refusals import codes, refused

pytestmark = pytest.mark.django_db
BAND = {"min_amount": 50_000, "max_amount": 99_999}


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"buyer_turns": 1},
        {"bearer": "shop"},
        {"min_amount": 99_999, "max_amount": None},
        {"min_amount": 0, "max_amount": 50_000},
        {"starts_on": date(2026, 11, 1), "ends_on": date(2026, 12, 1)},
        {"starts_on": date(2026, 12, 31), "ends_on": date(2027, 1, 31)},
    ],
    ids=str,
)
def test_overlap_is_refused_and_names_the_other(other):
    there = NoticeFactory(**BAND)
    with pytest.raises(ValidationError, match="삼성 3개월 50,000~99,999원") as error:
        NoticeFactory.build(**BAND | other).full_clean()
    assert error.value.error_dict["__all__"][0].other == there
    refused("one_notice_at_a_time", NoticeFactory, **BAND | other)


@pytest.mark.parametrize(
    "other",
    [
        {"issuer_id": "KB"},
        {"months": 4},
        {"gateway": "inicis"},
        {"nation": "JP"},
        {"in_use": False},
        {"min_amount": 100_000, "max_amount": None},
        {"min_amount": 0, "max_amount": 49_999},
        {"starts_on": date(2027, 1, 1), "ends_on": date(2027, 1, 31)},
        {"starts_on": date(2026, 11, 1), "ends_on": date(2026, 11, 30)},
    ],
    ids=str,
)
def test_no_overlap(other):
    NoticeFactory(**BAND)
    NoticeFactory.build(**BAND | other).full_clean()
    NoticeFactory(**BAND | other)


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"months": 1}, "months: min_value"),
        ({"months": 61}, "months: max_value"),
        ({"buyer_turns": 3}, "__all__: turns"),
        ({"min_amount": -1}, "min_amount: min_value"),
        ({"max_amount": 10**12}, "max_amount: max_value"),
        ({"max_amount": 49_999}, "__all__: amounts"),
        ({"ends_on": date(2026, 11, 30)}, "__all__: period"),
        ({"nation": "XX"}, "nation: nation"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(wrong, refusal):
    assert refusal in codes(NoticeFactory.build(**wrong))


def test_a_row_may_be_changed_beside_itself():
    there = NoticeFactory()
    there.buyer_turns = 1
    there.full_clean()
