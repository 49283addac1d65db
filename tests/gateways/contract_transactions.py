"""What every adapter that can report must list: each payment that brought money, and each refund, once.

A gateway's test file subclasses ``TransactionsContract`` and gives it a Peer with ``give_back`` and ``small_pages``.
"""

import socket
from datetime import timedelta

import pytest
from django.utils import timezone

from bridge.gateways.base import CancelRequest, Status
from bridge.gateways.errors import NotSent, Refused, Unknown
from bridge.gateways.transactions import TransactionKind, TransactionStatus
from tests.gateways.contract import DOUBTFUL, STATUSES
from tests.gateways.peer import failing

SECOND = timedelta(seconds=1)
PAYMENT, REFUND = TransactionKind


def listed(gateway, since=None, until=None):
    """All of the period (today's, unless it is given), page by page."""
    now = timezone.now()
    found, after, pages = [], "", 0
    while pages < 100:
        page = gateway.list_transactions(since or now - timedelta(hours=1), until or now + 2 * SECOND, after)
        found += page.transactions
        after, pages = page.after, pages + 1
        if not after:
            return found
    raise AssertionError("the list has no end")


class TransactionsContract:
    """The tests. A subclass gives the fixture ``peer``."""

    def test_payment_is_listed_as_it_was_paid(self, peer):
        gateway_id = peer.bring_to(Status.PAID)
        asked, known = peer.started[gateway_id], peer.gateway.fetch(gateway_id)
        (one,) = listed(peer.gateway)
        assert (one.kind, one.status) == (PAYMENT, TransactionStatus.DONE)
        assert (one.gateway_payment_id, one.reference) == (known.gateway_payment_id, asked.reference)
        assert (one.amount, one.currency) == (asked.amount, asked.currency)
        assert one.livemode in (None, peer.gateway.account.livemode)
        assert one.mid in ("", peer.gateway.account.mid)
        assert abs(one.at - timezone.now()) < timedelta(minutes=1)

    @pytest.mark.parametrize("status", [status for status in STATUSES if status is not Status.PAID])
    def test_what_brought_no_money_is_not_listed(self, peer, status):
        if status not in peer.statuses:
            pytest.skip("not at this gateway")
        peer.bring_to(status)
        assert listed(peer.gateway) == []

    def test_refund_is_listed_with_our_own_id(self, peer):
        known = peer.gateway.fetch(peer.bring_to(Status.PAID))
        body = peer.gateway.cancel_body(
            CancelRequest(
                cancel_id="our-own-id",
                reference=known.reference,
                gateway_id=known.gateway_id,
                gateway_payment_id=known.gateway_payment_id,
                amount=900,
                currency=known.currency,
                balance_before=known.amount,
                tax_free=0,
                reason="",
            )
        )
        made = peer.gateway.cancel(peer.call(body))
        (one,) = [one for one in listed(peer.gateway) if one.kind is REFUND]
        assert (one.gateway_cancel_id, one.cancel_id) == (made.gateway_cancel_id, "our-own-id")
        assert (one.gateway_payment_id, one.reference) == (known.gateway_payment_id, known.reference)
        assert (one.status, one.amount, one.currency) == (TransactionStatus.DONE, 900, known.currency)

    def test_refund_of_the_console_is_listed_without_one(self, peer):
        gateway_id = peer.bring_to(Status.PAID)
        peer.give_back(gateway_id, 900)
        (one,) = [one for one in listed(peer.gateway) if one.kind is REFUND]
        assert (one.amount, one.cancel_id) == (900, "")
        assert one.gateway_payment_id == peer.gateway.fetch(gateway_id).gateway_payment_id

    def test_period_begins_with_its_first_moment_and_ends_before_its_last(self, peer):
        peer.bring_to(Status.PAID)
        (one,) = listed(peer.gateway)
        assert listed(peer.gateway, one.at, one.at + SECOND) == [one]
        assert listed(peer.gateway, one.at - SECOND, one.at) == []
        assert listed(peer.gateway, one.at + SECOND, one.at + 2 * SECOND) == []

    def test_each_is_listed_once_however_many_pages_there_are(self, peer):
        peer.small_pages(2)
        paid = [peer.bring_to(Status.PAID) for _ in range(5)]
        for gateway_id in paid[:3]:
            peer.give_back(gateway_id, 900)
        found = listed(peer.gateway)
        references = sorted(peer.started[gateway_id].reference for gateway_id in paid)
        assert sorted(one.reference for one in found if one.kind is PAYMENT) == references
        assert len({one.gateway_cancel_id for one in found if one.kind is REFUND}) == 3
        assert len(found) == 8

    @pytest.mark.parametrize("fault", DOUBTFUL)
    def test_no_clear_answer_is_unknown_and_not_asked_again(self, peer, fault):
        peer.bring_to(Status.PAID)
        peer.hurry()
        planned = peer.sandbox.faults.add("report", times=None, **DOUBTFUL[fault])
        assert type(failing(lambda: listed(peer.gateway), peer)) is Unknown
        assert planned.hits == 1

    def test_what_nobody_listens_to_is_not_sent(self, peer):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            setattr(peer.settings, peer.base_url, f"http://127.0.0.1:{nobody.getsockname()[1]}")
            assert type(failing(lambda: listed(peer.gateway), peer)) is NotSent

    def test_wrong_key_is_refused(self, peer):
        assert isinstance(failing(lambda: listed(peer.stranger()), peer), Refused)
