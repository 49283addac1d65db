"""Whom the sandbox plays: the shops and Stripe accounts of a provision file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridge.sandbox.sandbox import Sandbox
from merchants.codes import GatewayCode
from merchants.provision import ProvisionError
from merchants.provision.problems import WrongValue
from merchants.provision.source import load
from merchants.provision.values import text

_expanded = text()


def play(sandbox: Sandbox, path: Path, environment: Mapping[str, str], public_url: str) -> None:
    """Makes the file's shops and Stripe accounts known; their webhooks go to PGB at `public_url`.

    Raises ProvisionError. `manage.py provision` checks the file in full; this reads only what it needs.
    """
    content = load(path)
    try:
        for merchant in content["merchants"]:
            if merchant["gateway"] == GatewayCode.STRIPE:
                sandbox.stripe.add_account(**_stripe(merchant, environment, public_url))
        for shop in content["shops"]:
            sandbox.shop.add_account(**_shop(shop, environment))
    except (KeyError, TypeError) as error:
        raise ProvisionError([f"not a provision file of a demo: {error!r}"]) from error
    except WrongValue as error:
        raise ProvisionError([error.message]) from error


def _stripe(merchant: Mapping[str, Any], environment: Mapping[str, str], public_url: str) -> dict[str, Any]:
    token = _expanded(merchant["webhook_token"], environment)
    return {
        "mid": merchant["mid"],
        "secret_key": _expanded(merchant["credentials"]["secret_key"], environment),
        "webhook_secret": _expanded(merchant["credentials"]["webhook_secret"], environment),
        "webhook_url": f"{public_url}/PGBReturn/Webhook/stripe/{token}",
    }


def _shop(shop: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    plain = {name: shop.get(name) for name in ("db_type", "joiner_id", "nation", "currency")}
    names = [name for name in ("api_key", "signing_secret", "publishable_key") if name in shop]
    return plain | {name: _expanded(shop[name], environment) for name in names}
