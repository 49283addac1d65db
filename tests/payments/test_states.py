"""The table of stages: every move that the design lists, and no other."""

from itertools import pairwise, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payments.states import HOLDING, LIVE, MOVES, UNPAID_ENDS, ForbiddenMove, Stage, StaleStage, allowed, move
from tests.payments.factories import PaymentSessionFactory

# Written out once more by hand, from the design: (from) -> (to, to ...).
DESIGN = {
    "STANDBY": "CONFIRMING WAITING_DEPOSIT PAID FAILED EXPIRED CANCELLED REVIEW",
    "CONFIRMING": "WAITING_DEPOSIT PAID FAILED EXPIRED CANCELLED REVIEW",
    "WAITING_DEPOSIT": "PAID FAILED EXPIRED CANCELLED REVIEW",
    "PAID": "PARTIALLY_CANCELLED CANCELLED WAITING_DEPOSIT",
    "PARTIALLY_CANCELLED": "PAID CANCELLED",
    "CANCELLED": "PAID PARTIALLY_CANCELLED REVIEW",
    "FAILED": "PAID REVIEW",
    "EXPIRED": "PAID REVIEW",
    "REVIEW": "PAID CANCELLED FAILED",
}
AMOUNT = 1000
WALKING = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
MONEY = {"PAID": {"paid": AMOUNT, "cancelled": 0}, "PARTIALLY_CANCELLED": {"paid": AMOUNT, "cancelled": 400}}
WALKS = st.lists(st.sampled_from(Stage), min_size=1, max_size=12)


def listed(origin, target, ever_paid):
    if origin == "CANCELLED" and not ever_paid:
        return target == "REVIEW"
    return target in DESIGN[origin].split()


def money_at(stage, session):
    """What the books would hold after a move there."""
    cancelled = {"cancelled": session.paid} if stage == "CANCELLED" else {}
    return MONEY.get(stage, cancelled)


def test_the_table_is_the_designs():
    for origin, target, ever_paid in product(Stage, Stage, [False, True]):
        assert allowed(origin, target, ever_paid=ever_paid) == listed(origin, target, ever_paid), (origin, target)


def test_every_stage_is_in_the_table_and_the_groups_are_the_designs():
    assert set(MOVES) == set(Stage)
    groups = [sorted(group) for group in (LIVE, HOLDING, UNPAID_ENDS)]
    assert groups == [
        ["CONFIRMING", "STANDBY", "WAITING_DEPOSIT"],
        ["PAID", "PARTIALLY_CANCELLED"],
        ["EXPIRED", "FAILED"],
    ]


@pytest.fixture
def session(db):
    return PaymentSessionFactory(amount=AMOUNT)


def walk(session, targets):
    """Try each move in turn; returns the stages that the row went through, read from the database."""
    rows = type(session).objects.filter(pk=session.pk)
    rows.update(stage="STANDBY", paid=0, cancelled=0)
    session.refresh_from_db()
    seen = ["STANDBY"]
    for target in targets:
        before = (session.stage, session.paid)
        if listed(session.stage, target, session.paid > 0):
            move(session, target, **money_at(target, session))
        else:
            with pytest.raises(ForbiddenMove):
                move(session, target, **money_at(target, session))
            assert rows.values_list("stage", "paid").get() == before
        stage = rows.values_list("stage", flat=True).get()
        assert stage == session.stage
        seen += [stage] if stage != seen[-1] else []
    return seen


@WALKING
@given(targets=WALKS)
def test_no_walk_leaves_the_table(session, targets):
    seen = walk(session, targets)
    assert all(target in DESIGN[origin].split() for origin, target in pairwise(seen))


@WALKING
@given(targets=st.lists(st.sampled_from(Stage), max_size=10))
def test_a_never_paid_cancel_only_goes_to_review(session, targets):
    seen = walk(session, [Stage.CANCELLED, *targets])
    assert seen[:3] in (["STANDBY", "CANCELLED"], ["STANDBY", "CANCELLED", "REVIEW"])


def test_of_two_movers_one_loses_and_writes_nothing(session):
    other = type(session).objects.get(pk=session.pk)
    move(session, Stage.PAID, paid=AMOUNT)
    with pytest.raises(StaleStage):
        move(other, Stage.EXPIRED, reason="LIFETIME")
    assert (other.stage, other.reason) == ("STANDBY", "")
    other.refresh_from_db()
    assert (other.stage, other.paid, other.reason) == ("PAID", AMOUNT, "")


def test_a_move_writes_what_comes_with_it_and_nothing_else(session):
    type(session).objects.filter(pk=session.pk).update(attention=True)
    move(session, Stage.FAILED, reason="NOT_PAID", due_at=None)
    stored = type(session).objects.get(pk=session.pk)
    assert (session.reason, stored.reason) == ("NOT_PAID", "NOT_PAID")
    assert (stored.stage, stored.attention) == ("FAILED", True)
