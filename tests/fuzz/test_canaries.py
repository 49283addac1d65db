"""Canaries: what must stay hidden goes in by every door, and never sings in a log, an answer, an event or a list."""

import json
import re
from dataclasses import replace
from urllib.parse import quote, urlencode

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from bridge.gateways.stripe import Stripe
from payments.models import Cancellation, PaymentEvent
from tests.door import FORM
from tests.factories import API_KEY, SIGNING_SECRET, STRIPE_CREDENTIALS
from tests.fuzz.notices import Endpoint, signed
from tests.logs import captured
from tests.sandbox.receiver import listening

NUMBER = "4242424242424242"
GROUPS = [NUMBER[at : at + 4] for at in range(0, 16, 4)]


def in_digits(zero):
    """The number in the digits of another script."""
    return "".join(chr(ord(zero) + int(digit)) for digit in NUMBER)


CARDS = [NUMBER, " ".join(GROUPS), "-".join(GROUPS), "\u2013".join(GROUPS), *map(in_digits, "０٠०๐")]
PERSON = ["황보카나리", "canary@person.example", "010-8765-4321", "01087654321"]
SECRETS = ["sk_live_canary0123456789", "whsec_canary0123456789", "canary-api-key-of-forty-characters-000000"]
CANARIES = [*CARDS, *PERSON, *SECRETS]
OURS = [API_KEY, SIGNING_SECRET, *STRIPE_CREDENTIALS.values()]
LISTS = ["paymentsession", "notification", "delivery", "cancellation"]
ACCOUNT = {"RefundBank": "카나리은행", "RefundAccount": "1002-777-654321", "RefundHolder": "황보카나리"}


def on_the_wire(text):
    """Text as a header carries it."""
    return text.encode().decode("latin-1")


class Ears:
    """Hears the log and what doors answer."""

    def __init__(self, log):
        self.log, self.answers = log, []

    def hear(self, response):
        said = response.content.decode("utf-8", "replace") if not response.streaming else ""
        self.answers.append(f"{response.status_code} {dict(response.headers)} {said}")
        return response

    def silent(self, *more):
        """Check that no canary sang, here or in ``more``."""
        written = self.log.getvalue()
        log = written + json.dumps(written.splitlines(), ensure_ascii=False)
        for where, text in [("the log", log), *(("an answer", one) for one in [*self.answers, *more])]:
            sang = [word for word in [*CANARIES, *OURS] if word in text]
            assert sang == [], f"{where}: {[part for part in text.splitlines() if sang[0] in part][:3]}"
        return True


@pytest.fixture
def ears():
    with captured() as log:
        yield Ears(log)


@pytest.fixture
def client(world):
    return Client(raise_request_exception=False)


def lists_and_events(world):
    """What staff of each kind see in lists, and every event."""
    yield json.dumps(list(PaymentEvent.objects.values()), default=str, ensure_ascii=False)
    for permissions in (["view"], ["view", "change"]):
        person = User.objects.create(username=f"staff-{len(permissions)}", is_staff=True)
        names = [f"{one}_{model}" for one in permissions for model in LISTS]
        person.user_permissions.set(Permission.objects.filter(codename__in=names))
        seen = Client()
        seen.force_login(person)
        for model in LISTS:
            yield seen.get(reverse(f"admin:payments_{model}_changelist")).content.decode()
        yield seen.get(reverse("admin:index")).content.decode()


KEY = {"Authorization": f"Bearer {API_KEY}"}
FIELDS = ["DBType", "OrderId", "JoinerId", "ClaimId", "PayType", "TotalPrice", "OrderDescription", "RedirectUrl"]
FIELDS += ["NationCode", "PGType", "Device", "BuyerName", "BuyerEmail", "BuyerTel", "CancelUrl", "TaxFreePrice"]


def test_no_card_sings_from_a_field_of_a_call(world, client, ears):
    whole = {"OrderId", "JoinerId", "ClaimId", "TotalPrice", "TaxFreePrice"}
    for name in FIELDS:
        # A number where a number belongs cannot be told from a card.
        for card in CARDS[1:] if name in whole else CARDS:
            body = world.order() | {name: card}
            for path in ("/PGB/PayStart", "/PGB/PayStatus"):
                ears.hear(client.post(path, json.dumps(body), content_type="application/json", headers=KEY))
            ears.hear(client.post("/PGB/PayStart", urlencode(body), content_type=FORM, headers=KEY))
    # Addresses may hold any number: what is open now goes back to the shop that gave them.
    assert ears.silent(*lists_and_events(world))


