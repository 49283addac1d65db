"""From the checked keys of a call to what it asks for: the rules that depend on the shop."""

import hashlib
import json
from typing import Any

from bridge.cancel import Cancel
from bridge.errors import ErrorCode, ShopError
from bridge.redirects import is_allowed_url
from bridge.start import PayStart
from merchants.models import Shop
from payments import money

LONGEST_REQUEST_ID = 255


def pay_start_of(shop: Shop, wish: dict[str, Any]) -> PayStart:
    """Return a checked PayStart: the shop's nations, its currency, its list of hosts. Raises ShopError."""
    _check_nation(shop, wish)
    amount = _price("TotalPrice", wish["TotalPrice"], shop.currency)
    tax_free = _price("TaxFreePrice", wish["TaxFreePrice"], shop.currency)
    if amount == 0:
        raise ShopError(ErrorCode.INVALID_REQUEST, "TotalPrice: must be more than 0")
    if tax_free > amount:
        raise ShopError(ErrorCode.INVALID_REQUEST, "TaxFreePrice: must not be more than TotalPrice")
    for name in ("RedirectUrl", "CancelUrl"):
        if wish[name] and not is_allowed_url(wish[name], shop.redirect_hosts):
            message = f"{name}: must be an absolute https address whose host is on the shop's list at PGB"
            raise ShopError(ErrorCode.REDIRECT_NOT_ALLOWED, message)
    buyer = {"name": wish["BuyerName"], "email": wish["BuyerEmail"], "tel": wish["BuyerTel"]}
    return PayStart(
        shop=shop,
        joiner_id=wish["JoinerId"],
        order_id=wish["OrderId"],
        claim_id=wish["ClaimId"],
        nation=wish["NationCode"],
        method=wish["PayType"],
        gateway=wish.get("PGType"),
        device=wish["Device"],
        amount=amount,
        tax_free=tax_free,
        description=wish["OrderDescription"],
        redirect_url=wish["RedirectUrl"],
        cancel_url=wish["CancelUrl"] or wish["RedirectUrl"],
        buyer={name: value for name, value in buyer.items() if value},
    )


def _price(name: str, price: Any, currency: str) -> int:
    try:
        return money.parse(price, currency)
    except money.BadAmount as error:
        raise ShopError(ErrorCode.INVALID_REQUEST, f"{name}: {error}") from error


def cancel_of(shop: Shop, wish: dict[str, Any]) -> Cancel:
    """Return a checked PartialCancel or FullCancel. Raises ShopError."""
    _check_nation(shop, wish)
    if len(wish["RequestId"]) > LONGEST_REQUEST_ID:
        raise ShopError(ErrorCode.INVALID_REQUEST, f"webhook-id: must have at most {LONGEST_REQUEST_ID} characters")
    names = ("CurrentTotalPrice", "RefundPrice", "ModifedTotalPrice", "TaxFreePrice")
    prices = {name: _price(name, wish[name], shop.currency) for name in names if wish.get(name) is not None}
    refund, tax_free = prices.get("RefundPrice"), prices.get("TaxFreePrice")
    if refund == 0:
        raise ShopError(ErrorCode.INVALID_REQUEST, "RefundPrice: must be more than 0")
    if tax_free is not None and tax_free > (prices["CurrentTotalPrice"] if refund is None else refund):
        raise ShopError(ErrorCode.INVALID_REQUEST, "TaxFreePrice: must not be more than the refund")
    account = {name: wish[f"Refund{name.title()}"] for name in ("bank", "account", "holder")}
    return Cancel(
        shop=shop,
        joiner_id=wish["JoinerId"],
        order_id=wish["OrderId"],
        claim_id=wish["ClaimId"],
        current=prices["CurrentTotalPrice"],
        refund=refund,
        modified=prices.get("ModifedTotalPrice", 0),
        tax_free=tax_free,
        request_id=wish["RequestId"],
        digest=_digest({**wish, **prices}),
        reason=wish["Reason"],
        gateway=wish.get("PGType"),
        method=wish.get("PayType"),
        account=account if all(account.values()) else {},
    )


def _digest(wish: dict[str, Any]) -> str:
    """Return what is equal for equal requests, however their prices were written."""
    said = json.dumps({name: value for name, value in wish.items() if name != "RequestId"}, sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def _check_nation(shop: Shop, wish: dict[str, Any]) -> None:
    if wish["NationCode"] not in shop.nations:
        served = ", ".join(shop.nations)
        raise ShopError(ErrorCode.INVALID_REQUEST, f"NationCode: this shop serves {served} only")
