"""How a body is read: its size, its form, its keys. Nothing that is sent makes PGB fail."""

import json
from io import BytesIO
from urllib.parse import urlencode

import pytest
import structlog
from django.test import RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge import bodies, intake
from bridge.errors import ShopError
from tests.door import FIVE_KEYS, FORM, JSON, READ_WELL

CALLS = {"PayStart": READ_WELL, **dict.fromkeys(["PartialCancel", "FullCancel", "PayStatus"], "ORDER_NOT_FOUND")}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "neither a JSON object nor a form"),
        ("PayStart please", "neither a JSON object nor a form"),
        ('"text"', "neither a JSON object nor a form"),
        ("null", "neither a JSON object nor a form"),
        ('{"DBType": "KR1"', "not valid JSON (line 1, column 17)"),
        ("{'DBType': 'KR1'}", "not valid JSON"),
        ('{"DBType": "KR1"} {}', "not valid JSON"),
        ('[{"DBType": "KR1"}]', "JSON array: send one JSON object"),
        ("[" * 30_000, "nested too deep"),
        ('{"a":' * 10_000, "nested too deep"),
        ('{"OrderDescription": "명함"}'.encode("cp949"), "not UTF-8"),
        ('{"DBType": "KR1"}'.encode("utf-16"), "not UTF-8"),
    ],
)
def test_a_body_that_cannot_be_read_is_told_so(door, body, says):
    response = door.post(body)
    assert (response.status_code, response.json()["ErrorCode"]) == (400, "INVALID_REQUEST")
    assert says in response.json()["ErrorMessage"]


@pytest.mark.parametrize("size", [64 * 1024 + 1, 2 * 1024 * 1024])
def test_a_body_over_64_kb_is_413(door, size):
    response = door.post(b"x" * size)
    assert (response.status_code, response.json()["ErrorCode"]) == (413, "INVALID_REQUEST")
    assert "65536 bytes" in response.json()["ErrorMessage"]


def test_a_body_of_64_kb_is_read(door):
    room = 64 * 1024 - len(json.dumps(door.order(Padding="")))
    assert door.start(Padding="x" * room)["ErrorCode"] == READ_WELL


def test_the_size_is_looked_at_before_the_key(door):
    assert door.post(b"x" * 65_537, Authorization="Bearer wrong").status_code == 413


class Stream(BytesIO):
    """What a web server hands on for a body in chunks; remembers how much was asked of it."""

    asked = 0

    def read(self, size=-1):
        self.asked += size
        return super().read(size)


def chunked(body, **meta):
    meta = {"wsgi.input": Stream(body), "HTTP_TRANSFER_ENCODING": "chunked", **meta}
    return RequestFactory().generic("POST", "/PGB/PayStart", **meta)


def test_a_body_in_chunks_is_read_to_its_end():
    assert bodies.read(chunked(b"x" * 100, **{"wsgi.input_terminated": True}), 100) == b"x" * 100


def test_of_a_body_in_chunks_no_more_is_read_than_is_allowed():
    request = chunked(b"x" * 1000, **{"wsgi.input_terminated": True})
    with pytest.raises(bodies.TooLarge):
        bodies.read(request, 100)
    assert request.META["wsgi.input"].asked == 101


def test_chunks_are_refused_where_the_server_cannot_tell_their_end():
    with pytest.raises(ShopError, match="send it again"):
        intake.read_body(chunked(b"{}"))


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("kind", [JSON, "application/json; charset=utf-8", "text/json", "text/plain", FORM])
def test_json_is_read_whatever_its_content_type_says(door, bom, kind):
    body = bom + json.dumps(door.order(), ensure_ascii=False)
    assert door.post(body.encode(), kind=kind).json()["ErrorCode"] == READ_WELL


FORM_BODY = (
    "DBType=KR1&OrderId=1&JoinerId=1001&PayType=CARD&TotalPrice=64900.0000&NationCode=KR"
    "&OrderDescription=%EB%AA%85%ED%95%A8+200%EB%A7%A4&RedirectUrl=https%3A%2F%2Fshop.example%2Fthanks"
)


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("kind", [FORM, FORM + "; charset=UTF-8", FORM.upper()])
def test_a_form_is_read(door, bom, kind):
    assert door.post((bom + FORM_BODY).encode(), kind=kind).json()["ErrorCode"] == READ_WELL


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (FORM_BODY + "&BuyerName=%B1%E8", "not UTF-8"),
        (FORM_BODY + "&orderid=2", "orderid stands there twice"),
        (FORM_BODY + "&x=1" * 93, "more than 100 keys"),
        (FORM_BODY.replace("OrderId=1&", ""), "OrderId: This field is required."),
    ],
)
def test_a_form_is_read_as_strictly_as_json(door, body, says):
    response = door.post(body, kind=FORM)
    assert response.status_code == 400
    assert says in response.json()["ErrorMessage"]


