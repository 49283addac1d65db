"""/metrics: who may read it, what it counts, and that counting never stands in anybody's way."""

import ipaddress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

import bridge.metrics
from bridge.accounts import CALLS
from bridge.gateways.base import Gateway
from bridge.metrics import tables
from payments.models import CallState, Delivery, DeliveryState, GatewayCall, PaymentSession
from payments.queues import Queue
from payments.states import Stage
from tests.sql import another_connection
from tests.world import World

ALLOWED = [ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("127.0.0.1")]


@pytest.fixture
def on(settings: Any) -> None:
    settings.PGB_METRICS_ALLOW = ALLOWED


@pytest.fixture
def scraper(transactional_db: None, on: None) -> Client:
    return Client(headers={"Host": "10.0.0.7:8000"})


def scraped(scraper: Client) -> dict[tuple[str, ...], float]:
    """Return each figure by its name and its labels' values, in the order of the labels' names."""
    response = scraper.get("/metrics")
    assert (response.status_code, response["Content-Type"].split(";")[0]) == (200, "text/plain")
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


class Change:
    """What a figure has grown by since."""

    def __init__(self, scraper: Client) -> None:
        self._scraper, self._before = scraper, scraped(scraper)

    def __call__(self, *key: str) -> float:
        return scraped(self._scraper).get(key, 0) - self._before.get(key, 0)


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        ("10.1.2.3", 200),
        ("127.0.0.1", 200),
        ("::ffff:10.1.2.3", 200),
        ("10.2.0.1", 404),
        ("127.0.0.2", 404),
        ("::1", 404),
        ("", 404),
        ("10.1.2.3, 10.9.9.9", 404),
    ],
)
def test_only_the_networks_on_the_list_may_read(scraper: Client, peer: str, status: int) -> None:
    headers = {"X-Forwarded-For": "10.1.2.3", "X-Real-IP": "10.1.2.3"}
    assert scraper.get("/metrics", REMOTE_ADDR=peer, headers=headers).status_code == status


def test_without_a_list_nobody_reads_and_nothing_is_counted(door: Any, settings: Any) -> None:
    settings.PGB_METRICS_ALLOW = []
    assert Client().get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 404
    before = list(bridge.metrics.COUNTED.collect())
    door.start()
    assert list(bridge.metrics.COUNTED.collect()) == before


def test_requests_are_counted_by_view_method_and_status(door: Any, scraper: Client) -> None:
    grown = Change(scraper)
    door.start()
    door.client.get("/PGB/PayStart")
    door.client.get("/admin/payments/paymentsession/1/change/")
    door.client.get("/nobody/42")
    door.client.generic("BREW", "/nobody/42")
    door.client.get("/api/docs/", headers={"Host": "elsewhere.example"})
    total = "pgb_http_requests_total"
    assert grown(total, "POST", "200", "pay-start") == 1
    assert grown(total, "GET", "405", "pay-start") == 1
    assert grown(total, "GET", "302", "admin") == 1
    assert grown(total, "GET", "404", "none") == 1
    assert grown(total, "other", "404", "none") == 1
    assert grown(total, "GET", "400", "none") == 1
    assert grown("pgb_http_request_duration_seconds_count", "pay-start") == 2


def test_calls_and_messages_are_counted_by_outcome(world: World, scraper: Client) -> None:
    grown = Change(scraper)
    world.start(1)
    world.sandbox.faults.add("fetch", "error_before", status=503)
    world.pay(1)
    world.sandbox.faults.add("forward", "error_before", status=503)
    world.look(1)
    world.sandbox.faults.add("forward", "refuse")
    for _ in range(2):
        Delivery.objects.waiting().update(due_at=timezone.now())
        world.work()
    calls = "pgb_gateway_calls_total"
    assert grown(calls, "stripe", "start", "done") == 1
    assert grown(calls, "stripe", "fetch", "unknown") == 1
    assert grown(calls, "stripe", "fetch", "done") >= 1
    assert grown("pgb_gateway_call_duration_seconds_count", "stripe", "start") == 1
    tries = "pgb_deliveries_total"
    assert [grown(tries, outcome) for outcome in ("failed", "refused", "accepted")] == [1, 1, 1]
    assert grown("pgb_delivery_duration_seconds_count") == 3


