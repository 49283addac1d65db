"""NICE Payments' answer to GET /v1/card/interest-free: per card, months like "02:03:04" for bands of amounts."""

from collections.abc import Iterator
from typing import Any

from installments.importers import records
from installments.importers.records import Listed


def parse(content: str) -> list[Listed]:
    """Return the months of every card and band; amounts are won. Raises ListError."""
    found = []
    for place, card in records.entries(records.load(content), "interestFree"):
        issuer, name = records.word(card, "cardCode", place), str(card.get("cardName", ""))[:50]
        for inner, band in records.entries(card, "freeInstallment", place):
            found += _of_band(issuer, name, inner, band)
    return found


def _of_band(issuer: str, name: str, place: str, band: dict[str, Any]) -> Iterator[Listed]:
    smallest = records.amount(band, "minAmt", place) or 0
    largest = records.amount(band, "maxAmt", place)
    ends_on = records.day(band, "eventToDate", place)
    text = str(band.get("installment", ""))
    for count in sorted({records.month_count(one, f"{place}.installment") for one in text.split(":")}):
        yield Listed(issuer, name, count, smallest, largest, ends_on, place)
