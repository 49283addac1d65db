import base64

import pytest
from django.core.exceptions import ValidationError

from merchants import rules
from merchants.codes import GatewayCode


def code_of(check, *values):
    try:
        check(*values)
    except ValidationError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://shop.example/complete?x=1", None),
        ("https://shop.example:8443/", None),
        ("https://8.8.8.8/", None),
        ("http://127.0.0.1:9000/shop", None),
        ("http://localhost/", None),
        ("http://[::1]:9000/", None),
        ("https://127.0.0.1/", None),
        ("http://shop.example/", "plain_http"),
        ("http://127.0.0.1.shop.example/", "plain_http"),
        ("http://localhost.shop.example/", "plain_http"),
        ("https://10.1.2.3/", "private_address"),
        ("https://192.168.0.1/", "private_address"),
        ("https://169.254.169.254/", "private_address"),
        ("https://[fd00::1]/", "private_address"),
        ("https://0.0.0.0/", "private_address"),
        ("", "url"),
        ("shop.example", "url"),
        ("/complete", "url"),
        ("//shop.example/", "url"),
        ("https:shop.example", "url"),
        ("https://", "url"),
        ("ftp://shop.example/", "url"),
        ("javascript:alert(1)", "url"),
        ("https://user@shop.example/", "url"),
        ("https://user:pw@127.0.0.1/", "url"),
        ("https://shop.example/#x", "url"),
        ("https://shop.example\\@evil.example/", "url"),
        ("https://shop.example\\path", "url"),
        ("https://shop.example/a b", "url"),
        ("https://shop.example/\n", "url"),
        ("https://상점.example/", "url"),
        ("https://shop.example:99999/", "url"),
        ("https://shop.example:x/", "url"),
        ("https://[::1/", "url"),
    ],
)
def test_completion_url(url, code):
    assert code_of(rules.check_completion_url, url) == code


@pytest.mark.parametrize(
    "host", ["shop.example", "shop.example:8443", "localhost", "127.0.0.1", "a-b.c1.example", "xn--oj4b.example"]
)
def test_redirect_host(host):
    rules.check_redirect_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "Shop.example",
        "https://shop.example",
        "shop.example/",
        "shop.example/path",
        "*.shop.example",
        ".shop.example",
        "shop.example.",
        "shop..example",
        "-shop.example",
        "shop-.example",
        "user@shop.example",
        "shop.example:",
        "shop.example:0",
        "shop.example:65536",
        "shop.example:80:80",
        "shop.example:８０",
        "shop example",
        "shop.example\n",
        "상점.example",
        "a" * 254,
    ],
)
def test_wrong_redirect_host(host):
    assert code_of(rules.check_redirect_host, host) == "redirect_host"


@pytest.mark.parametrize(("size", "code"), [(23, "signing_secret"), (24, None), (64, None), (65, "signing_secret")])
def test_signing_secret_size(size, code):
    secret = "whsec_" + base64.b64encode(b"x" * size).decode()
    assert code_of(rules.check_signing_secret, secret) == code
    assert code_of(rules.check_signing_secret, secret.removeprefix("whsec_")) == "signing_secret"


@pytest.mark.parametrize("key", ["", "A" * 33, "!" * 40, "A" * 40 + "\n", "가" * 40])
def test_signing_secret_is_base64(key):
    assert code_of(rules.check_signing_secret, "whsec_" + key) == "signing_secret"


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (rules.check_nation, ["KR", "JP", "GB"], ["", "kr", "UK", "KOR", "K", "KR\n", "419"]),
        (rules.check_currency, ["KRW", "JPY", "USD"], ["", "krw", "KWR", "KRW\n", "410"]),
        (rules.check_name, ["KR1", "stripe-main", "a_b"], ["", "-a", "a b", "a/b", "a\n", "가"]),
        (rules.check_webhook_token, ["a" * 8, "A-_9" * 16], ["a" * 7, "a" * 65, "a" * 30 + "/", "a" * 30 + "\n"]),
        (
            rules.check_api_key,
            ["k" * 16, "!~" * 100],
            ["k" * 15, "k" * 201, "k" * 40 + " ", "k" * 40 + "\n", "가" * 40],
        ),
    ],
)
def test_texts(check, good, bad):
    assert [code_of(check, value) for value in good] == [None] * len(good)
    assert None not in [code_of(check, value) for value in bad]


STRIPE = {"secret_key": "x", "webhook_secret": "y"}


@pytest.mark.parametrize(
    ("gateway", "credentials", "code"),
    [
        ("stripe", STRIPE, None),
        ("stripe", STRIPE | {"webhook_secret_old": "z"}, None),
        ("stripe", {}, "credential_missing"),
        ("stripe", {"secret_key": "x"}, "credential_missing"),
        ("stripe", STRIPE | {"sign_key": "z"}, "credential_unknown"),
        ("stripe", STRIPE | {"secret_key": ""}, "credentials"),
        ("stripe", STRIPE | {"secret_key": " "}, "credentials"),
        ("stripe", STRIPE | {"secret_key": None}, "credentials"),
        ("stripe", STRIPE | {"secret_key": 1}, "credentials"),
        ("stripe", ["secret_key"], "credentials"),
        ("stripe", None, "credentials"),
        ("bootpay", {"client_key": "a", "secret_key": "b"}, None),
        ("bootpay", {"application_id": "a", "private_key": "b"}, None),
        ("bootpay", {"application_id": "a", "secret_key": "b"}, "credential_missing"),
        ("tosspayments", {"client_key": "a", "secret_key": "b", "webhook_secret_old": "c"}, "credential_unknown"),
    ],
)
def test_credentials(gateway, credentials, code):
    assert code_of(rules.check_credentials, gateway, credentials) == code


def test_every_gateway_has_its_names():
    assert set(rules.CREDENTIALS) == set(GatewayCode.values)
    assert set(rules.OPTIONAL_CREDENTIALS) <= set(GatewayCode.values)


def test_missing_names_are_those_of_the_nearest_alternative():
    assert rules.missing_credentials("bootpay", {"application_id"}) == ["private_key"]
