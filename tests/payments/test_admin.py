"""The lists and pages of what happened, as a browser without scripts sees them."""

import os
from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from payments.admin.base import CappedPaginator, RecordAdmin
from payments.models import Delivery, Notification, PaymentSession
from tests.factories import MerchantFactory
from tests.payments.factories import (
    BUYER,
    AttemptFactory,
    CallFactory,
    DeliveryFactory,
    EventFactory,
    NotificationFactory,
    OrderFactory,
    PaidSessionFactory,
    PaymentSessionFactory,
)
from tests.sql import statements

pytestmark = pytest.mark.django_db

FACTORIES = {PaymentSession: PaidSessionFactory, Notification: NotificationFactory, Delivery: DeliveryFactory}
MODELS = list(FACTORIES)
SEOUL = ZoneInfo("Asia/Seoul")


def address(model, row=None, view=None):
    view = view or ("change" if row else "changelist")
    return reverse(f"admin:payments_{model._meta.model_name}_{view}", args=[row.pk] if row else [])


def listed(client, model, **query):
    answer = client.get(address(model), query)
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def story(**changes):
    """A payment with at least one row in every table that knows of it."""
    session = PaidSessionFactory(due_at=timezone.now(), **changes)
    EventFactory(session=session, kind="paid", actor="gateway", facts={"expected": 64900, "verified": 64900})
    CallFactory(session=session, code="email_invalid", message=f"Invalid email: {BUYER['email']}")
    NotificationFactory(session=session)
    delivery = DeliveryFactory(session=session)
    answer = f'{{"IsSuccess": false, "Buyer": "{BUYER["tel"]}"}}'
    AttemptFactory(delivery=delivery, number=1, http_status=500, accepted=False, result="HTTP 500", answer=answer)
    AttemptFactory(delivery=delivery, number=2)
    return session


class TestPrivacy:
    def test_no_page_shows_a_secret_or_a_persons_data_in_full(self, staff_client):
        session = story()
        call, notice, delivery = session.calls.get(), session.notifications.get(), session.deliveries.get()
        pages = [*map(address, MODELS), reverse("admin:index")]
        pages += [address(PaymentSession, session), address(Notification, notice), address(Delivery, delivery)]
        secrets = [
            *BUYER.values(),
            session.return_token,
            session.page_url,
            session.redirect_url,
            session.merchant.webhook_token,
            *session.merchant.credentials.values(),
            session.order.shop.signing_secret,
            session.order.shop.api_key_hash,
            call.idempotency_key,
            call.body,
            "customer_details",
        ]
        for page in pages:
            text = staff_client.get(page).content.decode()
            assert [secret for secret in secrets if secret in text] == [], page

    def test_a_payments_page_shows_who_the_buyer_may_be(self, staff_client):
        text = staff_client.get(address(PaymentSession, story())).content.decode()
        for shown in ("홍*동", "010-****-1234", "h***@example.com", "Invalid email: h***@example.com"):
            assert shown in text

    @pytest.mark.parametrize(
        "guess",
        [
            "return_token__startswith",
            "page_url__contains",
            "merchant__webhook_token",
            "merchant_id__webhook_token",
            "pk__gt",
        ],
    )
    def test_a_list_answers_no_guesses_at_what_it_hides(self, staff_client, guess):
        assert staff_client.get(address(PaymentSession), {guess: "a"}).status_code == 400

    def test_a_notice_is_known_by_its_hash(self, staff_client):
        notice = NotificationFactory()
        assert notice.body_sha256 in staff_client.get(address(Notification, notice)).content.decode()

    def test_a_page_opens_when_the_buyers_key_is_lost(self, staff_client, settings):
        session = PaidSessionFactory()
        settings.PGB_FIELD_KEYS = [os.urandom(32)]
        assert "PGB_FIELD_KEYS" in staff_client.get(address(PaymentSession, session)).content.decode()


