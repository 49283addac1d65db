"""Which texts hold a card number: 14 to 19 digits, perhaps spaced, that begin like a card and pass Luhn."""

import pytest

from payments.cardlike import holds_card_number

CARDS = [
    "4242424242424242",  # Visa
    "5555555555554444",  # Mastercard
    "2223003122003222",  # Mastercard, second range
    "378282246310005",  # American Express, 15
    "30569309025904",  # Diners, 14
    "3566002020360505",  # JCB
    "6011111111111117",  # Discover
    "6200000000000005",  # UnionPay
    "6205500000000000004",  # UnionPay, 19
    "8171999900000018",  # UnionPay
    "9410000000000005",  # a Korean issuer
]


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize(
    "text", ["{}", "card {}", "카드번호:{}번", "order 5 {} 3", "({})", "no.1-{}-12/29", "12 34 {} 56 78"]
)
def test_card_numbers_are_seen(card, text):
    assert holds_card_number(text.format(card))


@pytest.mark.parametrize(
    "text",
    [
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "4242 - 4242 - 4242 - 4242",
        "3782 822463 10005",
        "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2",
        "4242\u00a04242\u00a04242\u00a04242",  # no-break spaces
        "4242–4242–4242–4242",
        "4242\t4242\n4242 4242",
        "４２４２ ４２４２ ４２４２ ４２４２",
        "４２４２－４２４２－４２４２－４２４２",
        "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
        "४२४२ ४२४२ ४२४२ ४२४२",
        "๔๒๔๒-๔๒๔๒-๔๒๔๒-๔๒๔๒",
        "010-1234-5678 4242 4242 4242 4242",
    ],
)
def test_spaces_and_hyphens_hide_nothing(text):
    assert holds_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "명함 200매",
        "4242424242424241",  # fails Luhn
        "1234567812345670",  # passes it, but no card begins so
        "0000000000000000",
        "4222222222222",  # 13 digits
        "42424242424242424242",  # 20 digits
        "010-1234-5678",
        "4242.4242.4242.4242",
        "4242,4242,4242,4242",
        "4242 4242 4242 x4242",
        "2026-11-21 12:30:45",
        "국민은행 110-123-456789",
        "A5 148x210 300g 4242",
    ],
)
def test_other_numbers_are_left_alone(text):
    assert not holds_card_number(text)


@pytest.mark.parametrize("digits", range(14, 20))
def test_every_length_counts(digits):
    """Of ten numbers that differ in the last digit exactly one passes Luhn."""
    assert sum(holds_card_number(f"4{'0' * (digits - 2)}{last}") for last in range(10)) == 1


def test_a_long_text_of_numbers_is_looked_through_at_once():
    assert not holds_card_number("1 " * 250)
