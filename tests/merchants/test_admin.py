"""The lists of the back office, and its pages of methods and connections."""

import pytest
from django.urls import reverse

from merchants.models import Merchant, MethodConnection, PaymentMethod, Shop
from tests.factories import (
    ConnectionFactory,
    MerchantFactory,
    ShopFactory,
)
from tests.merchants.pages import errors

pytestmark = pytest.mark.django_db

CONNECTION = {
    "db_type": "KR1",
    "joiner_id": "",
    "nation": "KR",
    "method": "CARD",
    "device": "any",
    "connected": "on",
    "in_use": "on",
    "priority": "1",
    "min_amount": "0",
    "display_order": "0",
}


@pytest.mark.parametrize("model", [Shop, Merchant, PaymentMethod, MethodConnection])
def test_lists_and_empty_forms(page, model):
    assert str(model._meta.verbose_name) in page(model).content.decode()
    page(model, view="add")


@pytest.mark.parametrize(
    ("model", "query"),
    [
        (Shop, {"q": "KR1"}),
        (Shop, {"is_active__exact": "1"}),
        (Merchant, {"q": "acct", "gateway__exact": "stripe"}),
        (MethodConnection, {"q": "1001", "merchant__gateway__exact": "stripe", "method__code__exact": "CARD"}),
        (MethodConnection, {"nation": "KR", "connected__exact": "1", "in_use__exact": "1"}),
    ],
)
def test_lists_are_searched_and_filtered(admin_client, model, query):
    ShopFactory(joiner_id=1001)
    ConnectionFactory(joiner_id=1001)
    answer = admin_client.get(reverse(f"admin:merchants_{model.__name__.lower()}_changelist"), query)
    assert answer.status_code == 200
    assert len(answer.context["cl"].result_list) == 1


@pytest.mark.parametrize("factory", [ShopFactory, MerchantFactory, ConnectionFactory])
def test_lists_ask_a_constant_number_of_queries(admin_client, django_assert_num_queries, factory):
    url = reverse(f"admin:merchants_{factory._meta.model.__name__.lower()}_changelist")
    factory()
    admin_client.get(url)
    counts = []
    for _ in range(2):
        with django_assert_num_queries(12, exact=False) as few:
            admin_client.get(url)
        counts.append(len(few))
        factory.create_batch(5)
    assert counts[0] == counts[1]


class TestConnection:
    def test_is_added(self, page):
        ShopFactory()
        merchant = MerchantFactory()
        page(MethodConnection, data=CONNECTION | {"merchant": merchant.pk})
        connection = MethodConnection.objects.get()
        assert (connection.db_type, connection.joiner_id, connection.merchant) == ("KR1", None, merchant)
        page(MethodConnection, connection)

    def test_empty_db_type_is_the_whole_nation(self, page):
        ShopFactory()
        page(MethodConnection, data=CONNECTION | {"db_type": "", "merchant": MerchantFactory().pk})
        assert MethodConnection.objects.get().db_type is None

    @pytest.mark.parametrize(
        ("changes", "name", "message"),
        [
            ({"db_type": "", "joiner_id": "1"}, "__all__", "DBType도"),
            ({"max_amount": "5", "min_amount": "6"}, "__all__", "최대 금액"),
            ({"min_amount": "-1"}, "__all__", "0 이상"),
            (
                {"starts_at_0": "2026-02-01", "starts_at_1": "00:00", "ends_at_0": "2026-01-01", "ends_at_1": "00:00"},
                "__all__",
                "종료",
            ),
            ({"nation": "kr"}, "nation", "국가 코드"),
            ({"nation": "JP"}, "__all__", "상점이 없습니다"),
            ({"method": "POINT"}, "method", "부결제수단"),
        ],
    )
    def test_wrong_input(self, page, changes, name, message):
        ShopFactory()
        answer = page(MethodConnection, data=CONNECTION | {"merchant": MerchantFactory().pk} | changes)
        assert message in errors(answer)[name][0]
        assert not MethodConnection.objects.exists()

    def test_other_currency(self, page):
        ShopFactory()
        answer = page(MethodConnection, data=CONNECTION | {"merchant": MerchantFactory(currency="JPY").pk})
        assert errors(answer) == {"merchant": ["가맹점의 통화(JPY)가 상점의 통화(KRW)와 다릅니다."]}

    def test_gateway_without_class(self, page):
        ShopFactory()
        merchant = MerchantFactory(gateway="inicis")
        answer = page(MethodConnection, data=CONNECTION | {"merchant": merchant.pk})
        assert "KG이니시스와(과) 통신하지 못합니다" in errors(answer)["merchant"][0]


class TestMethod:
    def test_is_changed(self, page):
        method = PaymentMethod.objects.get(code="CARD")
        data = {"code": "X", "name": "카드", "is_main": "on", "lifetime_minutes": "30", "display_order": "1"}
        page(PaymentMethod, method, data)
        method.refresh_from_db()
        assert (method.name, method.lifetime_minutes) == ("카드", 30)

    def test_lifetime_is_at_least_a_minute(self, page):
        method = PaymentMethod.objects.get(code="CARD")
        data = {"name": "카드", "is_main": "on", "lifetime_minutes": "0", "display_order": "1"}
        assert "1분 이상" in str(errors(page(PaymentMethod, method, data)))
