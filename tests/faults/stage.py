"""What a schedule plays on: PGB's doors and queues, the sandbox and the clock, all moved by one hand.

Nothing here happens by itself: webhooks wait until they are let go, workers take one step at a time, and the
application's clock stands still until it is moved. So a schedule runs the same way every time.
"""

import heapq
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import psycopg
import time_machine
from django.apps import apps
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from bridge import cancel, opening, start, waiting
from bridge.gateways.http import Door
from bridge.sandbox.sandbox import Sandbox
from bridge.sandbox.schedule import Job, Schedule, now
from merchants import lookup
from payments import circuits
from tests.bridge.dying import Killed
from tests.factories import API_KEY, SIGNING_SECRET, STRIPE_CREDENTIALS, ConnectionFactory, ShopFactory

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class ByHand(Schedule):
    """The sandbox's jobs, run one by one in the caller's thread, in any order."""

    def start(self) -> None:
        self._running = True

    def at(self, due: float, job: Job) -> None:
        """Keep the job until somebody runs it; it is not run before ``due``."""
        with self._changed:
            heapq.heappush(self._heap, (due, next(self._order), job))

    def due(self) -> int:
        """Return how many jobs could be run now."""
        with self._changed:
            return sum(due <= now() for due, _, _ in self._heap)

    def next_due(self) -> float | None:
        """Return when the next job is due, in seconds since the epoch."""
        with self._changed:
            return self._heap[0][0] if self._heap else None

    def run(self, place: int = 0) -> bool:
        """Run the job at ``place`` of those that are due, the oldest first; False if there is none."""
        with self._changed:
            jobs = sorted(entry for entry in self._heap if entry[0] <= now())
            if not jobs:
                return False
            chosen = jobs[place % len(jobs)]
            self._heap.remove(chosen)
            heapq.heapify(self._heap)
        chosen[2]()
        return True

    def settle(self, timeout: float = 10.0) -> None:
        """Run all that is due."""
        while self.run():
            pass


