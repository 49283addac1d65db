"""Staff are told of what comes into 확인 필요: all together, once, by mail and by a signed webhook."""

import base64
import json
import smtplib
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from bridge import alerts, watch
from payments.models import Attention, Handling, Notification, StaffAlert
from tests.factories import MerchantFactory
from tests.payments.factories import BUYER, DeliveryFactory, NotificationFactory, PaidSessionFactory
from tests.sandbox.receiver import listening
from tests.threads import at_once, until

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode()
STAFF = ["ops@tqoon.example", "cs@tqoon.example"]


@pytest.fixture
def by_mail(settings):
    settings.PGB_STAFF_EMAILS = STAFF
    settings.DEFAULT_FROM_EMAIL = "pgb@pay.example"
    settings.PGB_PUBLIC_URL = "https://pay.example"


@pytest.fixture
def receiver(settings):
    with listening() as found:
        settings.PGB_STAFF_WEBHOOK_URL = f"{found.url}/alerts?team=1"
        settings.PGB_STAFF_WEBHOOK_SECRET = SECRET
        settings.PGB_PUBLIC_URL = "https://pay.example"
        yield found


def orphan(**changes):
    return NotificationFactory(session=None, merchant=MerchantFactory(), attention=True, **changes)


def later(travel: Any, **much: float) -> None:
    travel(timezone.now() + timedelta(**much))


@pytest.fixture
def travel(monkeypatch):
    """The application's clock stands at another time."""

    def to(at):
        monkeypatch.setattr(timezone, "now", lambda: at)

    return to


def found_and_told(travel):
    watch.once()
    later(travel, seconds=61)
    watch.once()


class TestMail:
    def test_all_that_is_new_comes_in_one_mail_with_what_to_do_and_where(self, by_mail, travel):
        session = PaidSessionFactory(stage="REVIEW", reason="DOUBLE_PAYMENT", attention=True, order__order_id=70001)
        orphan(merchant__mode="live")
        found_and_told(travel)
        (message,) = mail.outbox
        assert (message.subject, message.to, message.from_email) == ("[PGB] 확인 필요 2건", STAFF, "pgb@pay.example")
        row = Attention.objects.get(subject=session.pk, kind="PAYMENT")
        for part in (
            "[테스트] 결제 확인: KR1 70001 · ₩64,900 · 중복 결제",
            "같은 주문이 다른 결제로 이미 결제되었습니다",
            f"https://pay.example/admin/payments/attention/{row.pk}/change/",
            "맞는 결제가 없는 웹훅",
            "https://pay.example/admin/payments/attention/",
        ):
            assert part in message.body
        assert [text for text in (*BUYER.values(), session.return_token) if text in message.body] == []

    def test_nothing_is_told_twice(self, by_mail, travel):
        orphan()
        found_and_told(travel)
        orphan()
        found_and_told(travel)
        later(travel, hours=2)
        watch.once()
        assert [message.subject for message in mail.outbox] == ["[PGB] 확인 필요 1건"] * 2
        assert not Attention.objects.filter(told_at=None).exists()

    def test_what_mends_itself_within_a_minute_is_not_told(self, by_mail, travel):
        orphan()
        watch.once()
        Notification.objects.update(attention=False)
        later(travel, seconds=61)
        watch.once()
        assert (mail.outbox, StaffAlert.objects.count()) == ([], 0)

    def test_what_somebody_has_in_hand_is_not_told(self, by_mail, travel):
        orphan()
        watch.once()
        Attention.objects.update(handling=Handling.IN_HAND)
        later(travel, seconds=61)
        watch.once()
        assert mail.outbox == []

    def test_a_flood_is_one_mail_that_can_be_read(self, by_mail, travel):
        NotificationFactory.create_batch(25, session=None, merchant=MerchantFactory(), attention=True)
        found_and_told(travel)
        (message,) = mail.outbox
        assert message.subject == "[PGB] 확인 필요 25건"
        assert message.body.count("/change/") == 20
        assert "그 밖에 5건" in message.body

    def test_a_server_that_fails_is_tried_again_from_the_row(self, by_mail, travel, monkeypatch):
        def refuse(*_):
            raise smtplib.SMTPServerDisconnected(f"not now, {STAFF[0]}")

        sending = EmailBackend.send_messages
        monkeypatch.setattr(EmailBackend, "send_messages", refuse)
        orphan()
        found_and_told(travel)
        alert = StaffAlert.objects.get()
        assert (alert.attempts, alert.result, alert.sent_at) == (1, "SMTPServerDisconnected", None)
        monkeypatch.setattr(EmailBackend, "send_messages", sending)
        watch.once()
        assert mail.outbox == []
        later(travel, seconds=34)
        watch.once()
        alert.refresh_from_db()
        assert (len(mail.outbox), alert.result, alert.due_at) == (1, "sent", None)

    def test_after_days_of_failure_it_is_given_up(self, by_mail, travel, monkeypatch):
        monkeypatch.setattr(alerts, "_mail", lambda alert: "gaierror")
        orphan()
        found_and_told(travel)
        later(travel, days=3)
        watch.once()
        alert = StaffAlert.objects.get()
        assert (alert.attempts, alert.due_at, alert.sent_at) == (2, None, None)

    def test_with_nobody_to_tell_the_list_is_kept_and_told_later(self, settings, travel):
        orphan()
        found_and_told(travel)
        assert Attention.objects.filter(told_at=None).count() == 1
        assert not StaffAlert.objects.exists()
        settings.PGB_STAFF_EMAILS = STAFF
        watch.once()
        assert len(mail.outbox) == 1


