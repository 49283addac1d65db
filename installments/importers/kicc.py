"""KICC's answer about card events: CardInfo with a CardEvent each, like "5-2:3^10-4:5:6". It has no dates.

Bands are parted by ^, each is a smallest amount in units of 10,000 won, a hyphen, and the months parted by colons:
here 2 and 3 months from 50,000 won on, and 4, 5 and 6 months from 100,000 won on.
"""

import re

from installments.importers import records
from installments.importers.records import Listed, ListError

UNIT = 10_000
_BAND = re.compile(r"([0-9]{1,8})-([0-9]{1,2}(?::[0-9]{1,2})*)")


def bands(event: str, place: str = "CardEvent") -> list[tuple[int, list[int]]]:
    """Return each smallest amount in won with its months. Raises ListError."""
    found = []
    for text in event.strip().split("^"):
        match = _BAND.fullmatch(text.strip())
        if match is None:
            raise ListError(place, f'"5-2:3^10-4:5:6" ≠ "{event[:40]}"')
        months = sorted({records.month_count(one, place) for one in match[2].split(":")})
        found.append((int(match[1]) * UNIT, months))
    return found


def parse(content: str) -> list[Listed]:
    """Return the months of every card that has an event. Raises ListError."""
    found = []
    for place, card in records.entries(records.load(content), "CardInfo"):
        event = card.get("CardEvent")
        if event in (None, "", "0"):
            continue
        issuer, name = records.word(card, "CardCode", place), str(card.get("CardName", ""))[:50]
        smallest: dict[int, int] = {}  # a month named again from a larger amount on says nothing new
        for amount, months in sorted(bands(str(event), f"{place}.CardEvent")):
            for count in months:
                smallest.setdefault(count, amount)
        found += [Listed(issuer, name, count, smallest[count], None, None, place) for count in sorted(smallest)]
    return found