class Cut:
    """Ends the database connection, or the process, at one statement to come."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.dies = False
        self._other = psycopg.connect(**connection.get_connection_params() | {"autocommit": True})

    def arm(self, statements: int, *, dies: bool) -> None:
        """Strike at the statement after so many others."""
        self.left, self.dies = statements, dies

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                self._strike(context["connection"].connection)
        return execute(sql, params, many, context)

    def _strike(self, struck: Any) -> None:
        if self.dies:
            raise Killed
        self._other.execute("SELECT pg_terminate_backend(%s, 1000)", [struck.info.backend_pid])

    def close(self) -> None:
        self._other.close()


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """The history is the log."""


class Web:
    """PGB behind a real socket, for the webhooks; the database may be cut in the middle of a request."""

    def __init__(self, cut: Cut) -> None:
        self._cut = cut
        self._pgb = WSGIHandler()
        self._server: WSGIServer = make_server("127.0.0.1", 0, self._answer, handler_class=_Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "Web":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, environ: Any, start_response: Any) -> Any:
        connection.close()
        try:
            with connection.execute_wrapper(self._cut):
                return self._pgb(environ, start_response)
        except Killed:
            # Nobody is left to answer.
            raise ConnectionAbortedError from None


class _SimulatedTime:
    """What a waiting web process takes for the time: while it sleeps, others work."""

    def __init__(self, passes: Callable[[float], None]) -> None:
        self.sleep = passes

    @staticmethod
    def monotonic() -> float:
        return timezone.now().timestamp()


class Stage:
    """Built once, emptied for every schedule. ``meanwhile`` is called at both ends of every call to the outside."""

    def __init__(self, sandbox: Sandbox, schedule: ByHand, web: Web, cut: Cut) -> None:
        self.sandbox, self.schedule, self.web, self.cut = sandbox, schedule, web, cut
        self.client = Client(raise_request_exception=False)
        self.shop = ShopFactory(
            joiner_id=1001,
            completion_url=f"{sandbox.url}/shop/complete",
            redirect_hosts=["127.0.0.1", "shop.example"],
        )
        self.merchant = ConnectionFactory(merchant__code="stripe-kr", merchant__mid="acct_kr").merchant
        sandbox.stripe.add_account(
            mid=self.merchant.mid,
            secret_key=STRIPE_CREDENTIALS["secret_key"],
            webhook_secret=STRIPE_CREDENTIALS["webhook_secret"],
            webhook_url=f"{web.url}/PGBReturn/Webhook/stripe/{self.merchant.webhook_token}",
        )
        sandbox.shop.add_account(
            db_type="KR1", joiner_id=1001, nation="KR", currency="KRW", api_key=API_KEY, signing_secret=SIGNING_SECRET
        )
        self.meanwhile: Callable[[str, str], None] = lambda place, url: None
        self.sleeping: Callable[[float], None] = lambda seconds: None
        tables = [model._meta.db_table for model in apps.get_app_config("payments").get_models()]
        # The timeline refuses DELETE; a schedule's rows go without asking its trigger.
        deletes = "".join(f"DELETE FROM {table};" for table in tables)
        self._empty = f"SET session_replication_role = replica; {deletes} SET session_replication_role = DEFAULT"

    @contextmanager
    def curtain(self) -> Iterator[time_machine.Traveller]:
        """Empty books, and a clock that stands still, for one schedule."""
        with ExitStack() as held:
            connection.close()
            with connection.cursor() as cursor:
                cursor.execute(self._empty)
            connection.close()
            self.sandbox.reset()
            self.sandbox.resume()
            lookup.clear_cache()
            circuits.clear_cache()
            clock = held.enter_context(time_machine.travel(BEGIN, tick=False))
            held.enter_context(connection.execute_wrapper(self.cut))
            simulated = _SimulatedTime(lambda seconds: self.sleeping(seconds))
            for module in (waiting, opening, start, cancel):
                held.enter_context(patch.object(module, "time", simulated))
            held.enter_context(patch.object(Door, "exchange", self._watched(Door.exchange)))
            try:
                yield clock
            finally:
                self.cut.left = None
                connection.close()

    def _watched(self, exchange: Callable[..., Any]) -> Callable[..., Any]:
        def watched(door: Door, method: str, url: str, **options: Any) -> Any:
            self.meanwhile("before", f"{method} {url}")
            try:
                answer = exchange(door, method, url, **options)
            except Exception:
                self.meanwhile("after", f"{method} {url}")
                raise
            self.meanwhile("after", f"{method} {url}")
            return answer

        return watched

    def next_due(self) -> datetime | None:
        """Return when a worker, or the sandbox, has the next thing to do."""
        with connection.cursor() as cursor:
            cursor.execute(_NEXT_DUE)
            at: datetime | None = cursor.fetchone()[0]
        job = self.schedule.next_due()
        found = [one for one in (at, datetime.fromtimestamp(job, UTC) if job is not None else None) if one]
        return min(found, default=None)


_NEXT_DUE = """
SELECT least(
    (SELECT min(due_at) FROM payments_notification), (SELECT min(due_at) FROM payments_gatewaycall),
    (SELECT min(due_at) FROM payments_delivery), (SELECT min(due_at) FROM payments_paymentsession),
    (SELECT min(due_at) FROM payments_credentialcheck))"""


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Build everything on the database that is connected."""
    schedule = ByHand()
    cut = Cut()
    logging.disable(logging.CRITICAL)
    try:
        with Sandbox(schedule=schedule) as sandbox, Web(cut) as web:
            addresses = {
                "PGB_STRIPE_BASE_URL": sandbox.url,
                "PGB_PUBLIC_URL": web.url,
                "PGB_SHOP_CALLS_PER_MINUTE": 1_000_000_000,
            }
            with override_settings(**addresses):
                yield Stage(sandbox, schedule, web, cut)
    finally:
        logging.disable(logging.NOTSET)
        cut.close()
