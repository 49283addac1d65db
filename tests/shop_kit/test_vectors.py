"""Signatures: both kits against the same golden vectors, which other implementations have made."""

import json
from pathlib import Path

import pytest

from tests.factories import SIGNING_SECRET

VECTORS = json.loads((Path(__file__).resolve().parents[1] / "data" / "standard_webhooks.json").read_text())
SIGNED = {name: VECTORS[0][name] for name in ("id", "timestamp", "signature", "body")}
AT = SIGNED["timestamp"]
SECRET = VECTORS[0]["secret"]
OLD = VECTORS[0]["old_signature"]


def verify(kit, secrets=SECRET, now=AT, **changes):
    return kit.ask("verify", secrets=secrets, now=now, **{**SIGNED, **changes})


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_kit_signs_and_verifies_the_vector(kit, vector):
    told = {name: vector[name] for name in ("id", "timestamp", "body")}
    for secret, signature in ((vector["secret"], vector["signature"]), (vector["old_secret"], vector["old_signature"])):
        assert kit.ask("sign", secret=secret, **told) == {"signature": signature}
        assert kit.ask("verify", secrets=secret, now=vector["timestamp"], signature=signature, **told)["verified"]


@pytest.mark.parametrize("seconds", [-300, 300])
def test_300_seconds_are_in_time(kit, seconds):
    assert verify(kit, now=AT + seconds) == {"verified": True}


@pytest.mark.parametrize("signature", [f"{OLD} {SIGNED['signature']}", f"v1a,AAAA v1 {SIGNED['signature']} v1,"])
def test_one_of_several_signatures_is_enough(kit, signature):
    assert verify(kit, signature=signature) == {"verified": True}


def test_one_of_two_secrets_is_enough(kit):
    assert verify(kit, secrets=f"{SIGNING_SECRET} {SECRET}") == {"verified": True}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"now": AT + 301}, "signed more than 300 s"),
        ({"now": AT - 301}, "signed more than 300 s"),
        ({"secrets": SIGNING_SECRET}, "no signature fits"),
        ({"signature": OLD}, "no signature fits"),
        ({"signature": SIGNED["signature"].removeprefix("v1,")}, "no signature fits"),
        ({"signature": SIGNED["signature"].replace("v1,", "v1a,")}, "no signature fits"),
        ({"signature": SIGNED["signature"][:-1]}, "no signature fits"),
        ({"signature": SIGNED["signature"].lower()}, "no signature fits"),
        ({"signature": "v1,서명"}, "no signature fits"),
        ({"body": SIGNED["body"] + " "}, "no signature fits"),
        ({"id": SIGNED["id"] + "x"}, "no signature fits"),
        ({"timestamp": AT + 1}, "no signature fits"),
        ({"timestamp": f"{AT}.0"}, "is not a number"),
        ({"timestamp": f"+{AT}"}, "is not a number"),
        ({"timestamp": f" {AT}"}, "is not a number"),
        ({"timestamp": "٣"}, "is not a number"),
        ({"timestamp": "9" * 30}, "is not a number"),
        ({"timestamp": ""}, "is missing"),
        ({"id": ""}, "is missing"),
        ({"signature": ""}, "is missing"),
    ],
)
def test_what_does_not_fit_is_turned_away_with_a_reason(kit, changes, says):
    answer = verify(kit, **changes)
    assert answer["kind"] == "PgbSignature"
    assert says in answer["message"]


@pytest.mark.parametrize("secret", ["", "whsec_", "geheim", "whsec_c2hvcnQ=", "whsec_not base64!", "whsec_" + "A" * 88])
def test_a_secret_that_anybody_could_guess_is_refused_without_saying_it(kit, secret):
    answer = kit.ask("listen", secrets=secret)
    assert answer["kind"] == "Argument"
    assert "signing secret" in answer["message"]
    assert secret in ("", "whsec_") or secret not in answer["message"]
