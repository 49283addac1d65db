"""Long outages of a running PGB, in real time: `make faults ARGS=outages`, a quarter of an hour.

Not in `make test`: the kills of tests/process show the same with short ones.
"""

import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.process.installation import ROOT, Installation, left_of
from tests.threads import until

BACKLOG = 10_000
DRAINS_WITHIN = 600.0
AT_ONCE = 8
SHOP_TAKES = 0.05
REDIS_AWAY = 600.0
PAYMENT_EVERY = 15.0
MORE_DELAY = 5.0
# As PGB itself would have written them: paid orders whose shop was not there.
OWE = """
import sys, django
django.setup()
from datetime import timedelta
from django.db import transaction
from django.utils import timezone
from bridge import shop as completion
from merchants.models import Merchant, Shop
from payments import ledger
from payments.models import DeliveryKind
shop = Shop.objects.get(db_type="KR1")
merchant = Merchant.objects.filter(gateway="stripe", currency="KRW").first()
now = timezone.now()
terms = ledger.Terms(amount=64900, currency="KRW", method="CARD", device="pc", nation="KR", description="order",
    redirect_url="http://127.0.0.1/", cancel_url="http://127.0.0.1/", expires_at=now + timedelta(hours=1))
for first in range(1, int(sys.argv[1]) + 1, 500):
    with transaction.atomic():
        for order_id in range(first, first + 500):
            order = ledger.lock_order(shop, 1001, order_id, 0)
            session = ledger.open_session(order, merchant, terms)
            ledger.book_payment(session, 64900, now)
            completion.tell(order, session, DeliveryKind.PAY_COMPLETE, now)
"""


@pytest.fixture
def installation() -> Iterator[Installation]:
    folder = Path(tempfile.mkdtemp(prefix="pgb-outages-"))
    folder.chmod(0o711)
    try:
        with Installation(folder).running() as found:
            found.wait_until_whole()
            yield found
        assert left_of(folder) == []
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def told(there: Installation) -> int:
    return len(there.control("books/shop")["applied"])


@contextmanager
def watched(there: Installation) -> Iterator[list[int]]:
    """Notes how many messages the shop is hearing at once, many times a second."""
    seen: list[int] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            seen.append(sum(fault["holding"] for fault in there.control("faults")["faults"]))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def test_a_backlog_of_a_shop_that_was_away_drains(installation):
    installation.control("faults", operation="forward", kind="drop", times=None)
    subprocess.run([sys.executable, "-c", OWE, str(BACKLOG)], cwd=ROOT, env=installation.environment, check=True)
    time.sleep(60)
    assert told(installation) == 0
    requests.delete(f"{installation.sandbox}/control/faults", json={}, timeout=30).raise_for_status()
    installation.control("faults", operation="forward", kind="latency", seconds=SHOP_TAKES, times=None)
    back = time.monotonic()
    with watched(installation) as seen:
        until(lambda: told(installation) == BACKLOG, DRAINS_WITHIN, pause=1.0)
    seconds = time.monotonic() - back
    print(f"{BACKLOG} messages told in {seconds:.0f} s after the shop was back, at most {max(seen)} at once")
    assert max(seen) <= AT_ONCE


def pay(there: Installation, order_id: int) -> float:
    """Pay an order and return the seconds from the payment to the shop's hearing of it."""
    asked = {
        "DBType": "KR1", "JoinerId": 1001, "OrderId": order_id, "PayType": "CARD", "NationCode": "KR",
        "TotalPrice": "64900", "OrderDescription": "order", "RedirectUrl": f"{there.sandbox}/shop/thanks",
    }  # fmt: skip
    key = {"Authorization": f"Bearer {there.environment['PGB_DEMO_SHOP_API_KEY']}"}
    page = requests.post(f"{there.web}/PGB/PayStart", json=asked, headers=key, timeout=60).json()["RedirectUrl"]
    begun = time.monotonic()
    assert requests.post(page, {"do": "pay"}, timeout=60, allow_redirects=False).status_code == 303
    until(lambda: f"KR1/{order_id}/0" in there.control("books/shop")["orders"], 60)
    return time.monotonic() - begun


def test_redis_away_for_ten_minutes_delays_little(installation):
    usual = max(pay(installation, order_id) for order_id in range(1, 6))
    installation.redis.send(signal.SIGSTOP)
    ends, slowest, order_id = time.monotonic() + REDIS_AWAY, 0.0, 100
    try:
        while time.monotonic() < ends:
            order_id += 1
            slowest = max(slowest, pay(installation, order_id))
            time.sleep(PAYMENT_EVERY)
    finally:
        installation.redis.send(signal.SIGCONT)
    print(f"{order_id - 100} payments while Redis hung: told within {slowest:.1f} s, before within {usual:.1f} s")
    assert slowest - usual <= MORE_DELAY
