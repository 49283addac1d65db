"""When PGB tries again: the steps, read as a person would write them down."""

from datetime import timedelta
from itertools import groupby

import pytest
from django.utils import timezone

from payments import ladders
from payments.models import PaymentSession
from payments.states import Reason, Stage
from tests.clock import T0
from tests.payments.factories import CancellationFactory

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


def waits(ladder, tries):
    return [timedelta(seconds=ladders.step(ladder, n)) for n in range(1, tries + 1)]


def session(**changes):
    facts = {"stage": Stage.STANDBY, "created_at": T0, "expires_at": T0 + 40 * MINUTE}
    return PaymentSession(**{**facts, **changes})


def looks(of, begin=T0, until=T0 + 3 * DAY):
    """Minutes after T0 at which a session is asked about whose looks are all answered and change nothing."""
    times, at = [], begin
    while (at := ladders.next_look(of, at)) is not None and at <= until:
        times.append((at - T0) / MINUTE)
    return times


def test_the_shop_is_told_again_after_5_s_and_at_last_daily():
    minutes = [m * MINUTE for m in (2, 5, 15, 30)]
    hours = [h * HOUR for h in (1, 2, 4, 8, 12)]
    assert waits(ladders.TO_THE_SHOP, 14) == [5 * SECOND, 30 * SECOND, *minutes, *hours, DAY, DAY, DAY]
    assert ladders.SHOP_PATIENCE == 7 * DAY


def test_a_call_in_doubt_is_looked_into_hourly_for_a_week_and_then_daily():
    steps = waits(ladders.UNKNOWN_CALL, 7 + 7 * 24 + 3)
    assert [(wait, len(list(same))) for wait, same in groupby(steps)] == [
        (3 * SECOND, 1),
        (10 * SECOND, 1),
        (30 * SECOND, 1),
        (MINUTE, 1),
        (2 * MINUTE, 1),
        (5 * MINUTE, 1),
        (15 * MINUTE, 1),
        (HOUR, 7 * 24),
        (DAY, 3),
    ]


def test_a_notice_of_an_unknown_payment_waits_for_its_session():
    assert waits(ladders.ORPHAN, 7) == [10 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 12 * HOUR, DAY]


def test_jitter_spreads_tries_by_up_to_a_tenth_and_never_brings_them_forward():
    times = {ladders.after(ladders.TO_THE_SHOP, 7, T0) for _ in range(50)}
    assert len(times) > 1
    assert all(T0 + HOUR <= at <= T0 + 1.1 * HOUR for at in times)


def test_an_open_session_is_looked_at_soon_then_at_its_end_then_hourly_then_daily():
    times = looks(session())
    assert times[:5] == [1, 3, 10, 30, 40]
    hourly = [40 + 60 * n for n in range(1, 25)]
    assert times[5:29] == hourly
    assert times[29:] == [hourly[-1] + 24 * 60]


def test_the_return_of_the_buyer_begins_the_looks_anew():
    back = T0 + 5 * MINUTE
    assert looks(session(looked_from=back), begin=back)[:5] == [6, 8, 15, 35, 40]


def test_a_look_that_came_late_is_followed_by_the_next_step_that_is_still_ahead():
    assert looks(session(), begin=T0 + 4 * MINUTE)[:2] == [10, 30]


def test_a_deposit_is_asked_for_hourly_then_daily_and_when_it_is_over():
    times = looks(session(stage=Stage.WAITING_DEPOSIT, expires_at=T0 + 2.5 * DAY), until=T0 + 4 * DAY)
    assert times[:6] == [1, 3, 10, 30, 90, 150]
    assert times[-3:] == [30 + 60 * 24 + 24 * 60, 2.5 * 24 * 60, 3.5 * 24 * 60]


@pytest.mark.parametrize("stage", sorted(set(Stage) - {Stage.STANDBY, Stage.CONFIRMING, Stage.WAITING_DEPOSIT}))
def test_an_ended_session_is_not_looked_at(stage):
    assert ladders.next_look(session(stage=stage, reason=Reason.REPLACED), T0) is None


def test_a_superseded_session_is_looked_at_as_long_as_its_buyer_might_pay():
    assert looks(session(stage=Stage.EXPIRED, reason=Reason.SUPERSEDED))[:5] == [1, 3, 10, 30, 40]


@pytest.mark.parametrize(
    ("state", "age", "next_in"),
    [
        ("PENDING", timedelta(hours=1), timedelta(hours=1)),
        ("PENDING", timedelta(days=1), timedelta(days=1)),
        ("PENDING", timedelta(days=60), None),
        ("DONE", timedelta(0), timedelta(days=1)),
        ("DONE", timedelta(days=1), timedelta(days=6)),
        ("DONE", timedelta(days=7), timedelta(days=28)),
        ("DONE", timedelta(days=35), None),
        ("REFUSED", timedelta(0), None),
        ("REVERSED", timedelta(0), None),
    ],
)
def test_a_refund_is_asked_about_while_it_may_change(db, state, age, next_in):
    now = timezone.now()
    ended = None if state == "PENDING" else now - age
    cancel = CancellationFactory(state=state, requested_at=now - age, ended_at=ended)
    expected = None if next_in is None else now + next_in
    assert ladders.next_look(cancel.session, now) == expected


def test_of_several_refunds_the_one_that_changes_first_is_asked_about(db):
    now = timezone.now()
    done = CancellationFactory(requested_at=now, ended_at=now)
    CancellationFactory(session=done.session, state="PENDING", balance_before=1, requested_at=now, ended_at=None)
    assert ladders.next_look(done.session, now) == now + timedelta(hours=1)
