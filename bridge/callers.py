"""Who is calling: which shops a request may speak for, and how often it may."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from bridge import intake
from bridge.errors import ErrorCode, ShopError
from bridge.shop import secrets_of
from merchants import lookup
from merchants.models import Shop


def authenticate(headers: Mapping[str, str], body: bytes) -> list[Shop]:
    """Return the shops that this request may speak for: by its Bearer key, or by its Standard Webhooks signature.

    Raises ShopError UNAUTHORIZED. The signature is checked on the raw bytes, within 300 s of our clock.
    """
    scheme, _, key = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _holders(key.strip())
    if "webhook-signature" in headers:
        return _signers(headers, body)
    raise _unauthorized("send Authorization: Bearer <key>, or sign with the headers of Standard Webhooks")


def signed_id(headers: Mapping[str, str]) -> str:
    """Return the webhook-id of a call that is authenticated by its signature; else nothing."""
    bearer = headers.get("Authorization", "").lower().startswith("bearer ")
    return "" if bearer else headers.get("webhook-id", "")


def _holders(key: str) -> list[Shop]:
    found = lookup.shops_by_api_key(key)
    if not found:
        raise _unauthorized("this key opens no shop: send the key that PGB gave you")
    return found


def _signers(headers: Mapping[str, str], body: bytes) -> list[Shop]:
    given = dict(headers)
    found: list[Shop] = []
    why = "there is no shop"
    for shop in lookup.active_shops():
        for secret in secrets_of(shop):
            try:
                Webhook(secret).verify(body, given, json_parse=False)
            except WebhookVerificationError as error:
                why = str(error)
            except ValueError:
                why = "the signature or the body cannot be read"
            else:
                found.append(shop)
                break
    if not found:
        raise _unauthorized(
            f"the signature is not valid ({why}): sign webhook-id, webhook-timestamp and the body's exact bytes "
            "with the shop's secret, within 5 minutes"
        )
    return found


def _unauthorized(message: str) -> ShopError:
    return ShopError(ErrorCode.UNAUTHORIZED, message)


def shop_of(callers: list[Shop], db_type: str, joiner_id: int) -> Shop:
    """Return the shop that the request names, if the caller may speak for it. Raises ShopError.

    Its calls are counted here, before the first statement that is made for one of them; what is refused
    earlier costs no statement.
    """
    shop = named(callers, db_type, joiner_id)
    count(("calls", shop.pk), settings.PGB_SHOP_CALLS_PER_MINUTE)
    return shop


def named(callers: list[Shop], db_type: str, joiner_id: int) -> Shop:
    """Return the shop of this joiner, if it is one of ``callers``. Raises ShopError."""
    shop = lookup.find_shop(db_type, joiner_id)
    if shop is None:
        raise ShopError(
            ErrorCode.UNKNOWN_SHOP,
            f"no shop is registered here for DBType {db_type}, JoinerId {joiner_id}: check both, and that it is in use",
        )
    if all(caller.pk != shop.pk for caller in callers):
        raise ShopError(
            ErrorCode.FORBIDDEN, "this key does not belong to that DBType and JoinerId: use the key of that shop"
        )
    return shop


_windows: dict[tuple[str, int], tuple[int, int]] = {}
_windows_lock = threading.Lock()


def count(caller: tuple[str, int], limit: int) -> None:
    """Count this minute's calls of a caller in this process. Raises ShopError THROTTLED over the limit."""
    now = time.time()
    minute = int(now // 60)
    with _windows_lock:
        begun, calls = _windows.get(caller, (minute, 0))
        calls = calls + 1 if begun == minute else 1
        _windows[caller] = (minute, calls)
    if calls > limit:
        wait = 60 - int(now % 60)
        raise ShopError(ErrorCode.THROTTLED, f"too many calls: try again in {wait} seconds", retry_after=wait)


@dataclass(frozen=True)
class Caller:
    """Who asks: the shops that it may speak for, the body that its signature covers, and how far it is trusted.

    ``is_public``: it has only the publishable key, which stands in pages.
    """

    shops: list[Shop]
    body: bytes
    is_public: bool

    def shop_of(self, db_type: str, joiner_id: int) -> Shop:
        """Return the shop of this joiner, if the caller may speak for it. Raises ShopError."""
        return named(self.shops, db_type, joiner_id)


class ShopAuthentication(BaseAuthentication):
    """By the shop's key, its signature, or its publishable key; ``request.auth`` is the Caller. Calls are counted."""

    def authenticate(self, request: Request) -> tuple[None, Caller]:
        """Return who asks. Raises ShopError."""
        body = intake.read_body(request._request)
        headers = request.headers
        scheme, _, key = headers.get("Authorization", "").partition(" ")
        shop = lookup.shop_by_publishable_key(key.strip()) if scheme.lower() == "bearer" else None
        shops = [shop] if shop else authenticate(headers, body)
        # Pages must not use up what the shop's server may ask, nor the server's questions its payments.
        limit = settings.PGB_PUBLIC_CALLS_PER_MINUTE if shop else settings.PGB_SHOP_CALLS_PER_MINUTE
        count(("public" if shop else "functions", shops[0].pk), limit)
        return None, Caller(shops, body, is_public=shop is not None)


class SecretOnly(BasePermission):
    """For what no page may do."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Refuse the publishable key. Raises ShopError."""
        if cast(Caller, request.auth).is_public:
            raise ShopError(
                ErrorCode.FORBIDDEN, "the publishable key only reads: call from the shop's server, with its secret key"
            )
        return True
