"""The dispatcher: what is due is worked, by Celery if it comes, or else here."""

import os
import signal
import threading
import time
from datetime import timedelta
from unittest.mock import Mock

import pytest
import redis
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone

from bridge import dispatch, drains, tasks
from bridge.dispatch import HELP_AFTER_LATE, LATE, PAUSE_WITHOUT_BROKER, WAKE_AGAIN_AFTER, Dispatcher
from config.celery import app
from config.environment import broker
from config.redis import redis as running_redis
from payments.models import Notification, PaymentSession
from payments.queues import Queue
from tests.payments.factories import DeliveryFactory, NotificationFactory, PaymentSessionFactory
from tests.threads import at_once, until

pytestmark = pytest.mark.django_db(transaction=True)
TICK = timedelta(seconds=0.1)


@pytest.fixture
def sent(monkeypatch):
    """The tasks that Celery is sent; nobody takes them."""
    published = []
    monkeypatch.setattr(tasks.drain, "apply_async", lambda args, **options: published.append((*args, options)))
    return published


@pytest.fixture
def worked(monkeypatch):
    """Work that only notes which rows it got."""
    rows = []
    for queue in Queue:
        monkeypatch.setitem(drains.WORK, queue, rows.append)
    return rows


@pytest.fixture
def dispatcher():
    made = Dispatcher()
    yield made
    made._pool.shutdown()


def tick(dispatcher, now=None):
    """One round, and what the dispatcher's own threads make of it."""
    dispatcher.tick(now or timezone.now())
    until(lambda: not any(dispatcher._working.values()))


# Waking the workers


def test_a_tick_without_work_sends_nothing_and_asks_once(dispatcher, sent, django_assert_num_queries):
    PaymentSessionFactory(due_at=timezone.now() + timedelta(seconds=1))
    with django_assert_num_queries(1):
        dispatcher.tick(timezone.now())
    assert sent == []


def test_celery_is_told_the_queue_and_nothing_else(dispatcher, sent, worked):
    PaymentSessionFactory(due_at=timezone.now())
    tick(dispatcher)
    assert sent == [("looks", {"expires": 2, "retry": False})]
    assert worked == []  # Celery's turn


@pytest.mark.parametrize(("due", "tasks_sent"), [(1, 1), (9, 1), (10, 2), (35, 4), (99, 6)])
def test_more_work_wakes_more_workers_but_no_more_than_there_are_slots(dispatcher, sent, due, tasks_sent):
    first = NotificationFactory(due_at=timezone.now())
    row = {field.attname: getattr(first, field.attname) for field in first._meta.concrete_fields}
    for name in ("id", "uuid", "dedupe_key"):
        del row[name]
    Notification.objects.bulk_create(Notification(**row, dedupe_key=str(n)) for n in range(due - 1))
    dispatcher.tick(timezone.now())
    assert len(sent) == tasks_sent


def test_the_workers_are_not_woken_again_at_once_for_what_they_were_told_of(dispatcher, sent):
    now = timezone.now()
    PaymentSessionFactory(due_at=now)
    for tick_at in (now, now + TICK, now + WAKE_AGAIN_AFTER - TICK):
        dispatcher.tick(tick_at)
    assert len(sent) == 1
    dispatcher.tick(now + WAKE_AGAIN_AFTER)
    assert len(sent) == 2


def test_what_became_due_since_wakes_them_at_once(dispatcher, sent):
    now = timezone.now()
    told_of = PaymentSessionFactory(due_at=now)
    dispatcher.tick(now)
    PaymentSession.objects.filter(pk=told_of.pk).update(due_at=now + TICK)
    dispatcher.tick(now + TICK)
    assert len(sent) == 2


def test_one_queue_is_not_silent_because_another_was_woken(dispatcher, sent):
    now = timezone.now()
    PaymentSessionFactory(due_at=now)
    dispatcher.tick(now)
    DeliveryFactory(due_at=now)
    dispatcher.tick(now + TICK)
    assert [queue for queue, _ in sent] == ["looks", "deliveries"]


def test_a_clock_that_is_set_back_does_not_let_the_workers_sleep(dispatcher, sent, worked):
    now = timezone.now()
    PaymentSessionFactory(due_at=now - timedelta(seconds=1))
    for tick_at in (now, now - timedelta(seconds=1)):
        tick(dispatcher, tick_at)
    assert (len(sent), worked) == (2, [])


