"""What Stripe refuses, the sandbox refuses: with the same codes."""

import time
from typing import Any

import pytest
import stripe

from bridge.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import params


def line(**price: Any) -> dict[str, Any]:
    base = {"currency": "krw", "unit_amount": 1000, "product_data": {"name": "x"}}
    return {"line_items": [{"quantity": 1, "price_data": {**base, **price}}]}


REFUSED: list[tuple[dict[str, Any], str | None, str]] = [
    ({"payment_method_types": ["card"]}, "payment_method_types_no_longer_supported", "payment_method_types"),
    ({"colour": "red"}, "parameter_unknown", "colour"),
    (line(colour="red"), "parameter_unknown", "line_items[0][price_data][colour]"),
    ({"mode": "pay"}, None, "mode"),
    ({"locale": "kr"}, None, "locale"),
    ({"client_reference_id": "x" * 201}, None, "client_reference_id"),
    ({"client_reference_id": ""}, "parameter_invalid_empty", "client_reference_id"),
    ({"success_url": "javascript:alert(1)"}, "url_invalid", "success_url"),
    ({"expires_at": int(time.time()) + 29 * 60}, None, "expires_at"),
    ({"expires_at": int(time.time()) + 25 * 3600}, None, "expires_at"),
    ({"expires_at": "soon"}, "parameter_invalid_integer", "expires_at"),
    ({"metadata": {"k" * 41: "v"}}, None, "metadata"),
    ({"metadata": {"k": "v" * 501}}, None, "metadata[k]"),
    ({"metadata": {f"k{n}": "v" for n in range(51)}}, None, "metadata"),
    ({"metadata": "x"}, None, "metadata"),
    ({"adaptive_pricing": {"enabled": "yes"}}, None, "adaptive_pricing[enabled]"),
    ({"expand": ["customer"]}, None, "expand"),
    ({"allowed_payment_method_types": ["cash"]}, None, "allowed_payment_method_types[0]"),
    ({"allowed_payment_method_types": ["konbini"]}, None, "allowed_payment_method_types"),
    ({"line_items": "x"}, None, "line_items"),
    ({"line_items": [{"quantity": 1}]}, "parameter_missing", "line_items[0][price_data]"),
    ({"line_items": [{"price_data": "x", "quantity": 1}]}, None, "line_items[0][price_data]"),
    (line(product_data={}), "parameter_missing", "line_items[0][price_data][product_data]"),
    (line(product_data={"name": ""}), "parameter_invalid_empty", "line_items[0][price_data][product_data][name]"),
    (line(unit_amount="10.50"), "parameter_invalid_integer", "line_items[0][price_data][unit_amount]"),
    (line(unit_amount=-1), "parameter_invalid_integer", "line_items[0][price_data][unit_amount]"),
    (line(unit_amount=10**12), "parameter_invalid_integer", "line_items[0][price_data][unit_amount]"),
    (line(unit_amount=49), "amount_too_small", "line_items"),
    (line(currency="xyz"), None, "line_items[0][price_data][currency]"),
    (line(currency="ugx", unit_amount=10050), "parameter_invalid_integer", "line_items"),
    (line(currency="kwd", unit_amount=10005), "parameter_invalid_integer", "line_items"),
    ({"line_items": [*line()["line_items"], *line(currency="jpy")["line_items"]]}, None, "line_items"),
    ({"line_items": line(unit_amount=999_999_999_999)["line_items"] * 2}, "amount_too_large", "line_items"),
    ({"line_items": line()["line_items"] * 101}, None, "line_items"),
]


@pytest.mark.parametrize(("wrong", "code", "param"), REFUSED)
def test_refused(
    sandbox: Sandbox, client: stripe.StripeClient, wrong: dict[str, Any], code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.create(params() | wrong)  # type: ignore[arg-type]
    assert (caught.value.http_status, caught.value.code, caught.value.param) == (400, code, param)
    assert sandbox.stripe.books.sessions == {}


@pytest.mark.parametrize("missing", ["mode", "line_items", "success_url"])
def test_required(client: stripe.StripeClient, missing: str) -> None:
    wrong = {name: value for name, value in params().items() if name != missing}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.create(wrong)  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.param) == ("parameter_missing", missing)


@pytest.mark.parametrize(
    ("currency", "amount"), [("jpy", 3300), ("usd", 1050), ("kwd", 10010), ("ugx", 50000), ("vnd", 50)]
)
def test_amounts_are_minor_units(client: stripe.StripeClient, currency: str, amount: int) -> None:
    session = client.v1.checkout.sessions.create(params(amount=amount, currency=currency))
    assert (session.amount_total, session.currency) == (amount, currency)


def test_methods_follow_currency_and_wishes(client: stripe.StripeClient) -> None:
    create = client.v1.checkout.sessions.create
    assert create(params(currency="jpy", amount=300)).payment_method_types == ["card", "konbini"]
    assert "kakao_pay" in create(params()).payment_method_types
    allowed: Any = params(allowed_payment_method_types=["kakao_pay"])
    assert create(allowed).payment_method_types == ["kakao_pay"]
    excluded: Any = params(currency="jpy", amount=300, excluded_payment_method_types=["card"])
    assert create(excluded).payment_method_types == ["konbini"]


def test_lines_add_up(client: stripe.StripeClient) -> None:
    lines = [{**line()["line_items"][0], "quantity": 3}, *line(unit_amount=500)["line_items"]]
    assert client.v1.checkout.sessions.create(params() | {"line_items": lines}).amount_total == 3500  # type: ignore[arg-type]
