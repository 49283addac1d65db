"""Stripe's list of a period: charges, then refunds."""

import time

import pytest

from bridge.gateways.stripe import listing
from bridge.gateways.transactions import TransactionStatus
from tests.gateways.contract_transactions import REFUND, TransactionsContract, listed
from tests.gateways.stripe_peer import KONBINI, StripePeer


class ListingPeer(StripePeer):
    def give_back(self, gateway_id, amount):
        self.sandbox.stripe.refund(gateway_id, amount)

    def small_pages(self, size):
        self.patch.setattr(listing, "PAGE_SIZE", size)


@pytest.fixture
def peer(stripe_peer, monkeypatch):
    found = ListingPeer(stripe_peer.gateway, stripe_peer.sandbox, stripe_peer.settings)
    found.patch = monkeypatch
    return found


class TestStripeTransactions(TransactionsContract):
    @pytest.fixture
    def peer(self, peer):
        return peer


def test_konbini_payment_is_listed_when_its_money_came(peer):
    gateway_id = peer.start(**KONBINI).gateway_id
    peer.sandbox.stripe.pay(gateway_id, "later")
    payment = next(iter(peer.sandbox.stripe.books.payments.values()))
    payment.created -= 5 * 86400
    peer.sandbox.stripe.deposit(gateway_id)
    (one,) = listed(peer.gateway)
    assert (one.amount, one.currency) == (3300, "JPY")
    assert abs(one.at.timestamp() - time.time()) < 60


def test_konbini_refund_waits_for_the_buyer(peer):
    gateway_id = peer.start(**KONBINI).gateway_id
    peer.sandbox.stripe.pay(gateway_id, "later")
    peer.sandbox.stripe.deposit(gateway_id)
    peer.give_back(gateway_id, 300)
    assert [one.status for one in listed(peer.gateway) if one.kind is REFUND] == [TransactionStatus.PENDING]
    peer.sandbox.stripe.end_refund(gateway_id, "failed")
    assert [one.status for one in listed(peer.gateway) if one.kind is REFUND] == [TransactionStatus.FAILED]


@pytest.mark.parametrize(
    ("asked", "of_stripe", "amount", "status"),
    [
        ({"currency": "USD", "amount": 1050}, 1050, 1050, TransactionStatus.DONE),
        ({"currency": "ISK", "amount": 700}, 70000, 700, TransactionStatus.DONE),
        ({"currency": "ISK", "amount": 700}, 70050, 700, TransactionStatus.PENDING),
    ],
)
def test_amounts_are_in_our_units_and_never_rounded(peer, asked, of_stripe, amount, status):
    peer.sandbox.stripe.pay(peer.start(**asked).gateway_id)
    payment = next(iter(peer.sandbox.stripe.books.payments.values()))
    payment.captured = of_stripe
    (one,) = listed(peer.gateway)
    assert (one.amount, one.currency, one.status) == (amount, asked["currency"], status)


def test_payment_that_pgb_did_not_make_has_no_reference(peer):
    session = peer.sandbox.stripe.find(peer.start().gateway_id)
    session.params["payment_intent_data"] = {"metadata": {"order": "of another system"}}
    peer.sandbox.stripe.pay(session.id)
    assert [one.reference for one in listed(peer.gateway)] == [""]