OF_CANCELS = ["RefundPrice", "CurrentTotalPrice", "ModifedTotalPrice", "RequestId", "Reason", "RefundBank"]
OF_CANCELS += ["RefundHolder", "NationCode", "PGType", "PayType", "DBType"]


def test_no_card_sings_from_a_field_of_a_cancel(world, client, ears):
    world.paid()
    with world.working():
        for name in OF_CANCELS:
            for card in CARDS[1:] if name.endswith("Price") else CARDS:
                body = world.named() | {"CurrentTotalPrice": 1, "PGType": "stripe", "PayType": "CARD"} | {name: card}
                for path in ("/PGB/PartialCancel", "/PGB/FullCancel"):
                    body |= {"RefundPrice": 1, "ModifedTotalPrice": 0} if path == "/PGB/PartialCancel" else {}
                    body |= {name: card}
                    ears.hear(client.post(path, json.dumps(body), content_type="application/json", headers=KEY))
                    ears.hear(client.post(path, urlencode(body), content_type=FORM, headers=KEY))
    assert ears.silent(*lists_and_events(world))
    assert world.refunds() == []


def test_no_bank_account_sings_on_its_whole_way(world, client, ears, monkeypatch):
    """Cancels that are done, refused, in doubt and malformed; then every page of the back office, and the messages."""
    monkeypatch.setattr(Stripe, "capabilities", replace(Stripe.capabilities, needs_account=frozenset({"CARD"})))
    world.paid()
    world.sandbox.faults.add("cancel", "refund_status", status="failed")
    with world.working():
        for number, (refund, changes) in enumerate(
            [(900, {}), (900, {}), (70_000, {}), ("x", {}), (1, {"ClaimId": 9})]
        ):
            left = world.session().balance
            prices = {"RefundPrice": refund, "CurrentTotalPrice": left, "ModifedTotalPrice": 64_000}
            body = json.dumps(world.named() | prices | ACCOUNT | {"RequestId": f"r{number}"} | changes)
            ears.hear(client.post("/PGB/PartialCancel", body, content_type="application/json", headers=KEY))
        ears.hear(client.post("/PGB/FullCancel", urlencode(world.named() | ACCOUNT), content_type=FORM, headers=KEY))
        status = json.dumps(world.named())
        ears.hear(client.post("/PGB/PayStatus", status, content_type="application/json", headers=KEY))
    assert [one.state for one in Cancellation.objects.order_by("pk")] == ["REFUSED", "DONE"]
    assert all(one.account["account"] == ACCOUNT["RefundAccount"] for one in Cancellation.objects.all())
    client.force_login(User.objects.create(username="kim", is_staff=True, is_superuser=True))
    for row in (world.session(), *Cancellation.objects.all()):
        page = ears.hear(client.get(reverse(f"admin:payments_{row._meta.model_name}_change", args=[row.pk])))
        assert page.status_code == 200
    more = [*lists_and_events(world), json.dumps(world.sandbox.shop.books.messages)]
    assert ears.silent(*more)
    heard = "".join([ears.log.getvalue(), *ears.answers, *more])
    assert [word for word in (*ACCOUNT.values(), "777-654321", "1002777654321") if word in heard] == []


def test_no_canary_sings_from_around_a_call(world, client, ears):
    order = world.order()
    headers = ("Authorization", "webhook-id", "webhook-signature", "User-Agent", "Referer", "Accept", "Cookie")
    for canary in CANARIES:
        for body in (order | {canary: "1"}, order | {"BuyerNames": canary}, [canary], canary, {"OrderId": canary}):
            ears.hear(client.post("/PGB/PayStart", json.dumps(body), content_type="application/json", headers=KEY))
        ears.hear(client.post("/PGB/PayStart", f"OrderId={canary}&{canary}", content_type="text/plain", headers=KEY))
        ears.hear(client.post(f"/PGB/PayStatus?key={quote(canary)}", order, headers=KEY))
        for header in headers:
            ears.hear(client.post("/PGB/PayStatus", order, headers=KEY | {header: on_the_wire(canary)}))
        ears.hear(client.post("/PGB/PayStatus", order, headers={"Authorization": f"Bearer {on_the_wire(canary)}"}))
    assert ears.silent(*lists_and_events(world))


