"""Messages to the webhook's door: true ones as Stripe signs them, and every way in which one can be forged."""

import base64
import codecs
import hmac
import json
import re
import time
from dataclasses import dataclass, replace
from hashlib import md5, sha1, sha256, sha512
from pathlib import Path

from hypothesis import strategies as st

GOLDEN = json.loads((Path(__file__).resolve().parent.parent / "data" / "stripe.json").read_text())
BODIES = [one["payload"].encode() for one in GOLDEN if one["name"].startswith("E")]
GATEWAYS = ["inicis", "tosspayments", "bootpay", "portone_v1", "portone_v2", "nobody", "스트라이프"]


@dataclass(frozen=True)
class Message:
    """One request to the door."""

    path: str
    body: bytes
    signature: str
    method: str = "POST"


@dataclass(frozen=True)
class Endpoint:
    """A merchant's address and what signs there."""

    token: str
    secret: str

    @property
    def path(self):
        return f"/PGBReturn/Webhook/stripe/{self.token}"


def hexed(secret, body, at, algorithm=sha256):
    return hmac.new(secret.encode(), f"{at}.".encode() + body, algorithm).hexdigest()


def signed(endpoint, body, age=0):
    """The true message with this body, signed ``age`` seconds ago."""
    at = int(time.time()) - age
    return Message(endpoint.path, body, f"t={at},v1={hexed(endpoint.secret, body, at)}")


def is_true(message, mine):
    """Whether the signature is true all the same: made with the secret for these bytes, at the first time that is told.

    A little beyond 300 seconds it says neither yes nor no, for the clock goes on: it counts as true.
    """
    parts = [part.partition("=") for part in message.signature.split(",")]
    at = next((value for name, _, value in parts if name == "t"), "")
    if not re.fullmatch("[0-9]{1,19}", at) or abs(time.time() - int(at)) > 350:
        return False
    right = hexed(mine.secret, message.body, int(at))
    return any(name == "v1" and value == right for name, _, value in parts)


# --- the body changes, the signature stays -------------------------------------------------------


def _flip(draw, body):
    at = draw(st.integers(0, len(body) - 1))
    return body[:at] + bytes([body[at] ^ draw(st.integers(1, 255))]) + body[at + 1 :]


def _insert(draw, body):
    at = draw(st.integers(0, len(body)))
    return body[:at] + draw(st.binary(min_size=1, max_size=20)) + body[at:]


def _delete(draw, body):
    first = draw(st.integers(0, len(body) - 1))
    return body[:first] + body[first + draw(st.integers(1, 200)) :]


def _cut_off(draw, body):
    return body[: draw(st.integers(0, len(body) - 1))]


def _swap(draw, body):
    at, size = draw(st.integers(0, len(body) - 1)), draw(st.integers(1, 30))
    return body[:at] + body[at + size : at + 2 * size] + body[at : at + size] + body[at + 2 * size :]


def _surround(draw, body):
    before = draw(st.sampled_from([b"", b" ", b"\0", b"[", b'"', codecs.BOM_UTF8, body]))
    return before + body + draw(st.sampled_from([b"\n", b"\0", b"]", b'"', body]))


def _recode(draw, body):
    return body.decode().encode(draw(st.sampled_from(["utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-7", "cp037"])))


def _respell(draw, body):
    """The same JSON in other bytes."""
    spelling = {"indent": draw(st.none() | st.integers(0, 9)), "sort_keys": draw(st.booleans())}
    return json.dumps(json.loads(body), **spelling).encode()


def _repeat_key(draw, body):
    event = json.loads(body)
    name = draw(st.sampled_from(sorted(event)))
    value = draw(st.sampled_from([event[name], None, "", "evt_other", True, [], {}]))
    return f"{{{json.dumps(name)}: {json.dumps(value)}, ".encode() + body.lstrip()[1:]


def _set_field(draw, body):
    event = json.loads(body)
    place = draw(st.sampled_from([event, event["data"]["object"] if "data" in event else event]))
    name = draw(st.sampled_from(sorted(place)))
    place[name] = draw(st.none() | st.booleans() | st.integers() | st.text(max_size=30))
    return json.dumps(event).encode()


BYTES = st.sampled_from([_flip, _insert, _delete, _cut_off, _swap, _surround])
TEXTS = st.sampled_from([_recode, _respell, _repeat_key, _set_field])


@st.composite
def other_bytes(draw, mine, _other):
    """One or more changes of bytes."""
    true = signed(mine, draw(st.sampled_from(BODIES)))
    body = true.body
    for change in draw(st.lists(BYTES, min_size=1, max_size=3)):
        body = change(draw, body) if body else b"{}"
    return replace(true, body=body)


@st.composite
def other_words(draw, mine, _other):
    """Another event, or the same one written in another way."""
    true = signed(mine, draw(st.sampled_from(BODIES)))
    return replace(true, body=draw(TEXTS)(draw, true.body))


# --- the signature changes, the body stays -------------------------------------------------------


