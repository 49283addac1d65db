"""Switching connections: what the preview says is what happens, all of it or nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from merchants import switching
from merchants.consequences import Change
from merchants.lookup import MethodNotConnected, NoMerchant
from merchants.models import MethodConnection
from merchants.order_pages import merchant_of
from merchants.switching import Refused, Stale, Wish
from tests.factories import ConnectionFactory, MerchantFactory, ShopFactory

pytestmark = pytest.mark.django_db

OFF = {"in_use": False}
UNWIRED = {"connected": False}


@pytest.fixture(autouse=True)
def shop():
    return ShopFactory(joiner_id=1001)


def states():
    return {row.pk: (row.connected, row.in_use) for row in MethodConnection.objects.all()}


def told(changes: list[Change]):
    """Page, device, lowest and highest amount, who charged and who will: a merchant's code, or why nobody does."""
    return [
        (str(one.page), one.device, one.low, one.high, *(_name(answer) for answer in (one.before, one.after)))
        for one in changes
    ]


def _name(answer):
    merchant = merchant_of(answer)
    return merchant.code if merchant else answer


def shown(wish, *rows):
    return told(switching.preview(wish, [row.pk for row in rows]).changes)


def do(wish, *rows):
    keys = [row.pk for row in rows]
    return switching.carry_out(wish, keys, switching.preview(wish, keys).fingerprint)


class TestPreview:
    def test_changes_nothing(self):
        row = ConnectionFactory()
        before = states()
        switching.preview(Wish.DISCONNECT, [row.pk])
        assert states() == before

    def test_says_who_charges_now_and_afterwards(self):
        row = ConnectionFactory(merchant__code="one")
        plan = switching.preview(Wish.UNUSE, [row.pk])
        assert told(plan.changes) == [("KR1/1001/KR", "any", 0, None, "one", MethodNotConnected)]
        assert plan.named == []

    def test_the_next_priority_stands_in(self):
        row = ConnectionFactory(merchant__code="one", priority=1)
        ConnectionFactory(merchant__code="two", priority=2)
        assert shown(Wish.DISCONNECT, row) == [("KR1/1001/KR", "any", 0, None, "one", "two")]

    def test_nothing_changes_where_another_row_decides(self):
        ConnectionFactory(merchant__code="one", priority=1)
        row = ConnectionFactory(merchant__code="two", priority=2)
        assert shown(Wish.DISCONNECT, row) == []

    def test_the_same_merchant_by_another_row_is_no_change(self):
        row = ConnectionFactory(priority=1)
        ConnectionFactory(priority=2, merchant=row.merchant)
        assert shown(Wish.DISCONNECT, row) == []

    def test_a_rows_band_bounds_the_change(self):
        ConnectionFactory(merchant__code="all", priority=2)
        row = ConnectionFactory(merchant__code="some", priority=1, min_amount=1000, max_amount=5000)
        assert shown(Wish.DISCONNECT, row) == [("KR1/1001/KR", "any", 1000, 5000, "some", "all")]

    def test_a_rows_device_bounds_the_change(self):
        ConnectionFactory(merchant__code="all")
        row = ConnectionFactory(merchant__code="phones", device="mobile", connected=False)
        assert shown(Wish.CONNECT, row) == [("KR1/1001/KR", "mobile", 0, None, MethodNotConnected, "phones")]

    def test_every_page_that_the_row_reaches(self):
        """A joiner of its own, a shop for all other joiners, a joiner that only has connections; no closed shop."""
        ShopFactory(joiner_id=None)
        ShopFactory(joiner_id=1002, is_active=False)
        ShopFactory(db_type="KR2", joiner_id=None)
        ConnectionFactory(joiner_id=7, method__code="BANK")
        row = ConnectionFactory()
        pages = [page for page, *_rest in shown(Wish.UNUSE, row)]
        assert pages == ["KR1/*/KR", "KR1/7/KR", "KR1/1001/KR"]

    def test_a_more_specific_row_shields_its_page(self):
        ShopFactory(joiner_id=1002)
        ConnectionFactory(joiner_id=1002)
        assert [page for page, *_rest in shown(Wish.UNUSE, ConnectionFactory())] == ["KR1/1001/KR"]

    def test_a_change_that_begins_later_says_when(self):
        start = timezone.now() + timedelta(days=3)
        ConnectionFactory(merchant__code="now", priority=2)
        row = ConnectionFactory(merchant__code="later", priority=1, starts_at=start)
        [change] = switching.preview(Wish.DISCONNECT, [row.pk]).changes
        assert (change.since, told([change])[0][-2:]) == (start, ("later", "now"))

    def test_calls_that_name_the_gateway(self, settings):
        """Who asks for Inicis by name is refused, though the order page goes on with Stripe."""
        settings.PGB_GATEWAYS = {"stripe": "", "inicis": ""}
        ConnectionFactory(merchant__code="one", priority=1)
        row = ConnectionFactory(merchant__code="two", merchant__gateway="inicis", priority=2)
        plan = switching.preview(Wish.DISCONNECT, [row.pk])
        assert plan.changes == []
        assert [(one.gateway, *told([one])[0][-2:]) for one in plan.named] == [("inicis", "two", MethodNotConnected)]

    def test_a_merchant_that_may_not_charge_changes_nothing(self):
        assert shown(Wish.UNUSE, ConnectionFactory(merchant__is_active=False)) == [
            ("KR1/1001/KR", "any", 0, None, NoMerchant, MethodNotConnected)
        ]


