"""Card numbers must not come in: a text that holds one is refused before it is stored or logged.

Only texts that people write are looked at: ids, account numbers and addresses may look like cards.
"""

import re
import unicodedata
from itertools import accumulate

_GAP = r"[\s\-\u2010-\u2015\u2212]{1,3}"  # spaces, hyphens and what a word processor makes of them
_RUN = re.compile(rf"[0-9]+(?:{_GAP}[0-9]+)*")
# First digits of the card schemes met here: Visa, Mastercard, Amex, Diners, JCB, Discover, UnionPay, Korea's own.
_SCHEMES = re.compile(r"4|5[0-9]|2(?:2[2-9]|[3-6]|7[01]|720)|3[0-9]|6[0-9]|81|9[0-9]")
_LENGTHS = range(14, 20)


def holds_card_number(text: str) -> bool:
    """Say whether ``text`` has 14 to 19 digits, spaced or hyphenated or not, that could be a card number."""
    plain = "".join(map(_in_our_digits, unicodedata.normalize("NFKC", text)))
    return any(_hides_card(re.split(_GAP, run)) for run in _RUN.findall(plain))


def _in_our_digits(character: str) -> str:
    """Arabic, Thai and Indian digits too, which NFKC leaves as they are."""
    return str(unicodedata.decimal(character, character))


def _hides_card(groups: list[str]) -> bool:
    """Look at every row of neighbouring groups: "no. 5 4111 1111 1111 1111" hides one behind the 5."""
    for first in range(len(groups)):
        for digits in accumulate(groups[first:]):
            if len(digits) > _LENGTHS[-1]:
                break
            if len(digits) in _LENGTHS and _SCHEMES.match(digits) and _luhn(digits):
                return True
    return False


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