class TestWebhook:
    def test_it_is_signed_and_says_the_same(self, receiver, travel):
        delivery = DeliveryFactory(state="DEAD", session__merchant__mode="live", session__order__order_id=70002)
        found_and_told(travel)
        (got,) = receiver.received
        assert got.path == "/alerts?team=1"
        said = Webhook(SECRET).verify(got.body, {name.lower(): value for name, value in got.headers.items()})
        assert said == got.json
        (item,) = said["data"]["items"]
        row = Attention.objects.get()
        assert (said["type"], said["data"]["count"]) == ("attention.opened", 1)
        assert (item["kind"], item["mode"]) == ("DELIVERY", "live")
        assert item["what"] == f"KR1 70002 · 결제 완료 · {delivery.shop}"
        assert item["url"] == f"https://pay.example/admin/payments/attention/{row.pk}/change/"
        assert item["what"] in said["text"] and item["hint"] in said["text"]

    def test_a_failure_is_repeated_with_the_same_number_and_body(self, receiver, travel):
        receiver.answers += [(500, b""), (302, b"")]
        orphan()
        found_and_told(travel)
        assert StaffAlert.objects.get().result == "HTTP 500"
        for _ in range(2):
            later(travel, seconds=70)
            watch.once()
        bodies = {(got.headers["webhook-id"], got.body) for got in receiver.received}
        assert (len(receiver.received), len(bodies)) == (3, 1)
        assert StaffAlert.objects.get().sent_at is not None

    def test_both_ways_are_told_each_once_though_one_fails(self, by_mail, receiver, travel):
        receiver.answers += [(500, b"")]
        orphan()
        found_and_told(travel)
        later(travel, seconds=70)
        watch.once()
        assert (len(mail.outbox), len(receiver.received)) == (1, 2)

    def test_plain_http_to_another_machine_is_not_spoken(self, settings, travel):
        settings.PGB_STAFF_WEBHOOK_URL = "http://alerts.example/in"
        settings.PGB_STAFF_WEBHOOK_SECRET = SECRET
        orphan()
        found_and_told(travel)
        assert StaffAlert.objects.get().result == "plain_http"


class TestManyAtOnce:
    def test_dispatchers_that_watch_together_tell_once(self, by_mail, receiver, travel):
        orphan()
        orphan()
        watch.once()
        later(travel, seconds=61)
        at_once(*[watch.once] * 6)
        assert len(mail.outbox) == 1
        assert [json.loads(got.body)["data"]["count"] for got in receiver.received] == [2]

    def test_a_message_that_is_being_sent_is_nobody_elses(self, by_mail, travel, monkeypatch):
        sending, go_on = threading.Event(), threading.Event()
        told = []

        def slowly(alert):
            assert not connection.in_atomic_block
            told.append(alert.pk)
            sending.set()
            go_on.wait(30)
            return ""

        monkeypatch.setattr(alerts, "_mail", slowly)
        orphan()
        watch.once()
        later(travel, seconds=61)

        def first():
            try:
                watch.once()
            finally:
                connection.close()

        thread = threading.Thread(target=first)
        thread.start()
        assert sending.wait(30)
        watch.once()
        go_on.set()
        thread.join()
        assert len(told) == 1

    def test_one_that_died_while_sending_is_followed_by_another(self, by_mail, travel):
        orphan()
        watch.once()
        later(travel, seconds=61)
        alerts.write(timezone.now())
        assert alerts._claim(timezone.now()) is not None
        watch.once()
        assert mail.outbox == []
        later(travel, seconds=61)
        watch.once()
        assert len(mail.outbox) == 1


def test_the_watch_goes_on_after_an_error(monkeypatch):
    rounds = []

    def round_of_errors():
        rounds.append(1)
        raise ValueError

    monkeypatch.setattr(watch, "EVERY_SECONDS", 0.01)
    monkeypatch.setattr(watch, "once", round_of_errors)
    stop = threading.Event()
    thread = threading.Thread(target=watch.run, args=(stop,))
    thread.start()
    until(lambda: len(rounds) >= 2)
    stop.set()
    thread.join()