def test_options_that_are_null_or_empty_are_absent(door):
    options = ["ClaimId", "TaxFreePrice", "PGType", "Device", "BuyerName", "BuyerEmail", "CancelUrl", "RequestId"]
    assert door.start(**dict.fromkeys(options))["ErrorCode"] == READ_WELL
    assert door.start(**dict.fromkeys(options, ""))["ErrorCode"] == READ_WELL
    assert door.post(FORM_BODY + "".join(f"&{name}=" for name in options), kind=FORM).json()["ErrorCode"] == READ_WELL


def test_keys_are_matched_in_any_letter_case(door):
    for spelled in (str.lower, str.upper, str.swapcase):
        body = {spelled(name): value for name, value in door.order().items()}
        assert door.post(body).json()["ErrorCode"] == READ_WELL


@pytest.mark.parametrize("second", ["OrderId", "orderid", "ORDERID"])
def test_the_same_key_twice_is_refused_even_with_the_same_value(door, second):
    body = json.dumps(door.order())[:-1] + f', "{second}": 1}}'
    response = door.post(body)
    assert response.status_code == 400
    assert f"the key {second} stands there twice" in response.json()["ErrorMessage"]


NAMES = {"modifedtotalprice": "ModifedTotalPrice", "modifiedtotalprice": "ModifedTotalPrice"}


def test_both_spellings_of_a_key_may_have_one_value():
    both = [("ModifedTotalPrice", "100"), ("ModifiedTotalPrice", "100")]
    assert intake.spell(both, NAMES) == {"ModifedTotalPrice": "100"}


def test_both_spellings_of_a_key_with_different_values_are_refused():
    both = [("ModifedTotalPrice", "100"), ("ModifiedTotalPrice", "200")]
    with pytest.raises(ShopError, match="different values"):
        intake.spell(both, NAMES)


def test_unknown_keys_are_ignored_and_only_their_names_are_logged(door):
    with structlog.testing.capture_logs() as lines:
        answer = door.start(CardMemo="VALUE-1", 주문자="VALUE-2", **{"4111 1111 1111 1111": "VALUE-3", "a b": {"c": 1}})
    assert answer["ErrorCode"] == READ_WELL
    assert [line["keys"] for line in lines if line["event"] == "unknown_keys"] == [["CardMemo", "?", "?", "?"]]
    assert "VALUE" not in str(lines)


@pytest.mark.parametrize("path", ["/PGB/PayStart/", "/pgb/paystart", "/PGB/PAYSTART/", "/Pgb/payStart"])
def test_paths_have_any_letter_case_and_a_slash_or_none(door, path):
    assert door.post(door.order(), path=path).json()["ErrorCode"] == READ_WELL


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("spelled", [str.lower, str.upper, str.swapcase])
def test_each_call_is_read_in_any_spelling_of_its_path_and_its_keys(door, call, spelled):
    keys = {spelled(name): value for name, value in door.any_call().items()}
    for path in (f"/PGB/{call}", spelled(f"/PGB/{call}"), spelled(f"/PGB/{call}/")):
        assert door.post(keys, path=path).json()["ErrorCode"] == CALLS[call]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_each_call_is_read_from_json_and_from_a_form_with_a_bom_or_none(door, call, bom):
    keys = door.any_call()
    for body, kind in ((json.dumps(keys), JSON), (json.dumps(keys), FORM), (urlencode(keys), FORM)):
        answer = door.post((bom + body).encode(), path=f"/PGB/{call}", kind=kind).json()
        assert answer["ErrorCode"] == CALLS[call]


