"""How faults are planned: by call, by probability, by seed."""

import random
import time
from typing import Any

import pytest
import stripe
import time_machine

from bridge.sandbox.faults import Faults
from bridge.sandbox.kinds import KINDS, OPERATIONS
from bridge.sandbox.sandbox import Sandbox
from tests.sandbox.test_faults import create, fetched


def test_times_and_matching(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.faults.add("start", "error_before", times=2, status=503, match={"reference": "B"})
    assert create(client, "A").status == "open"
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            create(client, "B")
    assert create(client, "B").status == "open"
    assert sandbox.faults.listing() == []


def test_every_time_until_cleared(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    fault = sandbox.faults.add("fetch", "error_before", times=None, status=503)
    made = create(client)
    for _ in range(3):
        with pytest.raises(stripe.APIError):
            fetched(client, made.id)
    assert fault.hits == 3
    sandbox.faults.clear(fault.id)
    assert fetched(client, made.id).id == made.id


def test_for_a_time(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    with time_machine.travel(time.time(), tick=False) as traveller:
        sandbox.faults.add("balance", "drop", times=None, for_seconds=60)
        with pytest.raises(stripe.APIConnectionError):
            client.v1.balance.retrieve()
        traveller.shift(60)
        client.v1.balance.retrieve()


def test_probability_comes_from_the_seed() -> None:
    def hits(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add("fetch", "drop", times=None, probability=0.3)
        return [bool(faults.take("fetch", {})) for _ in range(200)]

    assert hits(1) == hits(1) != hits(2)
    assert 30 < sum(hits(random.randrange(1000))) < 90


@pytest.mark.parametrize(
    ("operation", "kind", "more", "words"),
    [
        ("begin", "drop", {}, "unknown operation"),
        ("start", "explode", {}, "unknown fault"),
        ("start", "duplicate", {}, "cannot happen to start"),
        ("start", "drop", {"colour": 1}, "no parameter colour"),
        ("start", "outage", {}, "must be given"),
        ("start", "outage", {"seconds": "1"}, "type float"),
        ("start", "drop", {"reset": 1}, "type bool"),
        ("fetch", "wrong", {"field": "name"}, "one of amount"),
        ("fetch", "drop", {"times": 0}, "1 or more"),
        ("fetch", "drop", {"probability": 1.5}, "from 0 to 1"),
    ],
)
def test_wrong_plans_are_refused(operation: str, kind: str, more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Faults(1).add(operation, kind, **more)


def history(seed: int, exchanges: list[tuple[str, tuple[str, ...]]], **how: Any) -> list[Any]:
    """What a seeded plan does to exchanges, each an operation and the kinds that fit it (none: all)."""
    faults = Faults(1)
    faults.plan(seed, 0.3, **how)
    return [
        (operation, kind, fault.params)
        for operation, fitting in exchanges
        for kind, fault in faults.take(operation, {}, fitting).items()
    ]


def test_seeded_plan_is_the_same_again() -> None:
    one = [("start", ()), ("cancel", ()), ("forward", ()), ("webhook", ("drop", "delay")), ("webhook", ("clock_skew",))]
    exchanges = one * 60
    told = history(7, exchanges)
    assert told == history(7, exchanges) != history(8, exchanges)
    assert 60 < len(told) < 120
    assert len({kind for _, kind, _ in told}) >= 12
    # what comes between does not matter to the others
    starts = [hit for hit in told if hit[0] == "start"]
    assert starts == history(7, [("start", ())] * 60)


def test_seeded_plan_tells_no_lies_and_ends() -> None:
    everything = [(operation, ()) for operation in OPERATIONS] * 300
    kinds = {kind for _, kind, _ in history(1, everything)}
    assert kinds == {name for name, kind in KINDS.items() if kind.drawn is not None}
    assert not kinds & {"wrong", "alter", "refund_status", "console_refund", "webhook_first", "endless"}
    assert not any(params.get("final") for _, _, params in history(1, everything))
    named = history(1, everything, kinds=["refund_status", "console_refund"], operations=["cancel"])
    assert {(operation, kind) for operation, kind, _ in named} == {
        ("cancel", "refund_status"),
        ("cancel", "console_refund"),
    }
    assert {params["status"] for _, kind, params in named if kind == "refund_status"} == {
        "pending",
        "requires_action",
        "failed",
    }
    assert len(history(1, everything, limit=5)) == 5


def test_seeded_plan_ends_with_clear(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    sandbox.faults.plan(1, 1.0, kinds=["error_before"], operations=["balance"])
    with pytest.raises(stripe.APIError):
        client.v1.balance.retrieve()
    assert create(client).status == "open"
    sandbox.faults.clear()
    client.v1.balance.retrieve()
    assert [hit.kind for hit in sandbox.faults.history] == ["error_before"]


def test_plan_by_call_and_by_seed_meet(sandbox: Sandbox) -> None:
    sandbox.faults.plan(1, 1.0, kinds=["error_before"])
    sandbox.faults.add("start", "error_before", status=504)
    assert sandbox.faults.take("start", {})["error_before"]["status"] == 504


@pytest.mark.parametrize("how", [{"kinds": ["explode"]}, {"operations": ["begin"]}])
def test_wrong_seeded_plans_are_refused(how: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="unknown"):
        Faults(1).plan(1, 0.5, **how)
