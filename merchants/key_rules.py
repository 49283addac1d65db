"""What can be seen of a gateway's keys at once: the wrong key in a field, test keys in a live contract, a cut copy.

Only what gateways document of their keys' shapes is judged; whether keys are true, the gateway says (인증 정보 확인).
No message holds a value.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from merchants.codes import GatewayCode, Mode

Problems = dict[str, Any]

_WHSEC = ("webhook_secret", "webhook_secret_old")
# Published by the gateway for everybody: no money comes of them.
_OPEN_TEST_MIDS = {"INIpayTest", "iniescrow0"}
_TEST_KEY = _("테스트 키입니다. 실거래 가맹점에는 실거래(live) 키를 입력하거나, 구분을 테스트로 바꾸세요.")
_LIVE_KEY = _("실거래 키입니다. 테스트 가맹점에는 테스트(test) 키를 입력하거나, 구분을 실거래로 바꾸세요.")
_BLANKS = _("공백이나 영문이 아닌 글자가 섞였습니다. 콘솔에서 값을 다시 복사하세요.")


def key_problems(gateway: str, mode: str, keys: Mapping[str, str]) -> Problems:
    """Return what is wrong with each key, by its name, in words for staff."""
    found: Problems = {name: _BLANKS for name, key in keys.items() if not re.fullmatch(r"[\x21-\x7e]+", key)}
    judge = _JUDGES.get(gateway)
    return {**(judge(mode, keys) if judge else {}), **found}


def mid_problem(gateway: str, mode: str, mid: str) -> Any:
    """Return what is wrong with a MID, in words for staff; empty if nothing is seen."""
    if gateway == GatewayCode.STRIPE and not mid.startswith("acct_"):
        return _("Stripe의 MID는 'acct_'로 시작하는 계정 ID입니다. 대시보드의 계정 설정에서 복사하세요.")
    if gateway == GatewayCode.INICIS and len(mid.encode()) > 10:
        return _("이니시스의 MID는 10자까지입니다. 콘솔의 상점아이디를 다시 확인하세요.")
    if gateway == GatewayCode.INICIS and mode == Mode.LIVE and mid in _OPEN_TEST_MIDS:
        return _("이니시스가 공개한 테스트 MID입니다. 구분을 테스트로 바꾸거나 계약한 MID를 입력하세요.")
    return ""


def _of_mode(said: str, mode: str) -> Any:
    """Return why a key of the mode ``said`` does not fit; empty if it does."""
    if said == mode:
        return ""
    return _TEST_KEY if said == Mode.TEST else _LIVE_KEY


def _stripe(mode: str, keys: Mapping[str, str]) -> Problems:
    return _told({"secret_key": _stripe_secret(mode, keys.get("secret_key", ""))}) | _signing(keys)


def _stripe_secret(mode: str, key: str) -> Any:
    if not key:
        return ""
    if key.startswith("pk_"):
        return _("공개용 Publishable key입니다. 그 옆의 Secret key(sk_...)를 입력하세요.")
    if key.startswith("whsec_"):
        return _("웹훅 서명 비밀값입니다. API keys의 Secret key(sk_...)를 입력하세요.")
    shape = re.match("(?:sk|rk)_(test|live)_", key)
    if shape is None:
        return _("sk_test_, sk_live_, rk_test_, rk_live_ 가운데 하나로 시작하는 키를 입력하세요.")
    return _of_mode(shape[1], mode)


def _signing(keys: Mapping[str, str]) -> Problems:
    wrong = _("'whsec_'로 시작하는 웹훅 서명 비밀값을 입력하세요.")
    return {name: wrong for name in _WHSEC if keys.get(name) and not keys[name].startswith("whsec_")}


def _toss(mode: str, keys: Mapping[str, str]) -> Problems:
    client, secret = (re.match("(test|live)_(g?)(ck|sk)_", keys.get(name, "")) for name in ("client_key", "secret_key"))
    found = _told(
        {
            "client_key": _toss_key(mode, keys.get("client_key", ""), client, "ck"),
            "secret_key": _toss_key(mode, keys.get("secret_key", ""), secret, "sk"),
        }
    )
    if not found and client and secret and client[2] != secret[2]:
        found["client_key"] = _("결제위젯 키와 API 개별 연동 키가 섞였습니다. 같은 종류의 두 키를 입력하세요.")
    return found


def _toss_key(mode: str, key: str, shape: re.Match[str] | None, kind: str) -> Any:
    if not key:
        return ""
    if shape is None or shape[3] != kind:
        return (
            _("클라이언트 키는 test_ck_, live_ck_, test_gck_, live_gck_ 가운데 하나로 시작합니다.")
            if kind == "ck"
            else _("시크릿 키는 test_sk_, live_sk_, test_gsk_, live_gsk_ 가운데 하나로 시작합니다.")
        )
    return _of_mode(shape[1], mode)


def _inicis(_mode: str, keys: Mapping[str, str]) -> Problems:
    found = {}
    for name, label in (("iniapi_key", "INIAPI key"), ("iniapi_iv", "INIAPI IV")):
        if keys.get(name) and len(keys[name]) != 16:
            found[name] = _("%(key)s는 16자입니다. 끝의 '='까지 복사했는지 확인하세요.") % {"key": label}
    if not found and keys.get("iniapi_iv") and keys.get("iniapi_iv") == keys.get("iniapi_key"):
        found["iniapi_iv"] = _("INIAPI key와 같은 값입니다. IV는 따로 있는 값입니다.")
    return found


def _portone_v1(_mode: str, keys: Mapping[str, str]) -> Problems:
    wrong = keys.get("imp_code") and not re.fullmatch("imp[0-9]+", keys["imp_code"])
    return {"imp_code": _("고객사 식별코드는 'imp'와 숫자입니다.")} if wrong else {}


def _portone_v2(_mode: str, keys: Mapping[str, str]) -> Problems:
    wrong = keys.get("store_id") and not keys["store_id"].startswith("store-")
    return ({"store_id": _("Store ID는 'store-'로 시작합니다.")} if wrong else {}) | _signing(keys)


def _told(found: Problems) -> Problems:
    return {name: problem for name, problem in found.items() if problem}


_JUDGES: dict[str, Callable[[str, Mapping[str, str]], Problems]] = {
    GatewayCode.STRIPE: _stripe,
    GatewayCode.TOSSPAYMENTS: _toss,
    GatewayCode.INICIS: _inicis,
    GatewayCode.PORTONE_V1: _portone_v1,
    GatewayCode.PORTONE_V2: _portone_v2,
}
