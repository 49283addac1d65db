"""Amounts of money: integers in the currency's minor unit, beside an ISO 4217 code.

KRW and JPY have no decimals, so 64900 KRW is the integer 64900; 10.50 USD is 1050.
"""

import re
from decimal import Decimal

from babel.numbers import format_currency, get_currency_precision, is_currency

MAX_DIGITS = 15

_PRICE = re.compile(r"(?P<whole>[0-9]+)(?:\.(?P<fraction>[0-9]+))?")


class BadAmount(ValueError):
    """The text is not an amount of this currency; the message says what would be."""


def digits_of(currency: str) -> int:
    """Return how many decimals the ISO 4217 ``currency`` has. Raises BadAmount for an unknown one."""
    if not is_currency(currency):
        raise BadAmount(f"{currency!r} is not an ISO 4217 currency")
    return get_currency_precision(currency)


def parse(price: str | int, currency: str) -> int:
    """Return ``price`` in minor units of ``currency``.

    A fraction of zeros counts as none, for .NET prints decimals as "64900.0000". Anything else that
    is not plain ASCII digits is refused: signs, exponents, group separators, floats, surplus decimals.
    """
    if isinstance(price, bool) or not isinstance(price, str | int):
        raise BadAmount('must be a whole JSON number or text such as "64900"')
    match = _PRICE.fullmatch(str(price))
    if match is None:
        raise BadAmount('must be digits only, such as "64900" (no sign, separator or exponent)')
    digits = digits_of(currency)
    fraction = (match["fraction"] or "").rstrip("0")
    if len(fraction) > digits:
        raise BadAmount(f"{currency} has {digits} decimals")
    minor = match["whole"] + fraction.ljust(digits, "0")
    if len(minor) > MAX_DIGITS:
        raise BadAmount(f"has more than {MAX_DIGITS} digits")
    return int(minor)


def to_text(amount: int, currency: str) -> str:
    """Return ``amount`` (minor units) as the plain text of the interface: 64900 KRW is "64900"."""
    return str(Decimal(amount).scaleb(-digits_of(currency)))


def display(amount: int, currency: str, locale: str = "ko") -> str:
    """Return ``amount`` (minor units) as a person reads it: "₩64,900"."""
    return format_currency(Decimal(amount).scaleb(-digits_of(currency)), currency, locale=locale)
