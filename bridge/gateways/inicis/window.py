"""INIpay Standard, the window on PC: what the form holds that ``INIStdPay.pay`` sends, and how it is proven."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

SCRIPTS = {
    True: "https://stdpay.inicis.com/stdjs/INIStdPay.js",
    False: "https://stgstdpay.inicis.com/stdjs/INIStdPay.js",
}
# Only words that are known for sure: a wrong one would open a window that offers everything.
METHODS = {"CARD": "Card", "BANK": "DirectBank", "VBANK": "VBank", "MOBILE": "HPP", "KAKAOPAY": "onlykakaopay"}
SMALLEST_INSTALMENT = 50_000  # won: below it instalment parameters must not be sent
MONTHS = range(2, 13)

_GOODS_BYTES, _NAME_BYTES = 40, 30
_SEOUL = ZoneInfo("Asia/Seoul")


@dataclass(frozen=True, slots=True)
class Window:
    """One attempt to pay, as the window shows it. ``price`` in won; ``expires_at``: a deposit's deadline.

    ``interest_free``: for each card, by Inicis's number, the months whose interest the shop bears.
    """

    mid: str
    oid: str
    price: int
    method: str
    goods: str
    buyer: Mapping[str, str]
    return_url: str
    expires_at: datetime
    interest_free: Mapping[str, Iterable[int]]


def parameters(window: Window, sign_key: str, at: datetime) -> dict[str, str]:
    """Return the fields of the form. The sign key itself is not among them."""
    timestamp = str(int(at.timestamp() * 1000))
    proven = {"oid": window.oid, "price": str(window.price), "timestamp": timestamp}
    return {
        "version": "1.0",
        "mid": window.mid,
        **proven,
        "use_chkfake": "Y",
        "signature": _hash(proven),
        "verification": _hash({**proven, "signKey": sign_key}),
        "mKey": sha256(sign_key.encode()).hexdigest(),
        "currency": "WON",
        "goodname": cut(window.goods, _GOODS_BYTES),
        "buyername": cut(window.buyer["name"], _NAME_BYTES),
        "buyertel": re.sub(r"[^0-9-]", "", window.buyer["tel"]),
        "buyeremail": window.buyer["email"],
        "returnUrl": window.return_url,
        "gopaymethod": METHODS[window.method],
        "acceptmethod": _options(window),
        "charset": "UTF-8",
        **_instalments(window),
    }


def _hash(values: Mapping[str, str]) -> str:
    """SHA-256 over the values as they are, their keys in alphabetical order."""
    return sha256("&".join(f"{key}={values[key]}" for key in sorted(values)).encode()).hexdigest()


def _options(window: Window) -> str:
    options = ["below1000", "centerCd(Y)"]  # without centerCd the answer does not say which host may approve
    if window.method == "MOBILE":
        options.append("HPP(2)")  # goods, not content
    if window.method == "VBANK":
        options.append(f"vbank({window.expires_at.astimezone(_SEOUL):%Y%m%d%H%M})")
    return ":".join(options)


def _instalments(window: Window) -> dict[str, str]:
    free = {card: sorted(set(months)) for card, months in window.interest_free.items()}
    if window.method != "CARD" or window.price < SMALLEST_INSTALMENT or not free:
        return {}
    offered = sorted({*MONTHS, *(month for months in free.values() for month in months)})
    return {
        "quotabase": _months(offered),
        "nointerest": ",".join(f"{card}-{_months(months)}" for card, months in free.items()),
    }


def _months(months: Iterable[int]) -> str:
    return ":".join(map(str, months))


def cut(text: str, most: int) -> str:
    """Return the text in at most ``most`` bytes of UTF-8, with dots where it was cut."""
    data = text.encode()
    if len(data) <= most:
        return text
    return data[: most - 3].decode(errors="ignore") + "..."