def test_what_nobody_takes_within_two_seconds_is_worked_here(dispatcher, sent, worked):
    row = PaymentSessionFactory(due_at=timezone.now())
    tick(dispatcher, row.due_at + LATE)
    assert worked == []
    tick(dispatcher, row.due_at + LATE + timedelta(milliseconds=1))
    assert worked == [row]


def test_after_that_it_helps_in_every_queue_for_a_while(dispatcher, sent, worked):
    late = PaymentSessionFactory(due_at=timezone.now() - 2 * LATE)
    now = timezone.now()
    tick(dispatcher, now)
    next_one = DeliveryFactory(due_at=now)
    tick(dispatcher, now)
    assert worked == [late, next_one]
    DeliveryFactory(due_at=now + HELP_AFTER_LATE)
    tick(dispatcher, now + HELP_AFTER_LATE)
    assert len(worked) == 2
    assert len(sent) == 3  # the workers are woken all the same


def test_two_dispatchers_harm_nobody(dispatcher, sent, worked):
    other = Dispatcher()
    rows = {PaymentSessionFactory(due_at=timezone.now() - 2 * LATE).pk for _ in range(5)}
    at_once(*[lambda each=each: tick(each) for each in (dispatcher, other, dispatcher, other)])
    other._pool.shutdown()
    assert sorted(row.pk for row in worked) == sorted(rows)


def test_the_loop_outlives_a_database_that_is_away_and_ends_when_told(dispatcher, sent, monkeypatch):
    monkeypatch.setattr(dispatch, "PAUSE_WITHOUT_DATABASE", 0.05)
    answers = iter([OperationalError("away"), {}, {}])
    asked = threading.Event()

    def backlogs(now):
        answer = next(answers, None)
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            asked.set()
        return {}

    monkeypatch.setattr(dispatch, "backlogs", backlogs)
    stop = threading.Event()
    loop = threading.Thread(target=dispatcher.run, args=(stop,))
    loop.start()
    assert asked.wait(5)
    stop.set()
    loop.join(5)
    assert not loop.is_alive()


# Redis


@pytest.fixture
def own_redis(tmp_path, tmp_path_factory, monkeypatch):
    """A Redis of this test's own, to which Celery publishes as our settings say: (its process, a client)."""
    sockets = tmp_path_factory.mktemp("r")
    with running_redis(tmp_path, sockets) as url:
        monkeypatch.setitem(app.conf, "broker_url", broker(url))
        monkeypatch.setattr(app.amqp, "_producer_pool", None)
        with redis.Redis(unix_socket_path=str(sockets / "redis.sock")) as client:
            yield client.info("server")["process_id"], client
        app.amqp.producer_pool.force_close_all()


def test_a_woken_worker_finds_the_queue_in_redis(dispatcher, own_redis, worked):
    _, client = own_redis
    PaymentSessionFactory(due_at=timezone.now())
    tick(dispatcher)
    assert (client.llen("celery"), worked) == (1, [])


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
def test_without_redis_the_work_is_done_here_at_once(dispatcher, own_redis, worked, how, monkeypatch):
    process, _ = own_redis
    tasks.drain.apply_async(("looks",))  # the connection is there already
    publish = Mock(wraps=tasks.drain.apply_async)
    monkeypatch.setattr(tasks.drain, "apply_async", publish)
    rows = [PaymentSessionFactory(due_at=timezone.now()), DeliveryFactory(due_at=timezone.now())]
    now = timezone.now()
    os.kill(process, how)
    try:
        begun = time.monotonic()
        tick(dispatcher, now)
        assert time.monotonic() - begun < 2  # a publish that hangs costs about a quarter of a second, once
        assert sorted(map(str, worked)) == sorted(map(str, rows))
        PaymentSessionFactory(due_at=now)
        tick(dispatcher, now + PAUSE_WITHOUT_BROKER - timedelta(milliseconds=1))
        assert (len(worked), publish.call_count) == (3, 1)  # it is left in peace for a while
    finally:
        if how == signal.SIGSTOP:
            os.kill(process, signal.SIGCONT)


def test_a_dispatcher_that_breaks_ends_its_process(monkeypatch):
    def broken(*_):
        raise RuntimeError

    monkeypatch.setattr(Dispatcher, "run", broken)
    monkeypatch.setattr(drains, "ENDING", threading.Event())
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(RuntimeError):
        call_command("dispatch")
    # A thread that goes on would keep the process from ending, and `up` from starting another.
    assert [thread.name for thread in threading.enumerate() if thread.name == "watch"] == []
