"""What every adapter must do, whatever its gateway: tested against the gateway's sandbox over real HTTP.

A gateway's test file subclasses ``Contract`` and gives it a Peer. The tests have no database: an adapter that
touches one fails.
"""

import logging
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from bridge.gateways.base import Fetched, PageKind, Status
from bridge.gateways.errors import Denied, NotSent, Refused, Unknown
from bridge.sandbox.broken import GARBAGE
from tests.gateways.contract_notices import NoticesContract
from tests.gateways.contract_refunds import RefundsContract
from tests.gateways.peer import MARGIN, SECONDS, Peer, failing

STATUSES = (Status.OPEN, Status.WAITING_DEPOSIT, Status.PAID, Status.FAILED, Status.EXPIRED)
# What an adapter asks of a gateway, each as (the sandbox's name for it, what to prepare, what to do).
Prepared = Callable[[], Any]
CALLS: dict[str, tuple[str, Callable[[Peer], Prepared]]] = {
    "start": ("start", lambda peer: peer.start),
    "fetch": ("fetch", lambda peer: partial(peer.gateway.fetch, peer.start().gateway_id)),
    "find": ("list", lambda peer: partial(peer.find, "NOBODYS")),
    "expire": ("expire", lambda peer: partial(peer.expire, peer.start().gateway_id)),
    "cancel": ("cancel", lambda peer: partial(peer.cancel, peer.cancel_request(_paid(peer), 900))),
    "refunds": ("refunds", lambda peer: partial(peer.gateway.refunds, _paid(peer).gateway_payment_id)),
    "check": ("check", lambda peer: peer.gateway.check),
}


def _paid(peer: Peer) -> Fetched:
    found = peer.gateway.fetch(peer.bring_to(Status.PAID))
    assert found is not None
    return found


DOUBTFUL: dict[str, dict[str, Any]] = {
    "closed without an answer": {"kind": "drop"},
    "reset without an answer": {"kind": "drop", "reset": True},
    "answer lost": {"kind": "answer_lost"},
    "answer cut": {"kind": "answer_cut"},
    "late answer": {"kind": "latency", "seconds": 3 * SECONDS},
    "slow drip": {"kind": "drip", "seconds": 0.05},
    "endless answer": {"kind": "endless"},
    **{f"{status} instead of it": {"kind": "error_before", "status": status} for status in (500, 502, 503, 504)},
    **{f"{status} after it": {"kind": "error_after", "status": status} for status in (500, 502, 503, 504)},
    **{f"garbage: {body}": {"kind": "garbage", "body": body} for body in GARBAGE},
}


