"""변경 이력: every change of the configuration, by whom, before and after, and never a secret."""

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse

from config.people.admin import changes
from config.people.models import HistoryEntry
from merchants.models import CardIssuer, IssuerReview, Merchant, MethodConnection, PaymentMethod, Shop
from tests.factories import (
    API_KEY,
    SIGNING_SECRET,
    STRIPE_CREDENTIALS,
    ConnectionFactory,
    MerchantFactory,
    ShopFactory,
)
from tests.merchants.pages import NEW_SECRET, SECRETS

pytestmark = pytest.mark.django_db
LIST = reverse("admin:people_historyentry_changelist")


@pytest.fixture
def kim(client):
    """A superuser, logged in."""
    user = User.objects.create(username="kim", first_name="민수", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def latest(row):
    return HistoryEntry.objects.get_for_object(row).latest("pk")


def said(entry):
    return {change.name: (change.before, change.after) for change in changes.changes(entry)}


def open_page(client, entry):
    return client.get(reverse("admin:people_historyentry_change", args=[entry.pk])).content.decode()


class TestWhatIsRecorded:
    def test_a_page_of_the_back_office_names_its_person(self, client, kim):
        method = PaymentMethod.objects.get(code="CARD")
        form = {"name": "카드", "name_ja": "", "name_en": "", "is_main": "on", "lifetime_minutes": "30"}
        url = reverse("admin:merchants_paymentmethod_change", args=[method.pk])
        answer = client.post(url, {**form, "display_order": "1"}, headers={"x-request-id": "shop-7"})
        assert answer.status_code == 302
        entry = HistoryEntry.objects.get(actor=kim)
        assert (changes.who(entry), entry.cid, entry.object_pk) == ("민수", "shop-7", "CARD")
        assert said(entry)["결제 유효시간(분)"] == ("40", "30")

    @pytest.mark.parametrize(
        ("make", "attribute", "value"),
        [
            (ShopFactory, "name", "다른 이름"),
            (MerchantFactory, "note", "새 계약"),
            (ConnectionFactory, "in_use", False),
            (lambda: PaymentMethod.objects.get(code="CARD"), "display_order", 9),
            (lambda: CardIssuer.objects.all()[0], "name", "다른 카드"),
            (
                lambda: IssuerReview.objects.create(merchant=MerchantFactory(), issuer=CardIssuer.objects.all()[0]),
                "note",
                "서류 보완",
            ),
            (lambda: User.objects.create(username="lee"), "is_active", False),
            (lambda: Group.objects.create(name="새 역할"), "name", "다른 역할"),
        ],
    )
    def test_every_table_of_the_configuration(self, make, attribute, value):
        row = make()
        setattr(row, attribute, value)
        row.save()
        entry = latest(row)
        assert (entry.action, list(entry.changes)) == (LogEntry.Action.UPDATE, [attribute])
        row.delete() if not isinstance(row, CardIssuer | PaymentMethod) else None

    def test_roles_and_permissions(self):
        user, group = User.objects.create(username="lee"), Group.objects.create(name="새 역할")
        user.groups.add(group)
        assert said(latest(user)) == {"역할": ("", "새 역할")}
        user.groups.remove(group)
        assert said(latest(user)) == {"역할": ("새 역할", "")}
        group.permissions.add(Permission.objects.get(codename="view_shop"))
        assert "view_shop" not in str(said(latest(group))) and latest(group).changes["permissions"]

    def test_a_login_is_no_change(self, client):
        user = User.objects.create(username="lee", is_staff=True)
        before = HistoryEntry.objects.count()
        client.force_login(user)
        assert HistoryEntry.objects.count() == before

    def test_the_file_of_provision_is_named(self, provision, file):
        provision(file)
        for model in (Shop, Merchant, MethodConnection):
            assert changes.who(latest(model.objects.first())) == "설정 파일 (provision)"
        assert changes.who(latest(User.objects.create(username="lee"))) == "시스템 (명령)"


class TestSecrets:
    def test_that_they_changed_is_recorded_and_their_last_characters(self):
        shop = ShopFactory(signing_secret=SIGNING_SECRET)
        shop.signing_secret = NEW_SECRET
        shop.set_api_key("a-new-api-key-of-forty-characters-01234567", keep_old=False)
        shop.save()
        told = said(latest(shop))
        assert told["서명 비밀값"] == (f"····{SIGNING_SECRET[-4:]}", f"····{NEW_SECRET[-4:]}")
        assert told["API 키"] == ("", "새 값 (보이지 않습니다)")
        merchant = MerchantFactory()
        merchant.credentials = {**STRIPE_CREDENTIALS, "secret_key": "sk_test_another_000000007777"}
        merchant.save()
        assert said(latest(merchant))["인증 정보"][1].endswith("····7777, webhook_secret ····cdef")

    def test_none_stands_in_the_history(self, client, kim):
        shop, merchant = ShopFactory(), MerchantFactory()
        lee = User.objects.create(username="lee")
        lee.set_password("a password of lee")
        lee.save()
        shop.signing_secret_old = NEW_SECRET
        shop.set_api_key(API_KEY + "2", keep_old=True)
        shop.save()
        merchant.webhook_token = "a-new-webhook-token-0001"
        merchant.save()
        everything = str(list(LogEntry.objects.values())) + client.get(LIST).content.decode()
        everything += "".join(open_page(client, entry) for entry in HistoryEntry.objects.all())
        hashes = [lee.password, shop.api_key_hash, merchant.webhook_token, "a password of lee"]
        assert [secret for secret in (*SECRETS, *hashes) if secret in everything] == []
        assert "비밀번호" in open_page(client, latest(lee))


class TestPages:
    def test_the_list_is_filtered_and_searched(self, client, kim):
        one, two = ShopFactory(joiner_id=1001), ShopFactory(joiner_id=1002)
        one.name = "명함"
        one.save()
        for query, rows in [
            ({"row": f"merchants.shop:{one.pk}"}, 2),
            ({"row": f"merchants.shop:{two.pk}"}, 1),
            ({"kind": "1"}, 1),
            ({"kind": "0", "subject": "merchants.shop"}, 2),
            ({"kind": "export"}, 0),
            ({"actor": "provision"}, 0),
            ({"q": "KR1/1001"}, 2),
            ({"timestamp_from": "2020-01-01", "timestamp_to": "2020-01-02"}, 0),
        ]:
            answer = client.get(LIST, query)
            assert (answer.status_code, len(answer.context["cl"].result_list)) == (200, rows), query

    def test_a_line_shows_before_and_after_and_leads_to_its_row(self, client, kim):
        connection = ConnectionFactory()
        connection.in_use = False
        connection.save()
        page = open_page(client, latest(connection))
        assert ">예<" in page and ">아니오<" in page
        assert reverse("admin:merchants_methodconnection_change", args=[connection.pk]) in page

    def test_the_page_of_a_row_leads_to_its_history(self, client, kim):
        shop = ShopFactory()
        page = client.get(reverse("admin:merchants_shop_change", args=[shop.pk])).content.decode()
        assert f"{LIST}?row=merchants.shop%3A{shop.pk}" in page
        lee = User.objects.create(username="lee", is_staff=True)
        lee.user_permissions.set(Permission.objects.filter(codename="view_shop"))
        client.force_login(lee)
        page = client.get(reverse("admin:merchants_shop_change", args=[shop.pk])).content.decode()
        assert shop.completion_url in page and LIST not in page

    def test_a_row_that_is_gone_has_no_link(self, client, kim):
        connection = ConnectionFactory()
        pk = connection.pk
        connection.delete()
        page = open_page(client, HistoryEntry.objects.get(action=LogEntry.Action.DELETE))
        assert reverse("admin:merchants_methodconnection_change", args=[pk]) not in page

    @pytest.mark.parametrize("odd", ["x", "\0", "auth.user", "a.b:c", "9" * 30, "-1", ""])
    def test_odd_filters_are_no_error_of_ours(self, client, kim, odd):
        for name in ("row", "kind", "actor", "subject", "q"):
            assert client.get(LIST, {name: odd}).status_code < 500, name

    def test_nobody_writes_it(self, client, kim):
        entry = latest(ShopFactory())
        page = reverse("admin:people_historyentry_change", args=[entry.pk])
        assert client.post(page, {"object_repr": "x"}).status_code == 403
        assert client.get(reverse("admin:people_historyentry_add")).status_code == 403
        assert client.post(reverse("admin:people_historyentry_delete", args=[entry.pk])).status_code == 403

    def test_it_asks_a_constant_number_of_queries(self, client, kim, django_assert_num_queries):
        ShopFactory()
        client.get(LIST)
        counts = []
        for _ in range(2):
            with django_assert_num_queries(12, exact=False) as few:
                client.get(LIST)
            counts.append(len(few))
            ConnectionFactory.create_batch(20)
        assert counts[0] == counts[1]