@pytest.mark.parametrize("call", ["PartialCancel", "FullCancel"])
def test_a_cancels_options_that_are_null_or_empty_are_absent(door, call):
    options = ["ClaimId", "TaxFreePrice", "RequestId", "Reason", "RefundBank", "RefundAccount", "RefundHolder"]
    for nothing in (None, ""):
        body = door.any_call(**dict.fromkeys(options, nothing))
        assert door.post(body, path=f"/PGB/{call}").json()["ErrorCode"] == "ORDER_NOT_FOUND"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"RefundAccount": "123 456"}, "RefundAccount: must be digits and hyphens"),
        ({"RefundAccount": "१२३"}, "RefundAccount: must be digits and hyphens"),
        ({"RequestId": "4242 4242 4242 4242"}, "RequestId: seems to hold a card number"),
        ({"RequestId": "i" * 256}, "RequestId: "),
        ({"RefundPrice": 4900.0}, "RefundPrice: "),
        ({"RefundPrice": "4,900"}, "RefundPrice: "),
        ({"RefundPrice": -1}, "RefundPrice: "),
        ({"RefundPrice": "4900.5"}, "RefundPrice: "),
        ({"RefundPrice": 10**15}, "RefundPrice: "),
        ({"RefundPrice": [4900]}, "RefundPrice: "),
        ({"CurrentTotalPrice": ...}, "CurrentTotalPrice: "),
        ({"ModifedTotalPrice": True}, "ModifedTotalPrice: "),
    ],
)
def test_what_is_wrong_in_a_cancel_is_named(door, changes, words):
    answer = door.post(door.any_call(**changes), path="/PGB/PartialCancel").json()
    assert (answer["ErrorCode"], answer["ErrorMessage"][: len(words)]) == ("INVALID_REQUEST", words)
    assert "4242" not in answer["ErrorMessage"]


@pytest.mark.parametrize("path", ["/PGB/PayStart", "/pgb/paystatus/", "/PGB/PartialCancel", "/pgb/fullcancel/"])
@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options", "trace"])
def test_other_methods_are_405_with_the_five_keys(door, path, method):
    response = getattr(door.client, method)(path, headers=door.headers)
    assert (response.status_code, response["Allow"]) == (405, "POST")
    if method != "head":
        assert list(response.json()) == FIVE_KEYS
        assert response.json()["ErrorMessage"] == "send this call as a POST"


@pytest.mark.parametrize("path", ["/PGB", "/PGB/", "/PGB/PayStarts", "/pgb/Pay/Start", "/PGB/PayStart/1"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_path_that_is_no_call_names_those_that_are(door, path, method):
    response = getattr(door.client, method)(path)
    assert response.status_code == 404
    assert list(response.json()) == FIVE_KEYS
    assert (
        "POST to /PGB/PayStart, /PGB/PartialCancel, /PGB/FullCancel or /PGB/PayStatus"
        in response.json()["ErrorMessage"]
    )


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "nonsense", "application/json;v=2"])
def test_the_answer_is_json_whatever_accept_says(door, accept):
    response = door.post(door.order(), path="/PGB/PayStart?format=xml", Accept=accept)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


WORDS = st.sampled_from(["application/json", FORM, "", "multipart/form-data; boundary=x", "\x7f"])
QUIET = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIET
@given(body=st.binary(max_size=300) | st.text(max_size=300).map(str.encode), kind=WORDS)
def test_no_bytes_make_it_fail(door, body, kind):
    assert door.post(body, kind=kind).status_code == 400


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["\ud800", "\0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@QUIET
@given(data=st.data())
def test_no_values_make_it_fail(door, data):
    order = door.order(
        Device="pc", PGType="stripe", BuyerName="a", CancelUrl="", TaxFreePrice="0", ClaimId=0, RequestId=""
    )
    changed = data.draw(st.dictionaries(st.sampled_from(sorted(order)), VALUES, min_size=1))
    assert door.post(json.dumps(order | changed)).status_code in (200, 400)


@pytest.mark.parametrize("call", ["PartialCancel", "FullCancel"])
@QUIET
@given(data=st.data())
def test_no_values_make_a_cancel_fail(door, call, data):
    keys = door.any_call(RequestId="a", Reason="b", TaxFreePrice="0", RefundBank="004", RefundAccount="1-2", ClaimId=0)
    changed = data.draw(st.dictionaries(st.sampled_from(sorted(keys)), VALUES, min_size=1))
    assert door.post(json.dumps(keys | changed), path=f"/PGB/{call}").status_code in (200, 400)


@QUIET
@given(
    name=st.sampled_from(["Authorization", "webhook-signature", "webhook-timestamp", "X-Request-Id", "Content-Length"]),
    value=st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=60),
)
def test_no_header_makes_it_fail(door, name, value):
    base = {"webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA", "Authorization": ""}
    response = door.client.post("/PGB/PayStart", b"{}", content_type=JSON, headers={**base, name: value})
    assert response.status_code in (400, 401, 413)
    assert list(response.json()) == FIVE_KEYS
