"""How Stripe counts money: its minor units against ours."""

from babel.numbers import get_currency_precision, is_currency

ZERO_DECIMAL = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)


def factor_of(currency: str) -> int | None:
    """Return how many of Stripe's minor units are one of ours: 100 for ISK and UGX, else 1.

    None for what is no currency, and for currencies with three decimals: Stripe wants their last digit to be 0,
    and its own pages disagree about which they are.
    """
    if not is_currency(currency):
        return None
    stripes, ours = 0 if currency in ZERO_DECIMAL else 2, get_currency_precision(currency)
    return int(10 ** (stripes - ours)) if ours <= stripes else None
