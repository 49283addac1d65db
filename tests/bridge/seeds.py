"""Differences to be found: at least one way to each kind."""

from functools import partial

from payments.models import DifferenceKind as K
from tests.bridge.two_books import AMOUNT


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