class Contract(NoticesContract, RefundsContract):
    """The tests. A subclass gives the fixture ``peer``."""

    @pytest.fixture(autouse=True)
    def no_key_in_the_log(self, peer, caplog):
        """Not even in the debug lines of the libraries beneath."""
        caplog.set_level(logging.DEBUG)
        for name in ("stripe", "urllib3"):
            caplog.set_level(logging.DEBUG, logger=name)
        yield
        assert not any(secret in caplog.text for secret in peer.gateway.account.credentials.values())

    # --- opening -------------------------------------------------------------------------------

    def test_start_opens_a_page(self, peer):
        opened = peer.start()
        assert opened.gateway_id
        assert opened.page in PageKind
        assert opened.url.startswith(peer.sandbox.url)

    def test_same_body_under_the_same_key_is_the_same_payment(self, peer):
        call = peer.call(peer.gateway.start_body(peer.request()))
        assert peer.gateway.start(call) == peer.gateway.start(call)

    def test_body_is_text_that_says_all(self, peer):
        """It is stored before the call: another process sends it from there."""
        body = peer.gateway.start_body(peer.request(description='"명함" 👍\n'))
        assert isinstance(body, str)
        opened = type(peer.gateway)(peer.gateway.account).start(peer.call(body.encode().decode()))
        assert peer.gateway.fetch(opened.gateway_id).status is Status.OPEN

    def test_payment_that_the_gateway_refuses_is_refused(self, peer):
        body = peer.gateway.start_body(peer.unpayable())
        assert type(failing(lambda: peer.gateway.start(peer.call(body)), peer)) is Refused

    @pytest.mark.parametrize("change", [{"method": "POINT"}, {"method": "NONE"}, {"currency": "XXZ"}])
    def test_payment_that_cannot_be_said_is_refused_before_the_call(self, peer, change):
        assert type(failing(lambda: peer.gateway.start_body(peer.request(**change)), peer)) is Refused

    def test_every_method_of_the_record_can_be_said(self, peer):
        for method in peer.gateway.capabilities.methods:
            peer.gateway.start_body(peer.request(method=method))

    # --- looking -------------------------------------------------------------------------------

    @pytest.mark.parametrize("status", STATUSES)
    def test_payment_is_told_as_it_is(self, peer, status):
        if status not in peer.statuses:
            pytest.skip("not at this gateway")
        gateway_id = peer.bring_to(status)
        asked, found = peer.started[gateway_id], peer.gateway.fetch(gateway_id)
        assert (found.status, found.gateway_id, found.reference) == (status, gateway_id, asked.reference)
        assert (found.amount, found.currency) == (asked.amount, asked.currency)
        assert found.livemode is peer.gateway.account.livemode
        assert found.received == (asked.amount if status is Status.PAID else 0)
        assert (found.returned, found.disputed) == (0, False)
        assert bool(found.page_url) is (status is Status.OPEN)
        assert found.raw_status
        assert peer.find(asked.reference) == found

    def test_payment_that_is_not_there_is_none(self, peer):
        opened = peer.start()
        wrong = opened.gateway_id[:-1] + ("0" if opened.gateway_id[-1] != "0" else "1")
        assert peer.gateway.fetch(wrong) is None
        assert peer.find("NOBODYS") is None

    def test_payment_is_found_in_its_period_only(self, peer):
        reference = peer.started[peer.start().gateway_id].reference
        now = timezone.now()
        assert peer.gateway.find(reference, now - MARGIN, now + MARGIN).reference == reference
        assert peer.gateway.find(reference, now - 3 * MARGIN, now - MARGIN) is None
        assert peer.gateway.find(reference, now + MARGIN, now + 3 * MARGIN) is None

    # --- closing -------------------------------------------------------------------------------

    def test_closed_payment_cannot_be_paid(self, peer):
        opened = peer.start()
        peer.expire(opened.gateway_id)
        with pytest.raises(ValueError):
            peer.pay(opened.gateway_id)
        assert peer.gateway.fetch(opened.gateway_id).status is Status.EXPIRED

    @pytest.mark.parametrize("status", [Status.PAID, Status.WAITING_DEPOSIT])
    def test_what_was_approved_cannot_be_closed(self, peer, status):
        if status not in peer.statuses:
            pytest.skip("not at this gateway")
        gateway_id = peer.bring_to(status)
        assert type(failing(lambda: peer.expire(gateway_id), peer)) is Refused
        assert peer.gateway.fetch(gateway_id).status is status

    def test_closing_what_is_not_there_is_refused(self, peer):
        assert type(failing(lambda: peer.expire("not_there"), peer)) is Refused

    # --- in doubt ------------------------------------------------------------------------------

    @pytest.mark.parametrize("fault", DOUBTFUL)
    @pytest.mark.parametrize("name", CALLS)
    def test_no_clear_answer_is_unknown_and_not_asked_again(self, peer, name, fault):
        operation, prepare = CALLS[name]
        act = prepare(peer)
        peer.hurry()
        planned = peer.sandbox.faults.add(operation, times=None, **DOUBTFUL[fault])
        assert type(failing(act, peer)) is Unknown
        assert planned.hits == 1
        peer.sandbox.faults.clear()
        peer.hurry(10)
        assert peer.gateway.fetch(peer.start().gateway_id).status is Status.OPEN  # the next call is none the worse

    @pytest.mark.parametrize("name", CALLS)
    def test_what_nobody_listens_to_is_not_sent(self, peer, name):
        act = CALLS[name][1](peer)
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            setattr(peer.settings, peer.base_url, f"http://127.0.0.1:{nobody.getsockname()[1]}")
            assert type(failing(act, peer)) is NotSent

    @pytest.mark.parametrize("name", CALLS)
    def test_nothing_is_sent_without_encryption(self, peer, name):
        act = CALLS[name][1](peer)
        setattr(peer.settings, peer.base_url, "http://gateway.example")
        error = failing(act, peer)
        assert (type(error), error.code) == (NotSent, "plain_http")

    @pytest.mark.parametrize("fault", ["answer_lost", "error_after"])
    def test_payment_in_doubt_is_found_by_our_reference(self, peer, fault):
        request = peer.request()
        call = peer.call(peer.gateway.start_body(request))
        peer.sandbox.faults.add("start", fault)
        assert type(failing(lambda: peer.gateway.start(call), peer)) is Unknown
        found = peer.find(request.reference)
        assert (found.status, found.reference, found.amount) == (Status.OPEN, request.reference, request.amount)

    def test_lost_opening_sent_again_is_the_same_payment(self, peer):
        request = peer.request()
        call = peer.call(peer.gateway.start_body(request))
        peer.sandbox.faults.add("start", "answer_lost")
        failing(lambda: peer.gateway.start(call), peer)
        assert peer.gateway.start(call).gateway_id == peer.find(request.reference).gateway_id

    def test_lost_closing_sent_again_is_done(self, peer):
        opened = peer.start()
        call = peer.call(peer.gateway.expire_body(opened.gateway_id))
        peer.sandbox.faults.add("expire", "answer_lost")
        assert type(failing(lambda: peer.gateway.expire(call), peer)) is Unknown
        peer.gateway.expire(call)
        assert peer.gateway.fetch(opened.gateway_id).status is Status.EXPIRED

    def test_wrong_key_is_refused(self, peer):
        opened = peer.start()
        stranger = peer.stranger()
        assert type(failing(lambda: stranger.fetch(opened.gateway_id), peer)) is Denied
        assert type(failing(stranger.check, peer)) is Denied
        body = stranger.start_body(peer.request())
        assert type(failing(lambda: stranger.start(peer.call(body)), peer)) is Denied

    def test_keys_tell_whose_they_are(self, peer):
        account, owner = peer.gateway.account, peer.gateway.check()
        assert owner.mid in ("", account.mid)
        assert owner.livemode in (None, account.livemode)

    def test_records_show_no_secret(self, peer):
        account, request = peer.gateway.account, peer.request()
        shown = repr(account) + repr(request) + repr(peer.call("body-of-call"))
        hidden = [*account.credentials.values(), *request.buyer.values(), "body-of-call"]
        assert not any(secret in shown for secret in hidden)