def _alike(secret, body, at):
    """What other ways of signing would make of it."""
    by_time = f"{at}.".encode() + body
    key = secret.encode()
    plain = [sha256(by_time), sha256(key + by_time), sha256(by_time + key), sha256(body)]
    return [
        *(hexed(secret, body, at, algorithm) for algorithm in (md5, sha1, sha512)),
        *(digest.hexdigest() for digest in plain),
        hmac.new(key, body, sha256).hexdigest(),
        hmac.new(key, body + f".{at}".encode(), sha256).hexdigest(),
        hmac.new(by_time, key, sha256).hexdigest(),
        base64.b64encode(hmac.digest(key, by_time, "sha256")).decode(),
        hexed(secret, body, at).upper(),
        hexed(secret, body, at)[:-1],
        hexed(secret, body, at) + "0",
        hexed(secret, body, at)[::-1],
        "",
    ]


@st.composite
def other_hex(draw, mine, _other):
    """Digits of the true signature flipped, or what another way of signing would make."""
    body, at = draw(st.sampled_from(BODIES)), int(time.time())
    right = hexed(mine.secret, body, at)
    places = draw(st.lists(st.integers(0, 63), min_size=1, max_size=4, unique=True))
    digits = [draw(st.sampled_from("0123456789abcdefABCDEFg é")) if n in places else d for n, d in enumerate(right)]
    wrong = draw(st.just("".join(digits)) | st.sampled_from(_alike(mine.secret, body, at)))
    return Message(mine.path, body, f"t={at},v1={wrong}")


@st.composite
def other_form(draw, mine, _other):
    """The true parts in a header of another form: the scheme, the separators, the order, too much or too little."""
    body, at = draw(st.sampled_from(BODIES)), int(time.time())
    right = hexed(mine.secret, body, at)
    scheme = draw(st.sampled_from(["v0", "v2", "V1", "v1 ", " v1", "v", "1", "v1v1", "v1=", "sha256", ""]))
    junk = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters=","), max_size=12)
    parts = [f"{scheme}={right}", *draw(st.lists(junk, max_size=2)), f"v1={'0' * 64}"]
    time_part = draw(st.sampled_from([f"t={at}", f"T={at}", f"t= {at}", f"t={at}.0", f"t:{at}", "t=", "t=now", ""]))
    joiner = draw(st.sampled_from([",", ";", " ", "&", ",,", ", "]))
    return Message(mine.path, body, joiner.join(draw(st.permutations([time_part, *parts]))))


@st.composite
def other_time(draw, mine, _other):
    """Another time beside the true signature, or a true signature of another hour."""
    true = signed(mine, draw(st.sampled_from(BODIES)))
    right = true.signature.partition("v1=")[2]
    shift = draw(st.integers(1, 10**6) | st.integers(-(10**6), -1))
    odd = st.sampled_from(["", "-1", "0", "now", "1e9", "٣", "9" * 30, "9" * 5000, "NaN", "\xb2"])
    at = draw(st.integers(-(10**12), 10**12).map(str) | odd | st.just(str(int(time.time()) + shift)))
    old_or_early = draw(st.integers(400, 10**9) | st.integers(-(10**9), -400))
    # The true time beside it, wherever it stands, does not help: the first one is the one that was signed.
    both = f"t={at},t={int(time.time())},v1={right}"
    forged = [replace(true, signature=f"t={at},v1={right}"), replace(true, signature=both)]
    return draw(st.sampled_from(forged) | st.just(signed(mine, true.body, age=old_or_early)))


@st.composite
def other_secret(draw, mine, other):
    """Signed in the right way with what is not the secret."""
    near = [other.secret, "", mine.secret + " ", mine.secret[:-1], mine.secret.upper(), mine.secret[::-1], mine.token]
    near += [mine.secret.removeprefix("whsec_"), base64.b64encode(mine.secret.encode()).decode()]
    secrets = draw(st.lists(st.sampled_from(near) | st.text(max_size=40), min_size=1, max_size=5))
    body, at = draw(st.sampled_from(BODIES)), int(time.time())
    made = [hexed(secret, body, at) for secret in secrets if secret != mine.secret]
    return Message(mine.path, body, ",".join([f"t={at}", *(f"v1={one}" for one in made)]))


# --- true, and brought to the wrong place --------------------------------------------------------


@st.composite
def other_door(draw, mine, other):
    """The true message at somebody else's address, at none, or in another method."""
    true = signed(mine, draw(st.sampled_from(BODIES)))
    if draw(st.booleans()):
        methods = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "POSTS", "X"]
        return replace(true, method=draw(st.sampled_from(methods)))
    letters = list(mine.token)
    at = draw(st.integers(0, len(letters) - 1))
    letters[at] = draw(st.sampled_from(["", letters[at].swapcase(), letters[at] * 2, "-", "_", "A", "0", " ", "결"]))
    token = draw(st.sampled_from([other.token, "".join(letters), mine.token[:at], mine.token * 9, mine.secret]))
    gateway = draw(st.sampled_from(["stripe", "stripe", *GATEWAYS])) if token != mine.token else "portone_v1"
    return replace(true, path=f"/PGBReturn/Webhook/{gateway}/{token}")


FORGERIES = {
    other_bytes: 3000,
    other_words: 1500,
    other_hex: 1500,
    other_form: 1200,
    other_time: 1200,
    other_secret: 1000,
    other_door: 600,
}
