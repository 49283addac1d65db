"""Toss Payments' answer to GET /v1/promotions/card: interestFreeCards. dueDate counts until 23:59:59 of that day."""

from installments.importers import records
from installments.importers.records import Listed, ListError


def parse(content: str) -> list[Listed]:
    """Return what is free of interest; discounts and points in the same answer are passed over. Raises ListError."""
    found = []
    for place, card in records.entries(records.load(content), "interestFreeCards"):
        months = card.get("installmentFreeMonths")
        if not isinstance(months, list):
            raise ListError(f"{place}.installmentFreeMonths", "[2, 3, …]")
        issuer, name = records.word(card, "issuerCode", place), str(card.get("cardCompany", ""))[:50]
        smallest = records.amount(card, "minimumPaymentAmount", place) or 0
        ends_on = records.day(card, "dueDate", place)
        counts = [records.month_count(one, f"{place}.installmentFreeMonths") for one in months]
        found += [Listed(issuer, name, count, smallest, None, ends_on, place) for count in sorted(set(counts))]
    return found
