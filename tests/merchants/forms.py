"""What the tests type into the form of a merchant."""

import re

from tests.factories import STRIPE_CREDENTIALS

# Published by the gateways for everybody.
INICIS_KEYS = {
    "sign_key": "SU5JTElURV9UUklQTEVERVNfS0VZU1RS",
    "iniapi_key": "ItEQKi3rY7uvDS8l",
    "iniapi_iv": "HYb3yQ4f65QL89==",
    "hash_key": "3CB8183A4BE283555ACC8363C0360223",
}
TOSS_KEYS = {"client_key": "test_ck_0123456789abcdef", "secret_key": "test_sk_0123456789abcdef"}
WHO = {
    "stripe": {"mid": "acct_1", "mode": "test", "currency": "KRW"},
    "inicis": {"mid": "SIRtqoon01", "mode": "live", "currency": "KRW"},
}
KEYS = {
    "stripe": STRIPE_CREDENTIALS,
    "inicis": INICIS_KEYS,
    "tosspayments": TOSS_KEYS,
    "bootpay": {"client_key": "a-client-key", "secret_key": "a-secret-key"},
    "portone_v1": {
        "imp_code": "imp00000000",
        "rest_key": "a-rest-key",
        "rest_secret": "a-rest-secret",
        "channel_key": "a-channel-key",
    },
    "portone_v2": {
        "store_id": "store-ae356798",
        "channel_key": "a-channel-key",
        "api_secret": "an-api-secret",
        "webhook_secret": "whsec_0123456789abcdef",
    },
}


def filled(gateway, keys=None, **changes):
    """The form of a new merchant, filled in; with ``keys`` instead of all that it needs."""
    keys = KEYS[gateway] if keys is None else keys
    who = WHO.get(gateway, {"mid": "mid-1", "mode": "test", "currency": "KRW"})
    form = {"code": f"{gateway.replace('_', '-')}-kr", "purpose": "normal", "is_active": "on", **who}
    return form | {f"key_{name}": key for name, key in keys.items()} | changes


def key_inputs(text):
    """The names of a page's inputs for keys."""
    return re.findall(r'name="((?:key|drop)_\w+)"', text)
