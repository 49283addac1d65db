"""The lists of the gateways: their documented examples, and whatever else comes."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installments.importers import Listed, ListError, kicc, nice, toss
from tests.installments.lists import KICC, KICC_EVENT, NICE, TOSS

LAST = date(2026, 12, 31)
PARSERS = [toss.parse, nice.parse, kicc.parse]


def test_kicc_counts_in_ten_thousands():
    assert kicc.bands(KICC_EVENT) == [(50_000, [2, 3]), (100_000, [4, 5, 6])]


def test_toss_list():
    assert toss.parse(TOSS) == [
        Listed("51", "삼성", 2, 50_000, None, LAST, "interestFreeCards[0]"),
        Listed("51", "삼성", 3, 50_000, None, LAST, "interestFreeCards[0]"),
        Listed("W1", "우리", 6, 100_000, None, date(2026, 12, 15), "interestFreeCards[1]"),
    ]


def test_nice_list():
    first, second = "interestFree[0].freeInstallment[0]", "interestFree[0].freeInstallment[1]"
    assert nice.parse(NICE) == [
        *(Listed("06", "신한", months, 50_000, 99_999, LAST, first) for months in (2, 3)),
        *(Listed("06", "신한", months, 100_000, None, LAST, second) for months in (2, 3, 4)),
    ]


def test_kicc_list_has_no_dates_and_passes_over_cards_without_an_event():
    found = [(one.issuer, one.months, one.min_amount, one.ends_on) for one in kicc.parse(KICC)]
    assert found == [("026", 2, 50_000, None), ("026", 3, 50_000, None)] + [
        ("026", months, 100_000, None) for months in (4, 5, 6)
    ]


def test_kicc_months_named_twice_count_from_the_smaller_amount():
    list_ = json.dumps({"CardInfo": [{"CardCode": "1", "CardName": "x", "CardEvent": "10-2:3^5-3"}]})
    assert [(one.months, one.min_amount) for one in kicc.parse(list_)] == [(2, 100_000), (3, 50_000)]


@pytest.mark.parametrize("written", ["2026-12-31", "20261231", "2026-12-31T23:59:59", "2026-12-31T00:00:00+09:00"])
def test_days_are_read_as_written(written):
    assert toss.parse(TOSS.replace("2026-12-31", written))[0].ends_on == LAST


@pytest.mark.parametrize(
    ("parse", "content", "place"),
    [
        (toss.parse, TOSS.replace('"51"', "51"), "interestFreeCards[0].issuerCode"),
        (toss.parse, TOSS.replace("2026-12-31", "2026-12-32"), "interestFreeCards[0].dueDate"),
        (toss.parse, TOSS.replace("[6]", "[1]"), "interestFreeCards[1].installmentFreeMonths"),
        (toss.parse, TOSS.replace("[6]", "6"), "interestFreeCards[1].installmentFreeMonths"),
        (toss.parse, TOSS.replace("100000", "-1"), "interestFreeCards[1].minimumPaymentAmount"),
        (toss.parse, TOSS.replace("100000", "true"), "interestFreeCards[1].minimumPaymentAmount"),
        (nice.parse, TOSS, "interestFree:"),
        (nice.parse, NICE.replace("02:03:04", "02-03"), "interestFree[0].freeInstallment[1].installment"),
        (nice.parse, NICE.replace('"99999"', '"1e5"'), "interestFree[0].freeInstallment[0].maxAmt"),
        (nice.parse, '{"interestFree": [1]}', "interestFree[0]"),
        (kicc.parse, KICC.replace(KICC_EVENT, "5-2:3^10"), "CardInfo[0].CardEvent"),
        (kicc.parse, KICC.replace(KICC_EVENT, "5-2:99"), "CardInfo[0].CardEvent"),
        (toss.parse, "[]", "JSON"),
        (toss.parse, "", "JSON"),
    ],
)
def test_what_is_odd_is_named_with_its_place(parse, content, place):
    with pytest.raises(ListError) as error:
        parse(content)
    assert str(error.value).startswith(place)


NAMES = ["interestFreeCards", "issuerCode", "dueDate", "installmentFreeMonths", "minimumPaymentAmount"]
NAMES += ["interestFree", "cardCode", "freeInstallment", "minAmt", "maxAmt", "installment", "eventToDate"]
NAMES += ["CardInfo", "CardCode", "CardName", "CardEvent"]
_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
        )
    ),
    max_leaves=12,
)


@given(content=st.text() | _json.map(json.dumps))
def test_garbage_is_refused_or_read_but_never_breaks_a_parser(content):
    for parse in PARSERS:
        try:
            found = parse(content)
        except ListError:
            continue
        assert all(2 <= one.months <= 60 and one.min_amount >= 0 for one in found)


@given(event=st.text("0123456789-:^ ", max_size=20))
def test_garbage_in_an_event(event):
    try:
        found = kicc.bands(event)
    except ListError:
        return
    assert all(2 <= count <= 60 for _amount, months in found for count in months)
