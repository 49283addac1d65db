"""Parts of a running PGB are killed in the middle of 30 payments, and cancels: nothing is lost or done twice."""

import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.process.buying import Buyers
from tests.process.installation import Installation, children, kill_all, left_of
from tests.process.judging import judge, row_of_table

pytestmark = pytest.mark.process
OUTAGE = 3.0  # seconds without PostgreSQL
LAGS = 45.0  # seconds; longer than the lease of a call


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """One for all kills; PostgreSQL may run as another uid, which must reach its folder."""
    folder = Path(tempfile.mkdtemp(prefix="pgb-kills-"))
    folder.chmod(0o711)
    try:
        with Installation(folder).running() as found:
            yield found
        assert left_of(folder) == []
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def buyers(installation: Installation) -> Iterator[Buyers]:
    found = Buyers(installation)
    found.pay_some()
    yield found
    found.end()


def one_web_process(there: Installation, buyers: Buyers) -> None:
    master = there.program("web")
    assert master is not None
    kill_all(children(master)[:1])


def whole(program: str) -> Callable[[Installation, Buyers], None]:
    return lambda there, buyers: there.kill(program)


def worker(there: Installation, buyers: Buyers) -> None:
    """What it was giving back stands in no list for a while: its calls are sent again, under their keys."""
    there.control("faults", operation="refunds", kind="not_visible", seconds=LAGS, for_seconds=LAGS, times=None)
    there.kill("worker")


def redis_flushed(there: Installation, buyers: Buyers) -> None:
    with redis.from_url(there.redis.url) as client:
        client.flushall()


def redis_killed(there: Installation, buyers: Buyers) -> None:
    there.redis.kill()
    try:
        buyers.wait_until_half_is_told()
    finally:
        there.redis.start()


def redis_hung(there: Installation, buyers: Buyers) -> None:
    there.redis.send(signal.SIGSTOP)
    try:
        buyers.wait_until_half_is_told()
    finally:
        there.redis.send(signal.SIGCONT)


def postgres_killed(there: Installation, buyers: Buyers) -> None:
    there.postgres.kill()
    time.sleep(OUTAGE)
    there.postgres.start()


def everything_killed(there: Installation, buyers: Buyers) -> None:
    there.kill_everything()
    there.postgres.start()
    there.redis.start()
    there.start_up()


KILLS: dict[str, Callable[[Installation, Buyers], None]] = {
    "one web process": one_web_process,
    "web": whole("web"),
    "dispatcher": whole("dispatcher"),
    "worker": worker,
    "beat": whole("beat"),
    "Redis flushed": redis_flushed,
    "Redis killed": redis_killed,
    "Redis hung": redis_hung,
    "PostgreSQL killed": postgres_killed,
    "everything at once": everything_killed,
}


@pytest.mark.parametrize("what", KILLS)
def test_a_kill_loses_nothing_and_tells_nothing_twice(
    installation: Installation, buyers: Buyers, what: str, record_property: Callable[[str, object], None]
) -> None:
    installation.wait_until_whole()
    moment = buyers.keep_coming_until_the_middle()
    killed = time.monotonic()
    KILLS[what](installation, buyers)
    buyers.wait_until_told()
    seconds = time.monotonic() - killed
    cancelled = buyers.cancels.orders
    verdict = judge(installation.control("books"), [*buyers.earlier, *buyers.orders])
    record_property("kill", row_of_table(what, len(buyers.orders), len(cancelled), moment, verdict, seconds))
    assert (verdict.lost, verdict.twice, verdict.wrong) == ([], [], [])
    seen = [*buyers.orders, *cancelled]
    assert buyers.ended_as(seen) == [order.ends_as for order in seen]