def test_no_card_or_person_sings_from_an_id_of_a_call(world, client, ears):
    """An id that a caller chose is told and logged; what only stands in the place of one is not."""
    for canary in [*CARDS, *PERSON[:2]]:
        for header in ("X-Request-Id", "webhook-id"):
            headers = KEY | {header: on_the_wire(canary)}
            status = json.dumps(world.order())
            ears.hear(client.post("/PGB/PayStatus", status, content_type="application/json", headers=headers))
        start = json.dumps(world.order(RequestId=canary, PayType="KONBINI"))
        ears.hear(client.post("/PGB/PayStart", start, content_type="application/json", headers=KEY))
    assert '"shop_request_id": "?"' in ears.log.getvalue()
    assert ears.silent()


def test_no_buyer_sings_on_the_whole_way(world, client, ears):
    """A payment that ends well, and a shop that echoes the buyer when it is told."""
    name, email, tel, _ = PERSON
    with listening() as shop:
        shop.answers = [(500, f"{PERSON} {CARDS}".encode())]
        world.shop.completion_url = f"{shop.url}/complete"
        world.shop.save()
        world.start(BuyerName=name, BuyerEmail=email, BuyerTel=tel)
        session = world.session()
        client.get(f"/PGBReturn/Cancel/{session.return_token}", {"name": name, "card": NUMBER})
        world.pay()
        world.work()
        assert len(shop.received) == 1
    assert session.order.deliveries.get().attempts == 1
    assert ears.silent(*lists_and_events(world))
    assert not {session.return_token, world.merchant.webhook_token} & set(re.findall(r"[\w-]+", ears.log.getvalue()))


def test_no_canary_sings_from_what_a_gateway_complains_of(world, client, ears, settings):
    error = {"type": "invalid_request_error", "code": "email_invalid"}
    with listening() as stripe:
        settings.PGB_STRIPE_BASE_URL = stripe.url
        for number, canary in enumerate(CANARIES, 1):
            stripe.answers = [
                (400, json.dumps({"error": error | {"message": f"No: {canary}", "param": canary}}).encode())
            ]
            body = json.dumps(world.order(number))
            answer = ears.hear(client.post("/PGB/PayStart", body, content_type="application/json", headers=KEY))
            assert answer.json()["ErrorCode"] == "GATEWAY_REFUSED"
    assert ears.silent(*lists_and_events(world))


def test_no_canary_sings_from_a_gateways_or_a_buyers_door(world, client, ears):
    mine = Endpoint(world.merchant.webhook_token, STRIPE_CREDENTIALS["webhook_secret"])
    event = {"id": "evt_1", "object": "event", "type": "charge.failed", "livemode": False}
    for canary in CANARIES:
        thing = {"id": "ch_1", "object": "charge", "billing_details": {"name": canary}, "metadata": {"x": canary}}
        for body in (json.dumps(event | {"data": {"object": thing}}), json.dumps(event | {"id": [canary]}), canary):
            message = signed(mine, body.encode())
            for path in (mine.path, f"/PGBReturn/Webhook/stripe/{quote(canary)}", "/PGBReturn/Webhook"):
                for signature in (message.signature, f"t=1,v1={on_the_wire(canary)}"):
                    ears.hear(client.generic("POST", path, message.body, headers={"Stripe-Signature": signature}))
        for path in ("/PGBReturn/Return/nobody", "/PGBReturn/Cancel/nobody/", "/PGBReturn/Close/x"):
            ears.hear(client.get(path, {"card": canary}))
            ears.hear(client.post(path, {canary: canary}))
        for path in ("/PGBReturn/Return/{}", "/PGBReturn/cancel/{}/", "/PGBRETURN/webhook/stripe/{}/x"):
            ears.hear(client.get(path.format(quote(canary))))
    world.work()
    assert ears.silent(*lists_and_events(world))


def test_no_canary_sings_from_the_back_office(world, client, ears):
    """The page that somebody has just filled in may show them their own words, but never a secret."""
    for canary in CANARIES:
        client.post("/admin/login/", {"username": canary, "password": canary})
    client.force_login(User.objects.create(username="kim", is_staff=True, is_superuser=True))
    for canary in CANARIES:
        for model in LISTS:
            page = reverse(f"admin:payments_{model}_changelist")
            client.get(page, {"q": canary})
            client.get(page, {canary: canary})
        form = {"new_credentials": canary, "new_api_key": canary, "new_signing_secret": canary}
        for model in ("shop", "merchant"):
            page = ears.hear(client.post(reverse(f"admin:merchants_{model}_add"), form))
            assert page.status_code == 200
    assert ears.silent(*lists_and_events(world))
