"""What stands in the tables at the time of the scrape: how deep the queues are, and what needs a person."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.utils import timezone
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bridge.waiting import NoAnswer, answer_within
from payments.models import CallState, Delivery, DeliveryState, GatewayCall, PaymentSession
from payments.queues import Queue, backlogs
from payments.states import Stage

SECONDS = 3.0
MOST_COUNTED = 10_000
LONG_UNKNOWN = timedelta(minutes=15)

_NAMES = {
    "pgb_gateway_calls_unknown": "Calls whose outcome nobody knows yet.",
    "pgb_gateway_calls_long_unknown": "Calls whose outcome nobody knows 15 minutes after they were sent.",
    "pgb_sessions_in_review": "Payments that a person must decide.",
    "pgb_deliveries_dead": "Messages to shops that were given up.",
}


class Tables(Collector):
    """The figures of the one database: every machine shows the same ones, so they are not to be added up."""

    def collect(self) -> Iterator[Metric]:
        """Yield them all, or that the database does not answer."""
        now = timezone.now()
        try:
            queues, counts = answer_within(SECONDS, lambda: _ask(now))
        except (NoAnswer, DatabaseError):
            yield _up(0)
            return
        yield _up(1)
        yield from _of_queues(queues, now)
        for name, meaning in _NAMES.items():
            yield GaugeMetricFamily(name, meaning, counts[name])


def _up(value: int) -> Metric:
    return GaugeMetricFamily("pgb_database_up", "Whether the database answered this scrape.", value)


def _of_queues(queues: dict[Queue, Any], now: datetime) -> Iterator[Metric]:
    due = GaugeMetricFamily("pgb_queue_due", f"Due rows, counted up to {MOST_COUNTED}.", labels=["queue"])
    oldest = GaugeMetricFamily(
        "pgb_queue_oldest_age_seconds", "How long the oldest due row has been due.", labels=["queue"]
    )
    for queue, backlog in queues.items():
        due.add_metric([str(queue)], backlog.due)
        age = (now - backlog.oldest).total_seconds() if backlog.oldest else 0
        oldest.add_metric([str(queue)], max(age, 0))
    yield due
    yield oldest


def _ask(now: datetime) -> tuple[dict[Queue, Any], dict[str, int]]:
    """Count by the small indexes of what waits and of what is rare."""
    unknown = GatewayCall.objects.filter(state=CallState.UNKNOWN, due_at__isnull=False)
    rows = {
        "pgb_gateway_calls_unknown": unknown,
        "pgb_gateway_calls_long_unknown": unknown.filter(first_sent_at__lt=now - LONG_UNKNOWN),
        "pgb_sessions_in_review": PaymentSession.objects.filter(stage=Stage.REVIEW),
        "pgb_deliveries_dead": Delivery.objects.filter(state=DeliveryState.DEAD),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(SECONDS * 1000))])
        return backlogs(now, MOST_COUNTED), {name: found.count() for name, found in rows.items()}
