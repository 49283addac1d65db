"""Amounts: what is read is what is written, in every currency, and nothing doubtful is read at all."""

import re

import pytest
from babel.numbers import get_currency_precision, list_currencies
from hypothesis import assume, example, given
from hypothesis import strategies as st

from payments.money import MAX_DIGITS, BadAmount, digits_of, display, parse, to_text

CURRENCIES = st.sampled_from(sorted(list_currencies()))
MINOR_UNITS = st.integers(0, 10**MAX_DIGITS - 1)
DIGITS = "0123456789"
PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


@given(MINOR_UNITS, CURRENCIES)
def test_what_is_written_is_read_again(amount, currency):
    text = to_text(amount, currency)
    assert PLAIN.fullmatch(text)
    assert parse(text, currency) == amount


@given(MINOR_UNITS, CURRENCIES, st.integers(1, 30))
def test_a_fraction_of_zeros_counts_as_none(amount, currency, zeros):
    text = to_text(amount, currency)
    longer = text + ("" if "." in text else ".") + "0" * zeros
    assert parse(longer, currency) == amount


@given(st.integers(0, 10**10), CURRENCIES)
def test_a_whole_json_number_is_read_in_the_currencys_own_unit(whole, currency):
    assert parse(whole, currency) == parse(str(whole), currency) == whole * 10 ** get_currency_precision(currency)


@given(CURRENCIES, st.text(DIGITS, min_size=1, max_size=9), st.text(DIGITS, max_size=6), st.sampled_from(DIGITS[1:]))
def test_decimals_that_the_currency_does_not_have_are_refused(currency, whole, fraction, last):
    fraction += last
    assume(len(fraction) > digits_of(currency))
    with pytest.raises(BadAmount, match="decimals"):
        parse(f"{whole}.{fraction}", currency)


@given(CURRENCIES, st.text(DIGITS, min_size=MAX_DIGITS + 1, max_size=40))
def test_more_than_fifteen_digits_are_refused(currency, digits):
    with pytest.raises(BadAmount, match="15 digits"):
        parse(digits, currency)


@given(CURRENCIES, st.one_of(st.text(max_size=20), st.text("0123456789.,+-eE _٠١", max_size=8)))
@example("KRW", "")
def test_text_that_is_not_plain_ascii_digits_is_refused(currency, text):
    assume(not PLAIN.fullmatch(text))
    with pytest.raises(BadAmount, match="digits only"):
        parse(text, currency)


@pytest.mark.parametrize(
    "text",
    [
        *["1,000", "1 000", "1_000", "1'000", "+1", "-1", "--1", "1e3", "1E3", "0x10"],
        *["1.", ".5", ".", "1..0", "1.0.0", "1.0,0", "1,0", "1.-0"],
        *[" 1", "1 ", "1\n", "\n1", "1\0", "\ufeff1", "1\u200b", "₩1000", "1000원", "NaN", "Infinity", "1/2", "(1)"],
        *["١٠٠", "１００", "१००", "Ⅻ", "²", "1.٠", "1.０", "10．0"],
    ],
)
@pytest.mark.parametrize("currency", ["KRW", "USD"])
def test_each_known_trick_is_refused(text, currency):
    with pytest.raises(BadAmount):
        parse(text, currency)


@pytest.mark.parametrize("value", [64900.0, True, False, None, [], {}, b"64900", 1e3])
def test_only_text_and_whole_numbers_are_prices(value):
    with pytest.raises(BadAmount, match="whole JSON number"):
        parse(value, "KRW")


@pytest.mark.parametrize(
    ("price", "currency", "minor"),
    [
        ("64900.0000", "KRW", 64900),
        (64900, "KRW", 64900),
        (0, "KRW", 0),
        ("10.5", "USD", 1050),
        ("10.50", "USD", 1050),
        ("10.500", "USD", 1050),
        ("0.01", "USD", 1),
        ("007", "JPY", 7),
        ("1.234", "KWD", 1234),
        ("9" * MAX_DIGITS, "KRW", 10**MAX_DIGITS - 1),
    ],
)
def test_known_amounts(price, currency, minor):
    assert parse(price, currency) == minor


@pytest.mark.parametrize(
    ("price", "currency"),
    [(-1, "KRW"), (10**15, "KRW"), (10**14, "USD"), ("0" * 20, "KRW"), ("10.5", "KRW"), ("1.2345", "KWD")],
)
def test_amounts_out_of_range_are_refused(price, currency):
    with pytest.raises(BadAmount):
        parse(price, currency)


@given(st.text(max_size=5))
@example("krw")
@example("KRW ")
@example("")
def test_an_unknown_currency_is_refused(code):
    assume(code not in list_currencies())
    for use in (digits_of, lambda it: parse("1", it), lambda it: to_text(1, it)):
        with pytest.raises(BadAmount, match="ISO 4217"):
            use(code)


def test_a_person_reads_the_sign_of_the_currency():
    assert display(64900, "KRW") == "₩64,900"
    assert "10.50" in display(1050, "USD", "en")
