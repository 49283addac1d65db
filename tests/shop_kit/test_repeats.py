"""What both kits repeat, when, with which bytes; and what they make of each answer. Against a stand-in for PGB."""

import importlib

import pytest

from tests.factories import SIGNING_SECRET
from tests.shop_kit.kit import CANCEL, CUT, KIT, LATE, ORDER, START, said, stand_in

PAGE = said(Type="Redirect", RedirectUrl="https://pay.example/1", PaymentId="01K", Stage="STANDBY", Balance="0")
DONE = said(Type="Done", CancelId="C1", Balance="0")
STATUS = said(Type="Done", Stage="PAID")
PROXY = (502, b"<html>Bad Gateway</html>", {})
CONNECTED = (200, b'{"connected": true, "in_use": true}', {})
CALLS = {
    "PayStart": (START, PAGE),
    "PayStatus": (ORDER, STATUS),
    "PartialCancel": ({**CANCEL, "RefundPrice": "900"}, DONE),
    "FullCancel": (CANCEL, DONE),
    "IsIntegrationTarget": ({"DBType": "KR1", "JoinerId": 1001, "NationCode": "KR", "PayType": "CARD"}, CONNECTED),
}
WITH_EFFECT = ["PayStart", "PartialCancel", "FullCancel"]


def make(kit, name, **changes):
    return kit.call(name, **{**CALLS[name][0], **changes})


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    "answer",
    [
        CUT,
        PROXY,
        (200, b"<html>maintenance</html>", {}),
        (200, b'{"IsSuccess": tru', {}),
        said("UNAVAILABLE", 503, {"Retry-After": "1"}),
        said("THROTTLED", 429),
        (429, b"slow down", {}),
    ],
    ids=["cut", "proxy", "html", "half", "unavailable", "throttled", "throttled by a proxy"],
)
def test_every_call_is_repeated_with_the_same_bytes(kit, pgb, name, answer):
    pgb.answer(answer, CALLS[name][1])
    assert "kind" not in make(kit, name)
    first, second = pgb.sent
    assert (first.path, first.body) == (second.path, second.body)


@pytest.mark.parametrize("code", ["PAYMENT_IN_PROGRESS", "OUTCOME_UNKNOWN"])
def test_a_start_under_way_is_repeated_until_its_page_is_there(kit, pgb, code):
    pending = said(code, Type="Pending")
    pgb.answer(pending, pending, pending, pending, PAGE)
    assert make(kit, "PayStart")["url"] == "https://pay.example/1"
    assert len({one.body for one in pgb.sent}) == 1
    assert len(pgb.sent) == 5


def test_the_pause_before_a_repeat_is_two_seconds_unless_said_otherwise(kit, pgb):
    kit.at(pgb.url)
    pgb.answer(said("PAYMENT_IN_PROGRESS", Type="Pending"), PAGE)
    assert make(kit, "PayStart")["type"] == "Redirect"
    first, second = pgb.sent
    assert second.at - first.at >= 1.99


def test_the_pause_is_the_one_that_pgb_names(kit, pgb):
    pgb.answer(said("UNAVAILABLE", 503, {"Retry-After": "1"}), STATUS)
    make(kit, "PayStatus")
    first, second = pgb.sent
    assert second.at - first.at >= 0.99


def test_a_shorter_pause_than_the_kits_own_is_not_believed(kit, pgb):
    """A proxy's "Retry-After: 0" would make a storm."""
    kit.at(pgb.url, timeout=5, patience=10, repeat_after=0.5)
    pgb.answer((429, b"slow down", {"Retry-After": "0"}), STATUS)
    make(kit, "PayStatus")
    first, second = pgb.sent
    assert second.at - first.at >= 0.49


def test_a_pause_that_is_longer_than_the_patience_is_not_waited_for(kit, pgb):
    pgb.answer(said("THROTTLED", 429, {"Retry-After": "59"}))
    assert make(kit, "PayStart")["kind"] == "PgbUnavailable"
    assert len(pgb.sent) == 1


@pytest.mark.parametrize("name", CALLS)
def test_a_late_answer_is_not_waited_for(kit, pgb, name):
    kit.at(pgb.url, timeout=0.3, patience=0, repeat_after=0.01)
    pgb.answer(LATE)
    answer = make(kit, name)
    assert answer["kind"] == ("PgbInDoubt" if name in WITH_EFFECT else "PgbUnavailable")
    assert answer["status"] == 0


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("answer", [CUT, PROXY], ids=["cut", "proxy"])
def test_after_three_lost_answers_what_has_effect_is_in_doubt(kit, pgb, name, answer):
    pgb.answer(answer)
    got = make(kit, name)
    assert got["kind"] == ("PgbInDoubt" if name in WITH_EFFECT else "PgbUnavailable")
    assert ("it is not known whether it happened: ask with" in got["message"]) == (name in WITH_EFFECT)
    assert len(pgb.sent) == 3


