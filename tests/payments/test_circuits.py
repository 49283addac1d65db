"""The health of those we call: who is probed, who is left in peace, and what an answer sets free."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from payments import circuits
from payments.circuits import OPEN_AFTER, Kind
from payments.models import Circuit, PaymentSession
from tests.clock import T0
from tests.payments.factories import DeliveryFactory, NotificationFactory, PaymentSessionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
HOUR, SOON = timedelta(hours=1), timedelta(seconds=5)


def fail(kind, lane, times):
    for _ in range(times):
        circuits.failed(kind, lane, T0)


@pytest.mark.parametrize(("failures", "lanes"), [(OPEN_AFTER - 1, []), (OPEN_AFTER, [7])])
def test_a_shop_is_left_in_peace_after_several_failures_in_a_row(failures, lanes):
    fail(Kind.SHOP, 7, failures)
    assert circuits.held(circuits.sick(Kind.SHOP)) == lanes


def test_a_failure_is_seen_at_once_by_the_process_that_had_it():
    assert circuits.sick(Kind.SHOP) == []  # from now on there is a copy
    fail(Kind.SHOP, 7, OPEN_AFTER)
    assert circuits.held(circuits.sick(Kind.SHOP)) == [7]
    circuits.answered(Kind.SHOP, 7, T0)
    assert circuits.sick(Kind.SHOP) == []


def test_an_answer_in_between_begins_the_count_anew():
    fail(Kind.SHOP, 7, OPEN_AFTER - 1)
    circuits.answered(Kind.SHOP, 7, T0)
    fail(Kind.SHOP, 7, OPEN_AFTER - 1)
    assert circuits.sick(Kind.SHOP) == []


def test_an_account_is_probed_from_its_first_failure_and_never_held():
    fail(Kind.ACCOUNT, 7, 1)
    assert [one.lane for one in circuits.sick(Kind.ACCOUNT)] == [7]
    fail(Kind.ACCOUNT, 7, 10)
    assert circuits.held(circuits.sick(Kind.ACCOUNT)) == []


def test_shops_and_accounts_of_one_number_are_two():
    fail(Kind.SHOP, 7, OPEN_AFTER)
    assert circuits.sick(Kind.ACCOUNT) == []


def test_of_two_workers_one_gets_the_probe_and_the_next_is_due_in_30_s():
    fail(Kind.SHOP, 7, OPEN_AFTER)
    seen_by_both = Circuit.objects.get()
    due = T0 + timedelta(seconds=30)
    assert seen_by_both.probe_at == due
    assert circuits.take_probe(seen_by_both, due)
    assert not circuits.take_probe(seen_by_both, due)
    assert Circuit.objects.get().probe_at == due + timedelta(seconds=30)


def test_the_first_answer_makes_all_that_waits_at_the_shop_due_within_seconds():
    first = DeliveryFactory(due_at=T0 + HOUR)
    rows = [first, *(DeliveryFactory(shop=first.shop, due_at=T0 + n * HOUR) for n in range(2, 12))]
    elsewhere = DeliveryFactory(due_at=T0 + HOUR)
    fail(Kind.SHOP, first.shop_id, OPEN_AFTER)
    circuits.answered(Kind.SHOP, first.shop_id, T0)
    for row in (*rows, elsewhere):
        row.refresh_from_db()
    assert all(T0 <= row.due_at <= T0 + SOON for row in rows)
    assert len({row.due_at for row in rows}) > 1  # not all in one moment
    assert elsewhere.due_at == T0 + HOUR


@pytest.mark.parametrize("due_in", [timedelta(microseconds=1), -HOUR])
def test_nobody_has_to_wait_longer_for_the_good_news(due_in):
    row = DeliveryFactory(due_at=T0 + due_in)
    fail(Kind.SHOP, row.shop_id, OPEN_AFTER)
    circuits.answered(Kind.SHOP, row.shop_id, T0)
    row.refresh_from_db()
    assert row.due_at == T0 + due_in


def test_what_others_hear_does_not_hurry_a_row_that_fails_by_itself():
    odd = DeliveryFactory(due_at=T0 + HOUR, attempts=7)
    for _ in range(10):
        fail(Kind.SHOP, odd.shop_id, 1)  # the odd one's answer is a 500 each time,
        circuits.answered(Kind.SHOP, odd.shop_id, T0)  # every other message is heard
    odd.refresh_from_db()
    assert odd.due_at == T0 + HOUR


def test_an_answer_does_not_disturb_work_in_hand():
    row = DeliveryFactory(due_at=T0 + HOUR, lease_token=uuid4())
    fail(Kind.SHOP, row.shop_id, OPEN_AFTER)
    circuits.answered(Kind.SHOP, row.shop_id, T0)
    row.refresh_from_db()
    assert row.due_at == T0 + HOUR


def test_an_account_that_answers_sets_free_what_failed_there_and_nothing_else():
    tried = PaymentSessionFactory(due_at=T0 + HOUR, attempts=2)
    merchant = tried.merchant
    on_its_ladder = PaymentSessionFactory(merchant=merchant, due_at=T0 + HOUR)
    notice = NotificationFactory(session=tried, due_at=T0 + HOUR, attempts=1)
    orphan = NotificationFactory(session=None, merchant=merchant, due_at=T0 + HOUR, attempts=1)
    fail(Kind.ACCOUNT, merchant.pk, OPEN_AFTER)
    circuits.answered(Kind.ACCOUNT, merchant.pk, T0)
    for row in (tried, on_its_ladder, notice, orphan):
        row.refresh_from_db()
    assert tried.due_at <= T0 + SOON
    assert notice.due_at <= T0 + SOON
    assert on_its_ladder.due_at == T0 + HOUR
    assert orphan.due_at == T0 + HOUR  # it waits for its session, not for the account


def test_good_news_of_the_healthy_writes_nothing(django_assert_num_queries):
    PaymentSession.objects.exists()
    with django_assert_num_queries(1):
        circuits.answered(Kind.SHOP, 7, T0)


def test_code_from_before_the_time_of_the_first_failure_may_still_count_them():
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_circuit (kind, lane, failures, probe_at) VALUES ('SHOP', 77, 1, %s)", [timezone.now()]
        )
    assert Circuit.objects.get(lane=77).failing_since
