"""Values that a provision file may not hold, one by one."""

import pytest

from tests.factories import (
    API_KEY,
)

pytestmark = pytest.mark.django_db

SHOP, MERCHANT, CONNECTION = "shops", "merchants", "connections"
NEEDS_QUOTES = "must be text, not a number: put it in quotes"
BAD_URL = "must be an absolute https:// address without user or fragment"
BAD_HOST = "must be a host in lower case, without scheme or path, such as shop.example"
BAD_SECRET = "must be 'whsec_' and the base64 of 24 to 64 bytes"
BAD_TIME = "must be a time with its offset, such as 2026-01-31T00:00:00+09:00"
BAD_KEY = "must have 16 to 200 letters, digits or signs, without spaces"
BAD_PLACEHOLDER = "'${' must be followed by the name of an environment variable and '}'"


@pytest.mark.parametrize(
    ("section", "key", "value", "problem"),
    [
        (SHOP, "complation_url", "https://x.example", ": unknown key; did you mean completion_url?"),
        (SHOP, "db_type", 1, f": {NEEDS_QUOTES}"),
        (SHOP, "db_type", "", ": must not be empty"),
        (SHOP, "db_type", None, ": must be text, not empty"),
        (SHOP, "db_type", "K R", ": only letters, digits, '-' and '_' may be used"),
        (SHOP, "db_type", "K" * 21, ": Ensure this value has at most 20 characters (it has 21)."),
        (SHOP, "joiner_id", "1001", ": must be a whole number, not text"),
        (SHOP, "joiner_id", True, ": must be a whole number, not true or false"),
        (SHOP, "joiner_id", 1.5, ": must be a whole number, not a number"),
        (SHOP, "joiner_id", -1, ": must not be negative"),
        (SHOP, "joiner_id", 2**64, ": Ensure this value is less than or equal to 9223372036854775807."),
        (SHOP, "nation", False, "[0]: must be text, not true or false: put it in quotes"),
        (
            SHOP,
            "nation",
            "kr",
            "[0]: unknown nation: use an ISO 3166 code of two capital letters, such as KR",
        ),
        (
            SHOP,
            "nation",
            ["KR", "UK"],
            "[1]: unknown nation: use an ISO 3166 code of two capital letters, such as KR",
        ),
        (SHOP, "nation", ["KR", "KR"], "[1]: stands twice"),
        (SHOP, "nation", [], ": must not be empty"),
        (
            SHOP,
            "currency",
            "KWR",
            ": unknown currency: use an ISO 4217 code of three capital letters, such as KRW",
        ),
        (SHOP, "api_key", "short", f": {BAD_KEY}"),
        (SHOP, "api_key", API_KEY + " ", f": {BAD_KEY}"),
        (SHOP, "api_key", 12345678901234567890123456789012345, f": {NEEDS_QUOTES}"),
        (SHOP, "api_key_old", "short", f": {BAD_KEY}"),
        (SHOP, "completion_url", "http://shop.example/x", ": plain http is for loopback only: use https://"),
        (SHOP, "completion_url", "https://10.0.0.1/x", ": must not be a private address"),
        (SHOP, "completion_url", "//shop.example/x", f": {BAD_URL}"),
        (SHOP, "completion_url", "ftp://shop.example/x", f": {BAD_URL}"),
        (SHOP, "completion_url", "https://user@shop.example/x", f": {BAD_URL}"),
        (SHOP, "signing_secret", "QUJD", f": {BAD_SECRET}"),
        (SHOP, "signing_secret", "whsec_QUJD", f": {BAD_SECRET}"),
        (SHOP, "signing_secret_old", "whsec_???", f": {BAD_SECRET}"),
        (SHOP, "redirect_hosts", "shop.example", ": must be a list, not text"),
        (SHOP, "redirect_hosts", ["ok.example", "https://shop.example"], f"[1]: {BAD_HOST}"),
        (SHOP, "redirect_hosts", ["Shop.example"], f"[0]: {BAD_HOST}"),
        (SHOP, "redirect_hosts", ["shop.example/path"], f"[0]: {BAD_HOST}"),
        (SHOP, "redirect_hosts", ["*.example"], f"[0]: {BAD_HOST}"),
        (SHOP, "redirect_hosts", ["shop.example:0"], f"[0]: {BAD_HOST}"),
        (
            SHOP,
            "publishable_key",
            "sk_live_0123456789abcdef",
            ": must be 'pgb_pub_' and 16 to 56 letters, digits, '-' or '_'",
        ),
        (SHOP, "is_active", "yes", ": must be true or false, not text"),
        (MERCHANT, "gateway", "strip", ": unknown gateway 'strip'; did you mean stripe?"),
        (MERCHANT, "mid", 12345, f": {NEEDS_QUOTES}"),
        (MERCHANT, "mode", "prod", ": unknown mode 'prod'; known are live, test"),
        (
            MERCHANT,
            "currency",
            "WON",
            ": unknown currency: use an ISO 4217 code of three capital letters, such as KRW",
        ),
        (MERCHANT, "credentials", "sk", ": must be names with values, not text"),
        (MERCHANT, "credentials", {"secret_key": "x"}, ": webhook_secret missing for stripe"),
        (
            MERCHANT,
            "credentials",
            {"secret_key": ["x"], "webhook_secret": "x"},
            ".secret_key: must be text, not a list",
        ),
        (
            MERCHANT,
            "credentials",
            {"secret_key": " ", "webhook_secret": "x"},
            ".secret_key: must not be empty",
        ),
        (
            MERCHANT,
            "credentials",
            {"secret_kye": "x", "webhook_secret": "x"},
            ".secret_kye: unknown key for stripe; did you mean secret_key?",
        ),
        (
            MERCHANT,
            "credentials",
            {"secret_key": "${NOT_THERE}", "webhook_secret": "x"},
            ".secret_key: the environment variable NOT_THERE is not set",
        ),
        (MERCHANT, "mid", "${a b}", f": {BAD_PLACEHOLDER}"),
        (MERCHANT, "mid", "${OPEN", f": {BAD_PLACEHOLDER}"),
        (MERCHANT, "webhook_token", "guess", ": must have 8 to 64 letters, digits, '-' or '_'"),
        (CONNECTION, "method", "CRAD", ": unknown method 'CRAD'; did you mean CARD?"),
        (CONNECTION, "method", "POINT", ": a sub method never goes to a gateway"),
        (CONNECTION, "device", "tablet", ": unknown device 'tablet'; known are any, mobile, pc"),
        (CONNECTION, "merchant", "stripe-man", ": there is no merchant 'stripe-man'"),
        (CONNECTION, "connected", 1, ": must be true or false, not a number"),
        (CONNECTION, "priority", -1, ": must not be negative"),
        (CONNECTION, "min_amount", "10", ": must be a whole number, not text"),
        (CONNECTION, "starts_at", "tomorrow", f": {BAD_TIME}"),
        (CONNECTION, "starts_at", "2026-01-01T00:00:00", f": {BAD_TIME}"),
        (CONNECTION, "ends_at", 20260101, f": {BAD_TIME}"),
    ],
)
def test_wrong_value(problems, file, section, key, value, problem):
    file[section][0][key] = value
    assert problems(file) == [f"{section}[0].{key}{problem}"]
