"""What staff may see of a person: enough to recognise a caller, not enough to write it down."""

import re
from collections.abc import Mapping

_EMAIL = re.compile(r"[\w.+%-]+@[\w.-]+\.\w{2,}")
# Hangul may stand right beside a number: 010-1234-5678로.
_PHONE = re.compile(r"(?<![A-Za-z0-9_-])(?:\+\d{1,3}[ -]?\d{1,3}|0\d{1,2})[ -]?\d{3,4}[ -]?\d{4}(?![A-Za-z0-9_-])")
_RESIDENT = re.compile(r"(?<![A-Za-z0-9_-])\d{6}-\d{7}(?![A-Za-z0-9_-])")
_CARD = re.compile(r"(?<![A-Za-z0-9_-])\d(?:[ -]?\d){12,18}(?![A-Za-z0-9_-])")


def buyer(data: Mapping[str, str]) -> dict[str, str]:
    """Return the buyer's data as staff may see them; what is of no known kind is hidden whole."""
    return {key: _MASKS.get(key, _hidden)(str(value)) for key, value in data.items() if value}


def text(words: str) -> str:
    """Return what a gateway or a shop wrote, without the addresses and numbers of persons in it."""
    words = _EMAIL.sub(lambda found: email(found[0]), words)
    words = _RESIDENT.sub(lambda found: f"{found[0][:2]}****-*******", words)
    words = _CARD.sub(lambda found: f"****{found[0][-4:]}", words)
    return _PHONE.sub(lambda found: phone(found[0]), words)


def names_a_person(words: str) -> bool:
    """Whether there is an address, a phone number or a resident number in what somebody wrote."""
    return any(kind.search(words) for kind in (_EMAIL, _PHONE, _RESIDENT))


def name(full: str) -> str:
    """홍길동 -> 홍*동, 홍길 -> 홍*, John Smith -> J***h."""
    full = full.strip()
    if len(full) < 3:
        return full[:1] + "*"
    return full[0] + "*" * min(len(full) - 2, 3) + full[-1]


def phone(number: str) -> str:
    """010-9876-1234 -> 010-****-1234."""
    digits = re.sub(r"\D", "", number)
    return f"{digits[:3]}-****-{digits[-4:]}" if len(digits) >= 9 else "****"


def email(address: str) -> str:
    """hong@example.com -> h***@example.com."""
    local, at, domain = address.strip().partition("@")
    return f"{local[:1]}***@{domain}" if at else "****"


def _hidden(value: str) -> str:
    return "****"


_MASKS = {"name": name, "tel": phone, "email": email}
