"""Two processes of PGB on one database, many cancels at once: never more than was paid, each effect once.

Judged by the gateway's books, the shop's, and the answers. 20 rounds in `make test`, 200 in `make faults`.
"""

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connection

from config.local import DATA
from config.processes import die_with_parent, stop
from tests.factories import API_KEY
from tests.sql import url_of_test_database
from tests.world import code

WHOLE = os.environ.get("PGB_FAULTS") == "whole"
ROUNDS = 200 if WHOLE else 20
FEWER = ROUNDS // 4
HALF = 32
LATER = {"CANCEL_IN_PROGRESS", "BALANCE_MISMATCH", "OUTCOME_UNKNOWN"}


@pytest.fixture(scope="module")
def process(django_db_setup, running_sandbox, live_server):
    """The second process."""
    told = {
        "ALLOWED_HOSTS": "127.0.0.1,testserver",
        "DATABASE_URL": url_of_test_database(),
        "PGB_PUBLIC_URL": live_server.url,
        "PGB_STRIPE_BASE_URL": running_sandbox.url,
        "PGB_SHOP_CALLS_PER_MINUTE": "1000000",
    }
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.faults.another"],
        cwd=DATA.parent, env={**os.environ, **told}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent(signal.SIGKILL),
    )  # fmt: skip
    with process:
        yield process
        stop(process, [])


@pytest.fixture
def both(world, process):
    """Fire half of the calls in this process and half in the other, all at once; workers are in both."""

    def fire(calls):
        random.shuffle(calls)
        here, there = calls[::2], calls[1::2]
        bearer = f"Bearer {API_KEY}"
        process.stdin.write(json.dumps([[path, body, bearer] for path, body in there]) + "\n")
        process.stdin.flush()
        with world.working(), ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda call: _post(world, *call), here))
            answers += json.loads(process.stdout.readline())
        world.rest()
        return answers

    return fire


def _post(world, path, body):
    try:
        return world.post(path, body).json()
    finally:
        connection.close()


def part(world, order_id, refund, current=64900, **more):
    prices = {"RefundPrice": refund, "CurrentTotalPrice": current, "ModifedTotalPrice": current - refund}
    return "/PGB/PartialCancel", {**world.named(order_id), **prices, **more}


def full(world, order_id, current=64900, **more):
    keys = {"CurrentTotalPrice": current, "PGType": "stripe", "PayType": "CARD"}
    return "/PGB/FullCancel", {**world.named(order_id), **keys, **more}


def agree(world, order_id):
    """The two books and PGB's own word on what is left; nothing was done twice. Returns what went back."""
    books, reference = world.sandbox.stripe.books, world.session(order_id).reference
    (payment,) = books.payments_of(reference)
    back = [refund for refund in books.refunds_of(reference) if refund.holds]
    assert sum(refund.amount for refund in back) == payment.refunded <= payment.captured
    assert all(times == 1 for times in books.refunds_by_cancel.values())
    state = world.status(order_id)
    left = str(payment.captured - payment.refunded)
    assert (state["Balance"], state["Reserved"]) == (left, "0")
    told = world.sandbox.shop.books.orders["KR1", order_id, 0]
    assert (told.balance, Counter(told.effects)["CancelComplete"]) == (left, len(back))
    return [refund.amount for refund in back]


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_parts_that_cannot_all_be_given_back_are_never_given_back_beyond_the_payment(world, both, round_):
    world.paid()
    asked = [part(world, 1, 40_000 + n, RequestId=f"part-{n}") for n in range(2 * HALF)]
    answers = Counter(code(answer) for answer in both(asked))
    assert set(answers) <= LATER | {"Done"}
    assert len(agree(world, 1)) == 1


@pytest.mark.parametrize("round_", range(FEWER))
def test_one_request_sent_many_times_gives_back_once(world, both, round_):
    world.paid()
    named = {"RequestId": "one"} if round_ % 2 else {}
    answers = both([part(world, 1, 4900, **named)] * HALF)
    assert {code(answer) for answer in answers} <= {"Done", "OUTCOME_UNKNOWN"}
    assert len({answer["CancelId"] for answer in answers}) == 1
    assert agree(world, 1) == [4900]


@pytest.mark.parametrize("round_", range(FEWER))
def test_a_full_cancel_a_part_and_the_gateways_console_at_once(world, both, round_):
    session = world.paid()
    with ThreadPoolExecutor(1) as console:
        refund = console.submit(partial(world.sandbox.stripe.refund, session.gateway_id, 900, silent=bool(round_ % 2)))
        answers = both([full(world, 1, RequestId="all"), *[part(world, 1, 5000 + n) for n in range(6)]])
        console_says = refund.exception()
    assert {code(answer) for answer in answers} <= LATER | {"Done", "GATEWAY_REFUSED", "NOT_CANCELLABLE"}
    world.look()
    world.rest()
    assert (900 in agree(world, 1)) is (console_says is None)


@pytest.mark.parametrize("round_", range(FEWER))
def test_a_cancel_while_the_payment_is_being_made(world, both, round_):
    world.start()
    with ThreadPoolExecutor(1) as buyer:
        paying = buyer.submit(partial(world.sandbox.stripe.pay, world.session().gateway_id))
        answers = both([full(world, 1)] * 4)
        paid = paying.exception() is None
    world.look()
    world.rest()
    assert {code(answer) for answer in answers} <= {"Done", "OUTCOME_UNKNOWN", *LATER}
    assert (world.stages(), world.sandbox.stripe.books.paid(world.session().reference)) == (["CANCELLED"], 0)
    if paid:
        assert agree(world, 1) == [64900]
