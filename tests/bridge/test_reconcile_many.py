"""A thousand differences of ten kinds among thousands of payments and refunds that agree: all found, none invented."""

import time
from collections import Counter
from datetime import timedelta
from functools import partial
from itertools import cycle

import pytest
from django.utils import timezone

from bridge import reconcile
from payments.models import Difference, DifferenceKind, Reconciliation
from tests.bridge.two_books import AMOUNT, TwoBooks
from tests.sql import statements

K = DifferenceKind
EACH = 100
ALIKE = 3000


@pytest.fixture
def books(world):
    world.sandbox.recorder = None  # Stripe's spec is checked where one answer is enough
    return TwoBooks(world, timezone.localdate() - timedelta(days=1))


def payments_that_agree(books):
    for number in range(ALIKE):
        books.both(books.at(number * 86400 / ALIKE))
    for number in range(500):
        books.both_back()
        books.theirs(reference="")  # of another system at the same account
        unpaid = books.ours(stage="EXPIRED")
        books.theirs(unpaid, captured=0)
        if number < 30:
            # What one side dates on the day before or after, by seconds or by days.
            for ours, theirs in ((-1, 5), (5, -1), (86399, 86405), (86405, 86399), (100, -3 * 86400)):
                session = books.ours(books.at(ours))
                books.theirs(session, books.at(theirs))
            session, payment = books.both(books.at(-86400))
            cancel = books.cancel(session, books.at(86399))
            books.refund(payment, cancel, books.at(86402))


class Seeds:
    """One difference of each kind, in more than one way: each method makes one and returns its subject."""

    def __init__(self, books, other):
        self.books, self.other = books, other

    def theirs(self, **changes):
        return self.books.theirs(self.books.ours(), **changes).id

    def not_there(self):
        return self.books.ours().reference

    def unpaid_there(self):
        session = self.books.ours()
        self.books.theirs(session, captured=0)
        return session.gateway_payment_id

    def unpaid_here(self, stage):
        return self.books.theirs(self.books.ours(stage=stage)).id

    def refund(self, **changes):
        session, payment = self.books.both()
        return self.books.refund(payment, self.books.cancel(session), **changes).id

    def refused_here(self):
        session, payment = self.books.both()
        cancel = self.books.cancel(session, state="REFUSED", gateway_cancel_id="")
        return self.books.refund(payment, cancel, id=f"re_{cancel.uuid}").id

    def refund_of_the_console(self):
        return self.books.refund(self.books.both()[1]).id

    def refund_not_there(self):
        return str(self.books.cancel(self.books.both()[0]).uuid)

    def paid_twice(self):
        session, _payment = self.books.both()
        again = f"{session.gateway_id}_again"
        return self.books.theirs(session, id=f"pi_{again}", checkout=again).id

    def refunded_twice(self):
        cancel, payment, refund = self.books.both_back()
        return self.books.refund(payment, cancel, id=f"{refund.id}_again").id

    def ways(self):
        return {
            K.MISSING_HERE: [lambda: self.books.theirs().id],
            K.MISSING_THERE: [self.not_there],
            K.AMOUNT: [
                partial(self.theirs, captured=AMOUNT - 1),
                partial(self.theirs, captured=AMOUNT * 100),
                partial(self.refund, amount=901),
            ],
            K.CURRENCY: [partial(self.theirs, currency="jpy")],
            K.STATE: [
                partial(self.unpaid_here, "STANDBY"),
                partial(self.unpaid_here, "EXPIRED"),
                self.unpaid_there,
                partial(self.refund, status="failed"),
                self.refused_here,
            ],
            K.REFUND_MISSING_HERE: [self.refund_of_the_console],
            K.REFUND_MISSING_THERE: [self.refund_not_there],
            K.WRONG_MID: [partial(self.theirs, account=self.other.mid)],
            K.TEST_LIVE: [partial(self.theirs, livemode=True)],
            K.DUPLICATE: [self.paid_twice, self.refunded_twice],
        }


def test_a_thousand_differences_are_all_found_and_none_is_invented(books):
    other = books.merchant("stripe-other")
    payments_that_agree(books)
    planted = {
        (kind, make())
        for kind, ways in Seeds(books, other).ways().items()
        for _number, make in zip(range(EACH), cycle(ways), strict=False)
    }
    assert len(planted) == 10 * EACH
    books.flush()
    begun = time.monotonic()
    with statements() as sent:
        runs = reconcile.one_day("stripe", books.day)
    seconds = time.monotonic() - begun
    listed = sum(run.payments + run.refunds + run.not_ours for run in runs)
    print(f"\n{listed} listed, {len(sent)} statements, {seconds:.1f} s")
    assert [run.state for run in runs] == ["DONE", "DONE"]
    found = set(Difference.objects.values_list("kind", "subject"))
    assert Counter(kind for kind, _ in found - planted) == {}, "invented"
    assert Counter(kind for kind, _ in planted - found) == {}, "not found"
    assert len(sent) <= 10 + 8 * listed / 1000 + 30
    assert Reconciliation.objects.get(merchant=books.world.merchant).not_ours == 500