class TestReadOnly:
    @pytest.mark.parametrize("model", MODELS)
    def test_records_are_neither_added_nor_changed_nor_removed(self, staff_client, model):
        row = FACTORIES[model]()
        before = model.objects.values().get()
        for view in (address(model, view="add"), address(model, row), address(model, row, "delete")):
            assert staff_client.post(view, {"stage": "CANCELLED", "post": "yes"}).status_code == 403
        staff_client.post(address(model), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
        assert model.objects.values().get() == before

    @pytest.mark.parametrize("model", MODELS)
    def test_only_those_who_may_view_see_them(self, person, client, model):
        row = FACTORIES[model]()
        viewer = person(f"view_{model._meta.model_name}", username="viewer")
        stranger = person(username="stranger")
        for page in (address(model), address(model, row)):
            assert viewer.get(page).status_code == 200
            assert stranger.get(page).status_code == 403
            assert client.get(page).status_code == 302


class TestQuickness:
    @pytest.mark.parametrize("model", MODELS)
    def test_a_list_takes_as_many_queries_for_200_rows_as_for_10(self, staff_client, model, monkeypatch):
        monkeypatch.setattr(RecordAdmin, "list_per_page", 200)
        FACTORIES[model].create_batch(10)
        with statements() as few:
            assert len(listed(staff_client, model)) == 10
        FACTORIES[model].create_batch(190)
        with statements() as many:
            assert len(listed(staff_client, model)) == 200
        assert len(many) == len(few) <= 10

    def test_a_payments_page_takes_as_many_queries_for_much_as_for_little(self, staff_client):
        session = story()
        with statements() as few:
            staff_client.get(address(PaymentSession, session))
        for number in range(2, 12):
            NotificationFactory(session=session)
            EventFactory(session=session)
            PaymentSessionFactory(order=session.order, stage="EXPIRED", reason="REPLACED")
            delivery = DeliveryFactory(session=session, kind="PayFailed", cause=str(number), sequence=number)
            AttemptFactory(delivery=delivery)
        with statements() as many:
            staff_client.get(address(PaymentSession, session))
        assert len(many) == len(few) <= 20

    @pytest.mark.parametrize("model", MODELS)
    def test_nothing_is_counted_beyond_what_anybody_pages_through(self, staff_client, model, monkeypatch):
        monkeypatch.setattr(CappedPaginator, "MOST", 12)
        FACTORIES[model].create_batch(15)
        with statements() as sent:
            answer = staff_client.get(address(model))
        assert answer.context["cl"].result_count == 12
        assert "12건 이상" in answer.content.decode()
        counts = [sql for sql in sent if "COUNT(" in sql and "payments_approval" not in sql]
        assert counts and all("LIMIT 12" in sql for sql in counts)
        assert staff_client.get(address(model), {"_facets": "True"}).context["cl"].add_facets is False

    def test_lists_read_no_long_columns(self, staff_client):
        story()
        with statements() as sent:
            for model in MODELS:
                listed(staff_client, model)
        assert [sql for sql in sent if "sealed_b" in sql or '"payments_delivery"."body"' in sql] == []


class TestSearch:
    @pytest.fixture
    def session(self, db):
        order = OrderFactory(order_id=70001, claim_id=2)
        PaidSessionFactory.create_batch(3)
        return PaidSessionFactory(order=order, gateway_id="cs_wanted", gateway_payment_id="pi_wanted")

    @pytest.mark.parametrize("term", ["70001", "70001-2", "KR1 70001", "KR1 70001-2", " cs_wanted ", "pi_wanted"])
    def test_a_payment_is_found_by_its_numbers(self, staff_client, session, term):
        NotificationFactory(session=session)
        DeliveryFactory(session=session)
        for model in MODELS:
            assert len(listed(staff_client, model, q=term)) == 1

    @pytest.mark.parametrize("change", [str, str.lower])
    def test_a_payment_is_found_by_its_payment_number(self, staff_client, session, change):
        assert listed(staff_client, PaymentSession, q=change(session.reference)) == [session]

    @pytest.mark.parametrize("term", ["7000", "70001-3", "JP1 70001", "cs_want", "CS_WANTED", "%", "9" * 30, "nothing"])
    def test_a_part_of_a_number_finds_nothing(self, staff_client, session, term):
        for model in MODELS:
            assert listed(staff_client, model, q=term) == []

    @pytest.mark.parametrize("name", ["dedupe_key", "gateway_id", "gateway_payment_id", "reference"])
    def test_a_notice_without_a_payment_is_found_by_what_it_names(self, staff_client, name):
        given = {"reference": "01M802C5Y88T6WSSNME30XG78R"} if name == "reference" else {name: f"the_{name}"}
        notice = NotificationFactory(session=None, merchant=MerchantFactory(), **given)
        NotificationFactory()
        assert listed(staff_client, Notification, q=given[name]) == [notice]

    def test_a_message_is_found_by_its_event_id(self, staff_client):
        delivery, _ = DeliveryFactory.create_batch(2)
        assert listed(staff_client, Delivery, q=str(delivery.event_id)) == [delivery]
        assert listed(staff_client, Delivery, q=str(uuid4())) == []

    @pytest.mark.parametrize("model", MODELS)
    def test_every_term_is_compared_as_a_whole(self, staff_client, model, session):
        with statements() as sent:
            listed(staff_client, model, q="cs_wanted")
        assert [sql for sql in sent if "LIKE" in sql or "UPPER(" in sql] == []


class TestFilters:
    def test_by_stage_attention_gateway_and_mode(self, staff_client):
        live = PaidSessionFactory(merchant__mode="live")
        review = PaidSessionFactory(stage="REVIEW", attention=True)
        failed = PaymentSessionFactory(stage="FAILED")
        for query, found in [
            ({"stage__exact": "REVIEW"}, [review]),
            ({"stage__exact": ["PAID", "FAILED"]}, [failed, live]),
            ({"attention__exact": "1"}, [review]),
            ({"mode": "live"}, [live]),
            ({"gateway": "stripe"}, [failed, review, live]),
            ({"gateway": "inicis"}, []),
            ({"stage__exact": "PAID", "mode": "test"}, []),
        ]:
            assert listed(staff_client, PaymentSession, **query) == found, query

    @pytest.mark.parametrize(
        ("first", "last", "found"),
        [
            ("2026-03-02", "2026-03-02", 2),
            ("2026-03-02", "", 3),
            ("", "2026-03-02", 3),
            ("2026-03-04", "2026-03-05", 0),
            ("2026-13-45", "yesterday", 4),
            ("0000-00-00", "9999-12-31", 4),
        ],
    )
    def test_by_days_of_seoul(self, staff_client, first, last, found):
        midnight = datetime(2026, 3, 2, tzinfo=SEOUL)
        for hours in (-0.001, 0, 23.999, 24):
            PaymentSessionFactory(created_at=midnight + timedelta(hours=hours))
        rows = listed(staff_client, PaymentSession, created_at_from=first, created_at_to=last)
        assert len(rows) == found

    def test_newest_first(self, staff_client):
        now = timezone.now()
        old, new = (PaymentSessionFactory(created_at=now - timedelta(days=days)) for days in (2, 1))
        assert listed(staff_client, PaymentSession) == [new, old]


def test_a_filter_that_is_no_text_of_the_database(admin_client):
    answer = admin_client.get(address(PaymentSession), {"stage__exact": "\0"})
    assert (answer.status_code, answer["Location"]) == (302, f"{address(PaymentSession)}?e=1")


def test_methods_have_their_names(staff_client):
    session = PaidSessionFactory(method="CARD")
    assert "신용카드" in staff_client.get(address(PaymentSession)).content.decode()
    assert "신용카드 / " in staff_client.get(address(PaymentSession, session)).content.decode()