class TestCarryOut:
    @pytest.mark.parametrize(
        ("wish", "now", "then"),
        [
            (Wish.CONNECT, UNWIRED | OFF, (True, False)),
            (Wish.DISCONNECT, {}, (False, True)),
            (Wish.USE, OFF, (True, True)),
            (Wish.UNUSE, UNWIRED, (False, False)),
            (Wish.CONNECT, {}, (True, True)),
        ],
    )
    def test_switches(self, wish, now, then):
        row = ConnectionFactory(**now)
        do(wish, row)
        assert states() == {row.pk: then}

    def test_move_switches_the_others_of_the_key_off(self):
        old, spare, band, phone = (
            ConnectionFactory(priority=1, max_amount=500),
            ConnectionFactory(priority=2),
            ConnectionFactory(priority=3, min_amount=1001),
            ConnectionFactory(device="mobile"),
        )
        new = ConnectionFactory(priority=1, max_amount=1000, **UNWIRED | OFF)
        do(Wish.MOVE, new)
        on, off = (True, True), (False, True)
        assert states() == {old.pk: off, spare.pk: off, band.pk: on, phone.pk: on, new.pk: on}

    @pytest.mark.parametrize("codes", [("old", "new"), ("new", "old")])
    def test_move_to_the_same_priority(self, codes):
        """Whichever was made first: what goes off makes room before."""
        rows = {code: ConnectionFactory(priority=1, merchant__code=code, connected=code == "old") for code in codes}
        assert shown(Wish.MOVE, rows["new"]) == [("KR1/1001/KR", "any", 0, None, "old", "new")]
        do(Wish.MOVE, rows["new"])
        assert states() == {rows["old"].pk: (False, True), rows["new"].pk: (True, True)}


class TestRefusal:
    def refusal(self, wish, *rows):
        before = states()
        with pytest.raises(Refused) as error:
            do(wish, *rows)
        assert states() == before
        return " ".join(error.value.problems)

    def test_an_overlap_names_the_other_row(self):
        other = ConnectionFactory(priority=1)
        row = ConnectionFactory(priority=1, connected=False)
        fine = ConnectionFactory(method__code="BANK", connected=False)
        said = self.refusal(Wish.CONNECT, fine, row)
        assert str(row) in said and str(other) in said and str(fine) not in said

    def test_two_chosen_rows_that_overlap(self):
        rows = [ConnectionFactory(priority=1, connected=False) for _ in range(2)]
        assert str(rows[0]) in self.refusal(Wish.CONNECT, *rows)

    def test_a_gateway_without_a_class(self):
        row = ConnectionFactory(merchant__gateway="inicis", connected=False)
        assert "KG이니시스와(과) 통신하지 못합니다" in self.refusal(Wish.CONNECT, row)

    def test_a_sub_method(self):
        assert "부결제수단" in self.refusal(Wish.USE, ConnectionFactory(method__code="POINT", in_use=False))

    def test_what_goes_off_is_not_checked(self, shop):
        row = ConnectionFactory(merchant=MerchantFactory(currency="JPY"))
        do(Wish.DISCONNECT, row)
        assert states() == {row.pk: (False, True)}

    def test_a_row_that_is_gone(self):
        row = ConnectionFactory()
        gone = ConnectionFactory()
        keys = [row.pk, gone.pk]
        gone.delete()
        with pytest.raises(Refused, match="없어진"):
            switching.preview(Wish.DISCONNECT, keys)

    def test_too_many_at_once(self):
        with pytest.raises(Refused, match="300"):
            switching.preview(Wish.DISCONNECT, range(301))


class TestStale:
    def change_meanwhile(self, row, change):
        plan = switching.preview(Wish.UNUSE, [row.pk])
        change()
        before = states()
        with pytest.raises(Stale):
            switching.carry_out(Wish.UNUSE, [row.pk], plan.fingerprint)
        assert states() == before

    def test_the_row_changed(self):
        row = ConnectionFactory()
        self.change_meanwhile(row, lambda: MethodConnection.objects.update(priority=99))

    def test_another_row_changed_what_order_pages_show(self):
        row = ConnectionFactory(priority=2)
        self.change_meanwhile(row, lambda: ConnectionFactory(priority=1))

    def test_a_merchant_was_closed(self):
        row = ConnectionFactory()

        def close():
            row.merchant.is_active = False
            row.merchant.save()

        self.change_meanwhile(row, close)

    def test_somebody_did_the_same(self):
        row = ConnectionFactory()
        self.change_meanwhile(row, lambda: do(Wish.UNUSE, row))

    def test_another_methods_row_matters_not(self):
        row = ConnectionFactory()
        plan = switching.preview(Wish.UNUSE, [row.pk])
        ConnectionFactory(method__code="BANK")
        switching.carry_out(Wish.UNUSE, [row.pk], plan.fingerprint)
        assert not MethodConnection.objects.get(pk=row.pk).in_use
