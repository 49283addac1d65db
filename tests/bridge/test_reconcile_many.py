"""A thousand differences of ten kinds among thousands of payments and refunds that agree: all found, none invented."""

import time
from collections import Counter
from itertools import cycle

from bridge import reconcile
from payments.models import Difference, Reconciliation
from tests.bridge.seeds import Seeds
from tests.sql import statements

EACH = 100
ALIKE = 2000


def payments_that_agree(books):
    for number in range(ALIKE):
        books.both(books.at(number * 86400 / ALIKE))
    for number in range(300):
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


def test_a_thousand_differences_are_all_found_and_none_is_invented(books):
    books.world.sandbox.recorder = None  # Stripe's spec is checked where one answer is enough
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
    assert Reconciliation.objects.get(merchant=books.world.merchant).not_ours == 300
