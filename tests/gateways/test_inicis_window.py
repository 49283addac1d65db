"""The window's formulas against the vectors that Inicis publishes, and the fields against its manual."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.gateways.inicis.window import METHODS, Window, cut, parameters

SIGN_KEY = "SU5JTElURV9UUklQTEVERVNfS0VZU1RS"  # Inicis publishes it, with the MID INIpayTest, for everybody's tests
WINDOW = Window(
    mid="INIpayTest",
    oid="INIpayTest_1635324298897",
    price=1000,
    method="CARD",
    goods="명함 200매",
    buyer={"name": "홍길동", "tel": "010-1234-5678", "email": "buyer@example.com"},
    return_url="https://shop.example/return",
    expires_at=datetime(2026, 12, 31, 14, 59, tzinfo=UTC),
    interest_free={},
)


def at(milliseconds):
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)


@pytest.mark.parametrize(
    ("milliseconds", "signature", "verification"),
    [
        (
            1635324298897,
            "9557a0f7a117f19cf1853d9bcc94ace5873eef195f839d1e2c76ed7b841e50c5",
            "d2290155eebdae50893836d7e6b8d3650b5e066dfafd49a46a629da3e6e59e38",
        ),
        (
            1628840602127,
            "162868db635c605a7f4d4876ba650ba97f28e95b8702e9b29f922cc969678993",
            "92f5aaa6f8769711e8de99273137fc77c431ded337341edf465c9dfe7ec4d3a5",
        ),
    ],
)
def test_the_proofs_are_those_of_the_published_vectors(milliseconds, signature, verification):
    fields = parameters(replace(WINDOW, oid=f"INIpayTest_{milliseconds}"), SIGN_KEY, at(milliseconds))
    assert fields["timestamp"] == str(milliseconds)
    assert (fields["signature"], fields["verification"]) == (signature, verification)
    assert fields["mKey"] == "3a9503069192f207491d4b19bd743fc249a761ed94246c8c42fed06c3cd15a33"
    assert fields["use_chkfake"] == "Y"


def test_the_timestamp_is_exact_whatever_the_millisecond():
    for milliseconds in range(1795312800000, 1795312802000):
        assert parameters(WINDOW, SIGN_KEY, at(milliseconds))["timestamp"] == str(milliseconds)


def fields(**changes):
    return parameters(replace(WINDOW, **changes), SIGN_KEY, at(1635324298897))


def test_the_form_holds_what_the_manual_wants_and_never_the_key():
    form = fields()
    assert SIGN_KEY not in str(form)
    assert {name: form[name] for name in ("version", "mid", "oid", "price", "currency", "charset", "returnUrl")} == {
        "version": "1.0",
        "mid": "INIpayTest",
        "oid": "INIpayTest_1635324298897",
        "price": "1000",
        "currency": "WON",
        "charset": "UTF-8",
        "returnUrl": "https://shop.example/return",
    }
    assert all(isinstance(value, str) for value in form.values())


def test_the_buyers_phone_is_digits_and_hyphens():
    assert fields(buyer={**WINDOW.buyer, "tel": "+82 (10) 1234-5678"})["buyertel"] == "82101234-5678"


@pytest.mark.parametrize(
    ("method", "word", "options"),
    [
        ("CARD", "Card", "below1000:centerCd(Y)"),
        ("BANK", "DirectBank", "below1000:centerCd(Y)"),
        ("VBANK", "VBank", "below1000:centerCd(Y):vbank(202612312359)"),
        ("MOBILE", "HPP", "below1000:centerCd(Y):HPP(2)"),
        ("KAKAOPAY", "onlykakaopay", "below1000:centerCd(Y)"),
    ],
)
def test_each_method_has_its_word_and_its_options(method, word, options):
    form = fields(method=method)
    assert (form["gopaymethod"], form["acceptmethod"]) == (word, options)
    assert set(METHODS) == {"CARD", "BANK", "VBANK", "MOBILE", "KAKAOPAY"}


FREE = {"11": [3, 2], "34": [5, 12]}


def test_interest_free_months_are_written_as_inicis_reads_them():
    form = fields(price=50_000, interest_free=FREE)
    assert form["nointerest"] == "11-2:3,34-5:12"
    assert form["quotabase"] == "2:3:4:5:6:7:8:9:10:11:12"


def test_a_month_beyond_the_usual_ones_is_offered_too():
    assert fields(price=50_000, interest_free={"12": [24]})["quotabase"].endswith(":11:12:24")


@pytest.mark.parametrize(
    "changes", [{"price": 49_999, "interest_free": FREE}, {"price": 50_000}, {"method": "BANK", "interest_free": FREE}]
)
def test_without_them_below_50000_or_without_a_card_nothing_is_said_of_instalments(changes):
    assert not {"nointerest", "quotabase"} & set(fields(**{"price": 50_000, **changes}))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a" * 40, "a" * 40), ("a" * 41, "a" * 37 + "..."), ("가" * 13 + "a", "가" * 13 + "a"),
        ("가" * 14, "가" * 12 + "..."), ("", ""),
    ],
)  # fmt: skip
def test_a_name_is_cut_to_bytes_and_never_in_a_letter(text, shown):
    assert cut(text, 40) == shown == fields(goods=text)["goodname"]
    assert len(shown.encode()) <= 40
