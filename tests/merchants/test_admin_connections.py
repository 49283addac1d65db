"""The list and the form of connections, and the list of methods."""

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from merchants.models import MethodConnection, PaymentMethod
from tests.factories import ConnectionFactory, MerchantFactory, ShopFactory
from tests.merchants.pages import errors
from tests.merchants.test_admin import CONNECTION
from tests.payments.factories import PaidSessionFactory, PaymentSessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop():
    return ShopFactory(joiner_id=1001)


def sent(row, **changes):
    """The form of a row as it stands, with changes; None leaves a field out."""
    shown = {name: str(getattr(row, name)) for name in ("db_type", "nation", "device", "priority", "min_amount")}
    shown |= {"method": row.method_id, "merchant": row.merchant_id, "connected": "on", "in_use": "on"}
    return {name: value for name, value in (CONNECTION | shown | changes).items() if value is not None}


def said(answer):
    return " ".join(str(message) for message in answer.context["messages"])


class TestForm:
    def test_an_overlap_leads_to_the_other_row(self, page):
        other = ConnectionFactory(priority=1)
        answer = page(MethodConnection, data=CONNECTION | {"merchant": MerchantFactory().pk})
        [message] = errors(answer)["__all__"]
        assert "겹치는 연결이 이미 사용 중" in message
        link = f'<a class="underline" href="{reverse("admin:merchants_methodconnection_change", args=[other.pk])}">'
        assert link in answer.content.decode()

    def test_its_names_cannot_be_markup(self, page):
        """The other row's own words are text."""
        merchant = MerchantFactory()
        type(merchant).objects.filter(pk=merchant.pk).update(code="<b>x</b>")
        ConnectionFactory(merchant_id=merchant.pk, merchant=merchant, priority=1)
        answer = page(MethodConnection, data=CONNECTION | {"merchant": MerchantFactory().pk})
        assert "<b>x</b>" not in answer.content.decode()

    @pytest.mark.parametrize("changes", [{"connected": None}, {"in_use": None}, {"merchant": "other"}], ids=str)
    def test_says_what_goes_on_with_the_old_merchant(self, page, shop, changes):
        row = ConnectionFactory(merchant__code="old")
        PaymentSessionFactory(merchant=row.merchant, order__shop=shop)
        PaidSessionFactory(merchant=row.merchant, order__shop=shop)
        assert "1건. 가맹점" in page(MethodConnection, row).content.decode()
        if "merchant" in changes:
            changes = {"merchant": MerchantFactory(code="new").pk}
        answer = page(MethodConnection, row, sent(row, **changes))
        assert "진행 중인 결제 1건은 지금까지의 가맹점 old(으)로" in said(answer)

    def test_says_nothing_if_nobody_pays_or_nothing_is_switched(self, page, shop):
        row = ConnectionFactory()
        assert "진행 중인" not in said(page(MethodConnection, row, sent(row, in_use=None)))
        PaymentSessionFactory(merchant=row.merchant, order__shop=shop)
        assert "진행 중인" not in said(page(MethodConnection, row, sent(row, in_use=None, priority="9")))

    def test_a_new_one_has_no_payments_under_way_yet(self, page):
        assert "진행 중인 결제" not in page(MethodConnection, view="add").content.decode()
        assert "진행 중인 결제" in page(MethodConnection, ConnectionFactory()).content.decode()

    def test_before_deleting_it_is_shown_what_order_pages_lose(self, page, shop):
        row = ConnectionFactory()
        PaymentSessionFactory(merchant=row.merchant, order__shop=shop, order__joiner_id=1001)
        answer = page(MethodConnection, row, view="delete")
        assert (answer.context["losing"], answer.context["live"]) == (1, 1)
        assert "1곳에서 이 결제수단으로 결제할 수 없게 됩니다." in answer.content.decode()

    def test_before_deleting_one_that_another_stands_in_for_nothing_changes(self, page):
        merchant = MerchantFactory()
        ConnectionFactory(merchant=merchant)
        answer = page(MethodConnection, ConnectionFactory(merchant=merchant, priority=2), view="delete")
        assert answer.context["changes"] == []
        assert "주문서에서 바뀌는 것이 없습니다." in answer.content.decode()

    def test_several_are_not_deleted_at_once_without_being_shown_that(self, page, admin_client):
        row = ConnectionFactory()
        chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        admin_client.post(reverse("admin:merchants_methodconnection_changelist"), chosen)
        assert MethodConnection.objects.exists()

    def test_the_button_that_deletes_says_no_more_than_that(self, page):
        row = ConnectionFactory()
        address = reverse("admin:merchants_methodconnection_delete", args=[row.pk])
        shown = page(MethodConnection, row).content.decode()
        assert re.search(rf'href="{address}"[^>]*>\s*삭제\s*</a>', shown)

    def test_periods_are_in_korean_time(self, page):
        row = ConnectionFactory()
        midnight = {"starts_at_0": "2026-12-01", "starts_at_1": "00:00"}
        page(MethodConnection, row, sent(row) | midnight)
        row.refresh_from_db()
        assert row.starts_at == datetime(2026, 11, 30, 15, tzinfo=UTC)
        assert "2026-12-01 00:00부터" in page(MethodConnection).content.decode()

    def test_tells_sub_methods_from_main_ones(self, page):
        shown = page(MethodConnection, view="add").content.decode()
        assert "포인트 (POINT) - 부결제수단" in shown and "신용카드 (CARD) -" not in shown


class TestList:
    def test_shows_whom_what_and_through_whom(self, page):
        ConnectionFactory(
            db_type=None, merchant__code="one", merchant__mode="live", min_amount=1000, max_amount=50000, in_use=False
        )
        shown = page(MethodConnection).content.decode()
        for part in ("모든 DBType", "신용카드", "주결제수단", "one", "실거래", "1,000 ~ 50,000", "사용 안 함", "항상"):
            assert part in shown

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"nation": "KR"}, 2),
            ({"db_type": "KR1"}, 1),
            ({"device__exact": "pc"}, 1),
            ({"merchant__mode__exact": "live"}, 1),
            ({"connected__exact": "0"}, 1),
            ({"in_use__exact": "0"}, 0),
            ({"q": "휴대폰"}, 1),
            ({"q": "the-mid"}, 1),
        ],
    )
    def test_filters(self, admin_client, query, found):
        ConnectionFactory(merchant__mode="live", method__code="MOBILE")
        ConnectionFactory(db_type="KR2", device="pc", connected=False, merchant__mid="the-mid")
        answer = admin_client.get(reverse("admin:merchants_methodconnection_changelist"), query)
        assert len(answer.context["cl"].result_list) == found


class TestMethods:
    def test_sub_methods_never_go_to_a_gateway(self, page):
        shown = page(PaymentMethod).content.decode()
        assert shown.count("PG로 보내지 않습니다") == PaymentMethod.objects.filter(is_main=False).count() == 3

    def test_counts_its_connections(self, page):
        ConnectionFactory(in_use=False)
        ConnectionFactory()
        assert "2건 중 1건 사용" in page(PaymentMethod).content.decode()

    def test_a_connected_method_stays_a_main_one(self, page):
        row = ConnectionFactory()
        data = {"name": "카드", "lifetime_minutes": "30", "display_order": "1"}
        answer = page(PaymentMethod, row.method, data)
        assert "사용 중인 연결이 있습니다" in errors(answer)["is_main"][0]
        MethodConnection.objects.update(in_use=False)
        page(PaymentMethod, row.method, data)
        assert not PaymentMethod.objects.get(pk="CARD").is_main
