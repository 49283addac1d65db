"""What is wrong with a provision file, in the words of somebody who reads a terminal."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from django.core.exceptions import ValidationError


class ProvisionError(Exception):
    """The file cannot be used; nothing was changed. One line for each problem, without secrets."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class WrongValue(Exception):
    """A value that cannot stand where it stands; ``at`` leads to a part of it, such as ``[1]``."""

    def __init__(self, message: str, at: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.at = at


# The same rules speak Korean in the admin.
_ENGLISH = {
    "name": "only letters, digits, '-' and '_' may be used",
    "nation": "unknown nation: use an ISO 3166 code of two capital letters, such as KR",
    "currency": "unknown currency: use an ISO 4217 code of three capital letters, such as KRW",
    "url": "must be an absolute https:// address without user or fragment",
    "plain_http": "plain http is for loopback only: use https://",
    "private_address": "must not be a private address",
    "redirect_host": "must be a host in lower case, without scheme or path, such as shop.example",
    "signing_secret": "must be 'whsec_' and the base64 of 24 to 64 bytes",
    "api_key": "must have 16 to 200 letters, digits or signs, without spaces",
    "webhook_token": "must have 8 to 64 letters, digits, '-' or '_'",
    "publishable_key": "must be 'pgb_pub_' and 16 to 56 letters, digits, '-' or '_'",
    "fixed_once_used": "payments were made with this merchant: its %(names)s cannot change; add another one",
    "merchant_mid": "another merchant has the same gateway, mid, mode and currency",
    "unique": "another one has the same value",
    "sub_method": "a sub method never goes to a gateway",
    "no_gateway": "PGB cannot talk to the gateway %(code)s yet: only with `connected: false`",
    "no_shop": "no shop of this db_type and joiner_id serves this nation",
    "merchant_currency": "the merchant's currency is %(merchant)s, the shop's is %(shop)s",
    "shop_currency": "%(connection)s is connected to a merchant in %(currency)s: switch it off first",
    "connection_unfit": "%(connection)s uses this merchant, which would not fit: switch it off first",
    "joiner": "a joiner_id needs a db_type",
    "amounts": "max_amount must not be below min_amount",
    "overlap": "another connection of the same key and priority is in use: its period and amounts overlap",
    "period": "ends_at must be after starts_at",
}


def in_english(error: ValidationError) -> str:
    """Return what a rule says; Django's own rules say it themselves."""
    text = _ENGLISH.get(error.code or "")
    return text % (error.params or {}) if text else " ".join(error.messages)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint at the nearest known word, or at all of them."""
    words = sorted(known)
    near = get_close_matches(word, words, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(words)}"
