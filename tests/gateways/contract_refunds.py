"""The part of the contract about money going back: every refund is made once, and none is taken for another."""

import json
from dataclasses import replace
from uuid import uuid4

import pytest

from bridge.gateways.base import RefundStatus, Status
from bridge.gateways.errors import Denied, Refused, Unknown
from tests.gateways.peer import failing

ALL = 64900


class RefundsContract:
    """See Contract."""

    @pytest.fixture
    def paid(self, peer):
        """A payment of 64,900 won, as the gateway tells it."""
        return peer.gateway.fetch(peer.bring_to(Status.PAID))

    def test_refund_goes_back_and_is_told_by_our_own_id(self, peer, paid):
        asked = peer.cancel_request(paid, 900)
        made = peer.cancel(asked)
        assert (made.cancel_id, made.amount, made.status) == (asked.cancel_id, 900, RefundStatus.DONE)
        assert made.gateway_cancel_id
        assert peer.gateway.refunds(paid.gateway_payment_id) == (made,)
        assert peer.gateway.fetch(paid.gateway_id).returned == 900

    def test_two_equal_refunds_are_two(self, peer, paid):
        one, two = (peer.cancel(peer.cancel_request(paid, 900)) for _ in range(2))
        assert one.gateway_cancel_id != two.gateway_cancel_id
        assert peer.gateway.fetch(paid.gateway_id).returned == 1800

    def test_rest_after_a_part_is_the_rest_only(self, peer, paid):
        peer.cancel(peer.cancel_request(paid, 900))
        assert peer.cancel(peer.cancel_request(paid, ALL - 900)).amount == ALL - 900
        assert peer.gateway.fetch(paid.gateway_id).returned == ALL
        assert peer.left(paid) == 0

    @pytest.mark.parametrize("amount", [0, -900, None, 900.0, True, "900"])
    def test_refund_without_a_true_amount_is_never_said(self, peer, paid, amount):
        asked = replace(peer.cancel_request(paid, 900), amount=amount)
        assert type(failing(lambda: peer.gateway.cancel_body(asked), peer)) is Refused

    def test_stored_body_that_lost_its_amount_is_not_sent(self, peer, paid):
        """A gateway may take it for all that is left."""
        body = json.loads(peer.gateway.cancel_body(peer.cancel_request(paid, 900)))
        for damaged in ({name: one for name, one in body.items() if one != 900}, {**body, **peer.without_amount(body)}):
            call = peer.call(json.dumps(damaged))
            assert type(failing(lambda call=call: peer.gateway.cancel(call), peer)) is Refused
        assert peer.left(paid) == ALL

    def test_refund_of_an_unpaid_payment_is_refused(self, peer):
        known = peer.gateway.fetch(peer.start().gateway_id)
        assert type(failing(lambda: peer.cancel(peer.cancel_request(known, 900)), peer)) is Refused
        assert peer.gateway.refunds(known.gateway_payment_id) == ()

    def test_more_than_was_paid_is_refused(self, peer, paid):
        assert type(failing(lambda: peer.cancel(peer.cancel_request(paid, ALL + 1)), peer)) is Refused
        peer.cancel(peer.cancel_request(paid, 900))
        assert type(failing(lambda: peer.cancel(peer.cancel_request(paid, ALL)), peer)) is Refused
        assert peer.left(paid) == ALL - 900

    def test_refund_after_all_went_back_is_refused(self, peer, paid):
        peer.cancel(peer.cancel_request(paid, ALL))
        assert type(failing(lambda: peer.cancel(peer.cancel_request(paid, 1)), peer)) is Refused

    def test_refund_of_a_disputed_payment_is_refused(self, peer, paid):
        peer.dispute(paid)
        assert peer.gateway.fetch(paid.gateway_id).disputed is True
        assert type(failing(lambda: peer.cancel(peer.cancel_request(paid, 900)), peer)) is Refused
        assert peer.gateway.refunds(paid.gateway_payment_id) == ()

    def test_refund_that_takes_its_time_is_pending_until_it_went(self, peer, paid):
        peer.next_refund(RefundStatus.PENDING)
        made = peer.cancel(peer.cancel_request(paid, 900))
        assert made.status is RefundStatus.PENDING
        assert peer.gateway.refunds(paid.gateway_payment_id) == (made,)
        peer.end_refund(made, RefundStatus.DONE)
        assert peer.gateway.refunds(paid.gateway_payment_id) == (replace(made, status=RefundStatus.DONE),)

    @pytest.mark.parametrize("first", [RefundStatus.PENDING, RefundStatus.DONE])
    def test_refund_that_fails_later_is_told_and_its_money_can_go_again(self, peer, paid, first):
        peer.next_refund(first)
        made = peer.cancel(peer.cancel_request(paid, ALL))
        peer.end_refund(made, RefundStatus.FAILED)
        (told,) = peer.gateway.refunds(paid.gateway_payment_id)
        assert (told.gateway_cancel_id, told.status) == (made.gateway_cancel_id, RefundStatus.FAILED)
        assert told.code
        assert peer.gateway.fetch(paid.gateway_id).returned == 0
        assert peer.cancel(peer.cancel_request(paid, ALL)).status is RefundStatus.DONE

    def test_refund_that_fails_at_once_is_refused(self, peer, paid):
        peer.next_refund(RefundStatus.FAILED)
        refusal = failing(lambda: peer.cancel(peer.cancel_request(paid, 900)), peer)
        assert (type(refusal), bool(refusal.code)) == (Refused, True)
        assert peer.left(paid) == ALL

    def test_refund_in_the_gateways_console_is_listed_without_an_id_of_ours(self, peer, paid):
        ours = peer.cancel(peer.cancel_request(paid, 900))
        peer.console_refund(paid, 1000)
        found = {one.cancel_id: one for one in peer.gateway.refunds(paid.gateway_payment_id)}
        assert found[ours.cancel_id] == ours
        assert (found[""].amount, found[""].status) == (1000, RefundStatus.DONE)
        assert peer.gateway.fetch(paid.gateway_id).returned == 1900

    def test_refunds_of_another_payment_are_not_listed(self, peer, paid):
        peer.console_refund(peer.gateway.fetch(peer.bring_to(Status.PAID)), 1000)
        assert peer.gateway.refunds(paid.gateway_payment_id) == ()
        assert peer.gateway.refunds("") == ()

    def test_every_page_of_refunds_is_read(self, peer, paid, monkeypatch):
        monkeypatch.setattr(*peer.refund_page, 2)
        made = [peer.cancel(peer.cancel_request(paid, 100 + number)) for number in range(5)]
        listed = peer.gateway.refunds(paid.gateway_payment_id)
        assert len(listed) == 5
        assert set(listed) == set(made)

    # --- in doubt ------------------------------------------------------------------------------

    @pytest.mark.parametrize("fault", ["answer_lost", "answer_cut", "garbage"])
    def test_lost_refund_sent_again_is_the_same_refund(self, peer, paid, fault):
        asked = peer.cancel_request(paid, 900)
        call = peer.call(peer.gateway.cancel_body(asked))
        peer.sandbox.faults.add("cancel", fault)
        assert type(failing(lambda: peer.gateway.cancel(call), peer)) is Unknown
        (found,) = peer.gateway.refunds(paid.gateway_payment_id)
        assert (found.cancel_id, found.amount) == (asked.cancel_id, 900)
        assert peer.gateway.cancel(call) == found
        assert peer.left(paid) == ALL - 900

    def test_refund_that_never_arrived_is_made_by_the_same_call(self, peer, paid):
        call = peer.call(peer.gateway.cancel_body(peer.cancel_request(paid, 900)))
        peer.sandbox.faults.add("cancel", "drop")
        assert type(failing(lambda: peer.gateway.cancel(call), peer)) is Unknown
        assert peer.gateway.refunds(paid.gateway_payment_id) == ()
        assert peer.gateway.cancel(call).status is RefundStatus.DONE
        assert peer.left(paid) == ALL - 900

    def test_error_after_the_refund_is_in_doubt_and_found_by_looking(self, peer, paid):
        asked = peer.cancel_request(paid, 900)
        call = peer.call(peer.gateway.cancel_body(asked))
        peer.sandbox.faults.add("cancel", "error_after")
        for _ in range(2):
            try:
                peer.gateway.cancel(call)
            except Unknown:
                continue
        assert [one.cancel_id for one in peer.gateway.refunds(paid.gateway_payment_id)] == [asked.cancel_id]

    @pytest.mark.parametrize("field", ["amount", "reference"])
    def test_answer_about_another_refund_is_in_doubt(self, peer, paid, field):
        peer.sandbox.faults.add("cancel", "wrong", field=field)
        assert type(failing(lambda: peer.cancel(peer.cancel_request(paid, 900)), peer)) is Unknown

    def test_wrong_key_is_denied_and_says_nothing_of_an_earlier_try(self, peer, paid):
        stranger = peer.stranger()
        call = peer.call(peer.gateway.cancel_body(peer.cancel_request(paid, 900)))
        assert type(failing(lambda: stranger.cancel(call), peer)) is Denied
        assert type(failing(lambda: stranger.refunds(paid.gateway_payment_id), peer)) is Denied
        assert peer.left(paid) == ALL

    # --- told by a notice ----------------------------------------------------------------------

    def test_every_notice_about_money_going_back_leads_to_its_payment(self, peer, paid):
        made = peer.cancel(peer.cancel_request(paid, 900))
        peer.end_refund(made, RefundStatus.FAILED)
        peer.console_refund(paid, 1000)
        peer.dispute(paid)
        bodies = peer.money_back_events()
        said = set()
        for body in bodies:
            (notice,) = peer.verify(peer.sign(body, peer.secrets()[0]), body)
            assert notice.concerns_payment
            assert not isinstance(notice.claims, Status)
            said.add((notice.gateway_cancel_id, notice.claims))
            named = notice.gateway_payment_id
            assert paid.gateway_payment_id in (named, peer.gateway.payment_of(named)), notice
        assert said >= {(made.gateway_cancel_id, RefundStatus.FAILED), ("", "DISPUTED")}

    def test_part_that_is_not_there_belongs_to_no_payment(self, peer):
        for part in peer.unknown_parts():
            assert peer.gateway.payment_of(part) == ""
        assert peer.gateway.payment_of(f"nothing/{uuid4()}") == ""
        assert peer.gateway.payment_of("") == ""