@pytest.mark.parametrize("name", WITH_EFFECT)
def test_a_lost_answer_stays_in_doubt_though_a_later_try_was_turned_away(kit, pgb, name):
    pgb.answer(CUT, said("UNAVAILABLE", 503, {"Retry-After": "59"}))
    assert make(kit, name)["kind"] == "PgbInDoubt"


@pytest.mark.parametrize("name", WITH_EFFECT)
def test_the_worst_that_is_said_counts_and_a_decision_ends_it(kit, pgb, name):
    pgb.answer(CUT, said("GATEWAY_UNREACHABLE"))
    assert make(kit, name)["kind"] == "PgbUnavailable"
    pgb.answer(CUT, said("GATEWAY_REFUSED"))
    assert make(kit, name)["kind"] == "PgbRefused"


@pytest.mark.parametrize(
    ("name", "answer", "kind"),
    [
        ("PartialCancel", said("OUTCOME_UNKNOWN"), "PgbInDoubt"),
        ("FullCancel", said("OUTCOME_UNKNOWN"), "PgbInDoubt"),
        ("PartialCancel", said("PAYMENT_IN_PROGRESS"), "PgbInDoubt"),
        ("PartialCancel", said("CANCEL_IN_PROGRESS"), "PgbRefused"),
        ("PartialCancel", said("REPEAT_OR_NEW", CancelId="C1"), "PgbRefused"),
        ("PartialCancel", said("OVER_REFUND"), "PgbRefused"),
        ("FullCancel", said("NOT_CANCELLABLE"), "PgbRefused"),
        ("FullCancel", said("NOT_PAID"), "PgbRefused"),
        ("PayStart", said("IN_REVIEW"), "PgbRefused"),
        ("PayStart", said("INTERNAL", 500), "PgbInDoubt"),
        ("PayStatus", said("INTERNAL", 500), "PgbUnavailable"),
        ("PayStart", said("GATEWAY_UNREACHABLE"), "PgbUnavailable"),
        ("PayStart", said("INVALID_REQUEST", 413), "PgbSetup"),
        ("PayStart", (302, b"", {"Location": "/elsewhere"}), "PgbSetup"),
        ("PayStart", (404, b"not found", {}), "PgbSetup"),
        ("IsIntegrationTarget", (401, b'{"detail": "no"}', {}), "PgbSetup"),
        ("PayStart", said(Type="Redirect"), "PgbInDoubt"),
        ("PayStart", (200, b'{"RedirectUrl": "https://pay.example/1"}', {}), "PgbInDoubt"),
        ("PayStart", (201, PAGE[1], {}), "PgbInDoubt"),
        ("IsIntegrationTarget", (200, b'{"connected": true}', {}), "PgbUnavailable"),
        ("IsIntegrationTarget", said(), "PgbUnavailable"),
    ],
)
def test_an_answer_that_decides_is_not_asked_for_again(kit, pgb, name, answer, kind):
    pgb.answer(answer)
    assert make(kit, name)["kind"] == kind
    assert len(pgb.sent) == 1


def test_a_code_that_the_kit_does_not_know_is_a_refusal(kit, pgb):
    pgb.answer(said("SOMETHING_NEW", Balance="100"))
    answer = make(kit, "PayStart")
    assert (answer["kind"], answer["code"], answer["balance"]) == ("PgbRefused", "SOMETHING_NEW", "100")


def test_a_signed_repeat_has_the_same_id(kit, pgb):
    kit.at(pgb.url, secret=SIGNING_SECRET, timeout=5, patience=10, repeat_after=0.01)
    pgb.answer(CUT, PAGE)
    make(kit, "PayStart")
    first, second = pgb.sent
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert "authorization" not in first.headers


def test_two_starts_have_two_ids(kit, pgb):
    kit.at(pgb.url, secret=SIGNING_SECRET, timeout=5, patience=10, repeat_after=0.01)
    pgb.answer(PAGE)
    make(kit, "PayStart")
    make(kit, "PayStart")
    assert len({one.headers["webhook-id"] for one in pgb.sent}) == 2


def test_a_machines_netrc_does_not_replace_the_key(tmp_path, monkeypatch):
    """`requests` reads that file of its own accord."""
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("default login somebody password else")
    monkeypatch.syspath_prepend(str(KIT))
    with stand_in() as pgb:
        pgb.answer(STATUS)
        importlib.import_module("pgb_client").PgbClient(pgb.url, api_key="the-key").pay_status(**ORDER)
    assert pgb.sent[0].headers["authorization"] == "Bearer the-key"


@pytest.mark.parametrize("url", ["http://pgb.example", "pgb.example", "ftp://pgb.example", "https://", ""])
def test_a_key_is_never_sent_in_the_clear(kit, url):
    kit.at(url)
    assert kit.call("PayStatus", **ORDER)["kind"] == "Argument"


@pytest.mark.parametrize("proof", [{"key": ""}, {"secret": SIGNING_SECRET, "key": "both"}, {"secret": "whsec_"}])
def test_one_good_proof_is_needed(kit, proof):
    kit.at("http://127.0.0.1:9", **proof)
    assert kit.call("PayStatus", **ORDER)["kind"] == "Argument"
