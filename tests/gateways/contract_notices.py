"""The part of the contract about notifications: nothing is believed that the gateway did not sign."""

import json

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as how
from hypothesis import strategies as st

from bridge.gateways.base import Status
from bridge.gateways.errors import BadNotice

# The fixtures are only read.
ANY = how(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


class NoticesContract:
    """See Contract."""

    @pytest.fixture
    def signed(self, peer):
        """The headers and the body of a true notification, and the payment that it is about."""
        if not peer.gateway.capabilities.signed_webhooks:
            pytest.skip("this gateway does not sign")
        gateway_id = peer.bring_to(Status.PAID)
        body = peer.event(gateway_id)
        return peer.sign(body, peer.secrets()[0]), body, gateway_id

    def test_signed_notice_names_the_payment(self, peer, signed):
        headers, body, gateway_id = signed
        (notice,) = peer.verify(headers, body)
        reference = peer.started[gateway_id].reference
        assert gateway_id == notice.gateway_id or reference == notice.reference
        assert notice.livemode is peer.gateway.account.livemode
        assert notice.concerns_payment
        assert notice.claims in (Status.PAID, None)
        assert notice.kind

    def test_repeat_has_the_same_key_and_another_event_another(self, peer, signed):
        headers, body, _ = signed
        keys = [notice.dedupe_key for _ in range(2) for notice in peer.verify(headers, body)]
        other = peer.event(peer.bring_to(Status.PAID))
        keys += [notice.dedupe_key for notice in peer.verify(peer.sign(other, peer.secrets()[0]), other)]
        assert keys[0] == keys[1] != keys[2]

    def test_either_secret_signs_while_one_is_being_replaced(self, peer, signed):
        _, body, _ = signed
        both = ["whsec_one_of_two_secrets", "whsec_two_of_two_secrets"]
        for secret in both:
            assert peer.verify(peer.sign(body, secret), body, both)

    def test_secrets_are_those_of_the_account(self, peer):
        assert peer.secrets()
        assert set(peer.secrets()) <= set(peer.gateway.account.credentials.values())
        assert peer.gateway.webhook_secrets(dict.fromkeys(peer.gateway.account.credentials, "")) == []

    def test_notice_of_another_is_refused(self, peer, signed):
        headers, body, _ = signed
        for secrets in (["whsec_of_somebody_else"], []):
            with pytest.raises(BadNotice):
                peer.verify(headers, body, secrets)

    def test_notice_without_signature_is_refused(self, peer, signed):
        _, body, _ = signed
        with pytest.raises(BadNotice):
            peer.verify({}, body)

    def test_changed_notice_is_refused(self, peer, signed):
        headers, body, _ = signed
        for changed in (body + b" ", body[:-1], body.replace(b"64900", b"64901"), b""):
            assert changed != body
            with pytest.raises(BadNotice):
                peer.verify(headers, changed)

    @ANY
    @given(body=st.binary(), value=st.text())
    @example(body=b"{}", value="\udcff")
    def test_nothing_but_a_bad_notice_comes_of_any_bytes(self, peer, signed, body, value):
        for headers in (signed[0], dict.fromkeys(signed[0], value)):
            with pytest.raises(BadNotice):
                peer.verify(headers, body)

    @ANY
    @given(value=JSON)
    def test_nothing_but_a_bad_notice_comes_of_any_signed_json(self, peer, signed, value):
        self._sign_and_verify(peer, json.dumps(value).encode())

    @ANY
    @given(data=st.data(), value=JSON)
    def test_nothing_but_a_bad_notice_comes_of_a_garbled_event(self, peer, signed, data, value):
        """One part of a true event, at any depth, is something else or missing."""
        event = json.loads(signed[1])
        node = event
        while True:
            name = data.draw(st.sampled_from(sorted(node)))
            if isinstance(node[name], dict) and node[name] and data.draw(st.booleans()):
                node = node[name]
                continue
            if data.draw(st.booleans()):
                del node[name]
            else:
                node[name] = value
            break
        self._sign_and_verify(peer, json.dumps(event).encode())

    @pytest.mark.parametrize("body", [b"[]", b"null", b"{}", b"", b"1", b"\xff", b"[" * 100_000, b'{"id":' * 100_000])
    def test_signed_garbage_is_refused(self, peer, signed, body):
        with pytest.raises(BadNotice):
            peer.verify(peer.sign(body, peer.secrets()[0]), body)

    def _sign_and_verify(self, peer, body):
        try:
            (notice,) = peer.verify(peer.sign(body, peer.secrets()[0]), body)
        except BadNotice:
            return
        for text in (notice.dedupe_key, notice.kind, notice.reference, notice.gateway_id, notice.gateway_payment_id):
            assert len(text) <= 255
            assert text.isprintable()  # what the database takes

    def test_gateway_is_answered_as_it_expects(self, peer):
        accepted, refused = peer.gateway.ack(True), peer.gateway.ack(False)
        assert 200 <= accepted[0] < 300
        assert 400 <= refused[0] < 500
        assert accepted[1] and refused[1]
