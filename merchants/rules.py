"""What may stand in a shop, a merchant or a connection. Every rule raises ValidationError with a code."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from babel import Locale
from babel.numbers import list_currencies
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from config.environment import is_loopback
from merchants.codes import GatewayCode

# The names under which each gateway's keys are kept: alternatives, and what may stand beside them.
CREDENTIALS: dict[str, list[set[str]]] = {
    GatewayCode.STRIPE: [{"secret_key", "webhook_secret"}],
    GatewayCode.INICIS: [{"sign_key", "iniapi_key", "iniapi_iv", "hash_key"}],
    GatewayCode.TOSSPAYMENTS: [{"client_key", "secret_key"}],
    GatewayCode.BOOTPAY: [{"client_key", "secret_key"}, {"application_id", "private_key"}],
    GatewayCode.PORTONE_V1: [{"imp_code", "rest_key", "rest_secret", "channel_key"}],
    GatewayCode.PORTONE_V2: [{"store_id", "channel_key", "api_secret", "webhook_secret"}],
}
OPTIONAL_CREDENTIALS: dict[str, set[str]] = {
    GatewayCode.STRIPE: {"webhook_secret_old"},
    GatewayCode.PORTONE_V2: {"webhook_secret_old"},
}

# Each card issuer decides by itself whether a new MID of these may charge its cards (카드사 심사).
REVIEWED_BY_ISSUERS = frozenset(GatewayCode) - {GatewayCode.STRIPE}

_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}(:|\Z)){_LABEL}(\.{_LABEL})*(:[0-9]{{1,5}})?\Z")


def check_name(value: str) -> None:
    """A name that may stand in addresses and files: letters, digits, hyphen, underscore."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", value):
        raise ValidationError(_("영문, 숫자, '-', '_'만 쓸 수 있습니다."), code="name")


def check_webhook_token(value: str) -> None:
    """The unguessable part of a webhook address: notices are signed besides."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{8,64}", value):
        raise ValidationError(_("영문, 숫자, '-', '_'로 8자에서 64자까지여야 합니다."), code="webhook_token")


def check_api_key(value: str) -> None:
    """A key that nobody guesses, and that fits into a header as it is."""
    if not re.fullmatch(r"[\x21-\x7e]{16,200}", value):
        raise ValidationError(_("공백 없는 영문, 숫자, 기호로 16자 이상이어야 합니다."), code="api_key")


def check_publishable_key(value: str) -> None:
    """A key that may stand in a page, and that nobody takes for the secret one."""
    if not re.fullmatch(r"pgb_pub_[A-Za-z0-9_-]{16,56}", value):
        raise ValidationError(
            _("'pgb_pub_' 뒤에 영문, 숫자, '-', '_'로 16자 이상이어야 합니다."), code="publishable_key"
        )


@cache
def _nations() -> frozenset[str]:
    return frozenset(str(code) for code in Locale("en").territories if re.fullmatch("[A-Z]{2}", str(code)))


def check_nation(value: str) -> None:
    """An ISO 3166 code of two capital letters."""
    if value not in _nations():
        raise ValidationError(_("ISO 3166 국가 코드(대문자 두 글자)가 아닙니다."), code="nation")


def check_currency(value: str) -> None:
    """An ISO 4217 code of three capital letters."""
    if value not in list_currencies():
        raise ValidationError(_("ISO 4217 통화 코드(대문자 세 글자)가 아닙니다."), code="currency")


def check_signing_secret(value: str) -> None:
    """A secret as Standard Webhooks wants it: ``whsec_`` and the base64 of 24 to 64 bytes."""
    try:
        key = base64.b64decode(value.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not value.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise ValidationError(
            _("'whsec_' 뒤에 24바이트에서 64바이트까지의 base64 값이 와야 합니다."), code="signing_secret"
        )


def check_completion_url(value: str) -> None:
    """Where the shop is told: https, or plain http on loopback; no private address, no user, no fragment."""
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    clean = host and not re.search(r"[^\x21-\x7e]|\\", value) and "@" not in parts.netloc and "#" not in value
    if not clean or parts.scheme not in {"http", "https"}:
        raise ValidationError(_("https://로 시작하는 전체 주소여야 합니다."), code="url")
    if is_loopback(host):
        return
    if parts.scheme != "https":
        raise ValidationError(_("http 주소는 이 서버 자신(loopback)에만 쓸 수 있습니다."), code="plain_http")
    if _is_private(host):
        raise ValidationError(_("내부망 주소는 쓸 수 없습니다."), code="private_address")


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def check_redirect_host(value: str) -> None:
    """A host to which buyers may be sent back: lower case, without scheme or path, perhaps with a port."""
    port = value.partition(":")[2]
    if not _HOST.match(value) or (port and not 0 < int(port) < 65536):
        raise ValidationError(
            _("호스트 이름만 소문자로 적습니다. 예: shop.example, shop.example:8443"),
            code="redirect_host",
        )


def credential_names(gateway: str) -> set[str]:
    """Return every name under which a key of this gateway may be kept."""
    return set().union(*CREDENTIALS[gateway], OPTIONAL_CREDENTIALS.get(gateway, set()))


def missing_credentials(gateway: str, given: set[str]) -> list[str]:
    """Return the names that are missing for the alternative that lacks the fewest; none: one is complete."""
    return min((sorted(needed - given) for needed in CREDENTIALS[gateway]), key=len)


def check_credentials(gateway: str, credentials: Any) -> None:
    """The keys that this gateway needs, each a text, and no other. No message holds a value."""
    if not isinstance(credentials, Mapping) or not all(_is_text(value) for value in credentials.values()):
        raise ValidationError(_("인증 정보는 이름과 비어 있지 않은 문자 값의 목록이어야 합니다."), code="credentials")
    unknown = sorted(set(credentials) - credential_names(gateway))
    if unknown:
        raise ValidationError(
            _("이 PG사에 없는 인증 정보입니다: %(names)s"),
            code="credential_unknown",
            params={"names": ", ".join(unknown)},
        )
    missing = missing_credentials(gateway, set(credentials))
    if missing:
        raise ValidationError(
            _("인증 정보가 빠졌습니다: %(names)s"),
            code="credential_missing",
            params={"names": ", ".join(missing)},
        )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
