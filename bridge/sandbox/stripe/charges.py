"""The list of charges: each payment's latest, at the moment when its money came or was declined."""

from dataclasses import dataclass

from bridge.sandbox.books import Json, Payment, StripeBooks
from bridge.sandbox.stripe.accounts import Account
from bridge.sandbox.stripe.lists import listing, page
from bridge.sandbox.stripe.objects import Renderer, read_expand
from bridge.sandbox.stripe.requests import LIST_CHARGES, read_list


@dataclass
class _Charge:
    id: str
    account: str
    created: int
    payment: Payment


def list_charges(books: StripeBooks, render: Renderer, account: Account, tree: Json) -> Json:
    """GET /v1/charges, of a period or of one payment. The books must be locked."""
    params = read_list(LIST_CHARGES, tree)
    expand = read_expand(params, "charge", "data.")
    made = sorted((_charge(one) for one in books.payments.values() if one.charge), key=lambda one: one.created)

    def wanted(one: _Charge) -> bool:
        return bool(params.get("payment_intent", one.payment.id) == one.payment.id)

    found, more = page(account, {one.id: one for one in made}, params, "charge", wanted)
    return listing("/v1/charges", [render.charge(one.payment, expand) for one in found], more)


def _charge(one: Payment) -> _Charge:
    return _Charge(one.charge or "", one.account, one.charged, one)
