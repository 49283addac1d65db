"""PGB without its database: everybody is told to come again, and nothing is lost."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from bridge import cancel as cancel_module
from merchants.lookup import clear_cache
from payments.models import Cancellation, GatewayCall, Notification
from tests.door import FIVE_KEYS
from tests.threads import until
from tests.world import code

HARM = {
    "shut": ("ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true"),
    "read-only": ("SET default_transaction_read_only = on", "RESET default_transaction_read_only"),
}


def alter_database(change: str) -> None:
    """Change this test's database from outside; whoever needs it from now on must connect anew."""
    connection.close()
    connection.close_pool()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{connection.settings_dict["NAME"]}" {change}')
    connection.close_pool()  # another thread may have opened one meanwhile


@pytest.fixture
def started(world):
    """A session that was started while all was well."""
    world.start(9)
    return world.session(9)


@pytest.fixture(params=HARM)
def no_database(started, monkeypatch, request) -> Iterator[Callable[[], None]]:
    """Nothing can be stored until the value is called."""
    harm, mend = HARM[request.param]
    monkeypatch.setitem(connection.settings_dict["OPTIONS"]["pool"], "timeout", 0.5)
    alter_database(harm)
    yield lambda: alter_database(mend)
    alter_database(mend)


@pytest.mark.parametrize("cached", [True, False])
def test_a_shop_is_told_to_repeat_and_can(world, door_of_world, no_database, cached):
    if not cached:
        clear_cache()
    response = door_of_world.post(world.order(1))
    assert (response.status_code, response["Retry-After"]) == (503, "2")
    assert response.json()["ErrorCode"] == "UNAVAILABLE"
    assert list(response.json()) == FIVE_KEYS
    no_database()
    assert world.start(1)["IsSuccess"] is True


@pytest.mark.parametrize("ask", ["partial", "full"])
def test_a_cancel_that_cannot_be_stored_is_repeated_and_made_once(unattended, no_database, ask):
    def cancel():
        return unattended.partial(4900) if ask == "partial" else unattended.full()

    assert code(cancel()) == "UNAVAILABLE"
    no_database()
    assert (code(cancel()), GatewayCall.objects.filter(kind="CANCEL").count()) == ("OUTCOME_UNKNOWN", 1)
    unattended.work()
    assert code(cancel()) == "Done"


@pytest.mark.parametrize("named", [{}, {"RequestId": "one"}])
def test_a_cancel_whose_database_goes_while_it_waits_is_repeated_and_made_once(unattended, monkeypatch, named):
    """The reservation is committed: the shop hears UNAVAILABLE, and its repeat is the same cancel."""
    monkeypatch.setattr(cancel_module, "SECONDS", 30.0)
    monkeypatch.setitem(connection.settings_dict["OPTIONS"]["pool"], "timeout", 0.5)
    with ThreadPoolExecutor(1) as shop:
        answer = shop.submit(unattended.partial, 4900, **named)
        until(Cancellation.objects.exists)
        alter_database(HARM["shut"][0])
        try:
            assert code(answer.result()) == "UNAVAILABLE"
        finally:
            alter_database(HARM["shut"][1])
    assert unattended.work() > 0
    again = unattended.partial(4900, **named)
    assert (code(again), again["CancelId"]) == ("Done", str(Cancellation.objects.get().uuid))
    assert unattended.refunds() == [4900]


@pytest.mark.parametrize("no_database", ["shut"], indirect=True)
def test_a_shop_that_asks_is_told_to_repeat(world, door_of_world, no_database):
    assert door_of_world.post(world.order(9), path="/PGB/PayStatus").json()["ErrorCode"] == "UNAVAILABLE"


def test_a_gateway_is_told_to_send_its_notice_again(world, started, no_database):
    sent = []
    world.sandbox.recorder = sent.append
    world.sandbox.stripe.pay(started.gateway_id)
    world.sandbox.settle()
    assert {one.status for one in sent if one.kind == "webhook"} == {503}
    no_database()
    assert not Notification.objects.exists()


@pytest.mark.parametrize("way", ["Return", "Cancel"])
def test_a_buyer_is_asked_to_wait_and_then_sent_on(door_of_world, started, no_database, monkeypatch, way):
    monkeypatch.setattr("bridge.returns.RETURN_SECONDS", 0.1)
    address = f"/PGBReturn/{way}/{started.return_token}"
    waiting = door_of_world.client.get(address)
    assert waiting.status_code == 503
    assert '<meta http-equiv="refresh" content="3">' in waiting.content.decode()
    no_database()
    assert door_of_world.client.get(address).status_code == 303
