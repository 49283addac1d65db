"""The buyer comes back: a hint that something may have happened, passed on to the shop with what PGB knows."""

import time
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from bridge import returns
from bridge.sandbox.shop_front import is_signed
from payments.models import PaymentSession
from tests.bridge.test_opening import all_seats_taken
from tests.factories import SIGNING_SECRET
from tests.threads import at_once, until


def come_back(world, method="get", path="Return", query="", order_id=1):
    """The buyer's browser follows the gateway's link, with no cookie and no CSRF token."""
    browser = Client(enforce_csrf_checks=True)
    return getattr(browser, method)(f"/PGBReturn/{path}/{world.session(order_id).return_token}{query}")


def told(response):
    """What the shop reads from the address that the buyer is sent on to; its signature verifies."""
    assert response.status_code == 303
    values = {name: values[0] for name, values in parse_qs(urlsplit(response["Location"]).query).items()}
    assert is_signed(values, SIGNING_SECRET)
    return values


@pytest.fixture
def impatient(monkeypatch):
    """Nobody works: waiting longer shows nothing more."""
    monkeypatch.setattr(returns, "RETURN_SECONDS", 0.2)


def test_the_return_waits_until_a_worker_has_asked_the_gateway(world):
    world.start(7, ClaimId=3)
    world.pay_unheard(7)
    with world.working():
        values = told(come_back(world, order_id=7))
    assert (values["Stage"], values["OrderId"], values["ClaimId"]) == ("PAID", "7", "3")
    assert values["PaymentId"] == world.session(7).reference
    assert abs(int(values["Timestamp"]) - time.time()) < 60


def test_it_goes_on_with_the_stage_as_it_is_when_no_worker_comes(world, impatient):
    world.start()
    world.pay_unheard()
    begun = time.monotonic()
    assert told(come_back(world))["Stage"] == "STANDBY"
    assert 0.2 <= time.monotonic() - begun < 2


def test_it_waits_five_seconds_at_most():
    assert returns.RETURN_SECONDS == 5.0


def test_it_does_not_wait_once_all_is_known(world):
    world.start()
    world.pay()
    world.work()
    with all_seats_taken():
        assert told(come_back(world))["Stage"] == "PAID"
    assert world.work() == 0


def test_it_goes_on_as_soon_as_the_gateway_was_asked_whatever_came_of_it(world):
    world.start()
    world.sandbox.faults.add("fetch", "drop")
    begun = time.monotonic()
    with world.working():
        assert told(come_back(world))["Stage"] == "STANDBY"
    assert time.monotonic() - begun < 3


def test_two_returns_at_once_both_wait(world):
    world.start()
    world.pay_unheard()

    def work_late():
        until(lambda: PaymentSession.objects.filter(looked_from__isnull=False).exists())
        time.sleep(0.3)
        world.work()

    answers = at_once(lambda: come_back(world), lambda: come_back(world), work_late)
    assert [told(answer)["Stage"] for answer in answers[:2]] == ["PAID", "PAID"]


def test_a_return_at_a_machine_whose_clock_is_ahead_is_waited_for_too(world):
    world.start()
    world.pay_unheard()

    def return_there():
        until(lambda: PaymentSession.objects.filter(looked_from__isnull=False).exists())
        there = timezone.now() + timedelta(seconds=0.9)
        PaymentSession.objects.update(due_at=there, lease_token=None, looked_from=there)
        until(world.work)

    answers = at_once(lambda: come_back(world), return_there)
    assert told(answers[0])["Stage"] == "PAID"


def test_without_a_free_seat_it_goes_on_at_once_and_the_look_is_still_made(world):
    world.start()
    world.pay_unheard()
    begun = time.monotonic()
    with all_seats_taken():
        assert told(come_back(world))["Stage"] == "STANDBY"
    assert time.monotonic() - begun < 2
    world.work()
    assert world.told() == ["PayComplete"]


def test_who_comes_back_without_having_paid_is_not_paid_whatever_the_address_says(world):
    world.start()
    with world.working():
        values = told(come_back(world, query="?Stage=PAID&paid=1"))
    assert values["Stage"] == "STANDBY"
    assert (world.stages(), world.told(), world.pages()) == (["STANDBY"], [], ["open"])


def test_the_looks_begin_anew_with_the_return(world, impatient):
    now = timezone.now().replace(microsecond=0) + timedelta(minutes=20)
    world.start()
    with time_machine.travel(now, tick=False) as clock:
        come_back(world)
        world.work()
        assert world.session().due_at == now + timedelta(minutes=1)
        world.pay_unheard()
        clock.shift(60)
        world.work()
    assert world.stages() == ["PAID"]


def test_who_turns_back_goes_to_the_cancel_url_and_may_still_pay(world):
    world.start(CancelUrl="https://shop.example/basket?step=3")
    response = come_back(world, path="Cancel")
    assert response["Location"].startswith("https://shop.example/basket?step=3&PaymentId=")
    assert told(response)["Stage"] == "STANDBY"
    assert world.pages() == ["open"]
    world.pay_unheard()
    world.work()
    assert world.told() == ["PayComplete"]  # turning back made a look due, too


def test_without_a_cancel_url_turning_back_leads_to_the_redirect_url(world):
    world.start()
    assert come_back(world, path="Cancel")["Location"].startswith(f"{world.sandbox.url}/shop/thanks?PaymentId=")


@pytest.mark.parametrize(
    ("url", "before"),
    [
        ("https://shop.example/done", "https://shop.example/done?PaymentId="),
        ("https://shop.example/done?a=1&b=%ED%95%9C", "https://shop.example/done?a=1&b=%ED%95%9C&PaymentId="),
        ("https://shop.example/?", "https://shop.example/?PaymentId="),
    ],
)
def test_the_shops_own_query_is_kept(world, impatient, url, before):
    world.start(RedirectUrl=url)
    assert come_back(world)["Location"].startswith(before)


def test_the_shops_fragment_stays_behind_the_query(world, impatient):
    world.start(RedirectUrl="https://shop.example/#/done")
    location = urlsplit(come_back(world)["Location"])
    assert (location.path, location.fragment) == ("/", "/done")
    assert "Signature=" in location.query


@pytest.mark.parametrize("path", ["Return", "Cancel"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_gateways_may_send_the_buyer_by_get_or_post(world, impatient, path, method):
    world.start()
    response = come_back(world, method, path)
    told(response)
    assert response["Referrer-Policy"] == "no-referrer"  # the token stands in the path
    assert "no-store" in response["Cache-Control"]
    assert not response.cookies


@pytest.mark.parametrize("path", ["Return", "Cancel"])
@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_not(world, path, method):
    world.start()
    assert come_back(world, method, path).status_code == 405


@pytest.mark.parametrize("path", ["Return", "Cancel"])
@pytest.mark.parametrize("token", ["nobody", "x" * 32, "x" * 300])
def test_an_unknown_token_is_a_page_that_says_so(client, db, path, token):
    response = client.get(f"/PGBReturn/{path}/{token}")
    assert response.status_code == 404
    assert "결제 정보를 찾을 수 없습니다" in response.text


def test_tokens_cannot_be_guessed(world):
    world.start(1)
    world.start(2)
    first, second = world.session(1).return_token, world.session(2).return_token
    assert first != second
    assert min(len(first), len(second)) >= 32  # 192 bits