def test_a_call_that_was_not_sent_or_refused_is_counted_so(world: World, scraper: Client) -> None:
    grown = Change(scraper)
    world.sandbox.faults.add("start", "throttle")
    world.start(1)
    world.start(2, TotalPrice="1")
    assert grown("pgb_gateway_calls_total", "stripe", "start", "not_sent") == 1
    assert grown("pgb_gateway_calls_total", "stripe", "start", "refused") == 1


def test_every_call_of_the_contract_is_counted() -> None:
    methods = {name for name in Gateway.__abstractmethods__ if not isinstance(vars(Gateway)[name], classmethod)}
    assert {name for name in methods if not name.endswith("_body")} == CALLS


def test_no_label_holds_an_id_or_a_token(world: World, scraper: Client) -> None:
    world.start(31337)
    session = world.session(31337)
    world.pay(31337)
    world.work()
    world.client.get(f"/PGBReturn/Return/{session.return_token}")
    text = scraper.get("/metrics").content.decode()
    ids = ["31337", session.reference, session.return_token, session.gateway_id, str(world.merchant.webhook_token)]
    assert [one for one in [*ids, world.merchant.code, "KR1"] if one in text] == []


def test_tables_tell_what_waits_and_what_needs_a_person(world: World, scraper: Client) -> None:
    for order_id in (1, 2, 3):
        world.start(order_id)
    now = timezone.now()
    sent = GatewayCall.objects.order_by("pk")
    sent.update(state=CallState.UNKNOWN, ended_at=None, due_at=now + timedelta(hours=1))
    first = sent.first()
    assert first is not None
    sent.filter(pk=first.pk).update(first_sent_at=now - timedelta(minutes=16))
    PaymentSession.objects.filter(pk=world.session(2).pk).update(stage=Stage.REVIEW, due_at=None)
    world.pay(3)
    world.work()
    Delivery.objects.update(state=DeliveryState.DEAD, due_at=None)
    PaymentSession.objects.filter(pk=world.session(1).pk).update(due_at=now - timedelta(seconds=90))
    found = scraped(scraper)
    counts = ("calls_unknown", "calls_long_unknown")
    assert [found[(f"pgb_gateway_{name}",)] for name in counts] == [2, 1]
    assert (found[("pgb_sessions_in_review",)], found[("pgb_deliveries_dead",)]) == (1, 1)
    assert (found[("pgb_queue_due", "looks")], found[("pgb_queue_due", "calls")]) == (1, 0)
    assert 90 <= found[("pgb_queue_oldest_age_seconds", "looks")] < 600
    assert found[("pgb_queue_oldest_age_seconds", "calls")] == 0
    assert {name[1] for name in found if name[0] == "pgb_queue_due"} == {str(queue) for queue in Queue}


def test_tables_are_counted_by_their_small_indexes(transactional_db: None, django_assert_num_queries: Any) -> None:
    with connection.execute_wrapper(explained) as _, connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        plans.clear()
        tables._ask(timezone.now())
        cursor.execute("SET enable_seqscan = on")
    text = "\n".join(plans)
    for index in ("call_due", "notification_due", "delivery_due", "session_due", "session_rare_stage", "delivery_dead"):
        assert index in text
    assert "Seq Scan on payments_paymentsession" not in text


plans: list[str] = []


def explained(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    if sql.startswith(("SELECT", "\nSELECT")):
        with context["connection"].connection.cursor() as cursor:
            plans.extend(row[0] for row in cursor.execute("EXPLAIN " + sql, params))
    return execute(sql, params, many, context)


def test_counts_are_told_while_the_database_hangs(world: World, scraper: Client) -> None:
    world.start(1)
    with another_connection() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE payments_delivery IN ACCESS EXCLUSIVE MODE")
        found = scraped(scraper)
        cursor.execute("ROLLBACK")
    assert found[("pgb_database_up",)] == 0
    assert found[("pgb_http_requests_total", "POST", "200", "pay-start")] >= 1
    assert ("pgb_sessions_in_review",) not in found
    assert scraped(scraper)[("pgb_database_up",)] == 1


def test_no_payment_fails_because_it_cannot_be_counted(
    world: World, on: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("_requests", "_calls", "_deliveries"):
        monkeypatch.setattr(bridge.metrics, name, None)
    monkeypatch.setattr(bridge.metrics, "_failed", False)
    assert world.start(1)["Type"] == "Redirect"
    world.pay(1)
    world.work()
    assert world.told(1) == ["PayComplete"]
    assert sum("counting_failed" in record.getMessage() for record in caplog.records) == 1
