"""The matrix, the page that asks before a switch, and who may do what."""

import re

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from merchants.models import MethodConnection
from tests.factories import ConnectionFactory, MerchantFactory, ShopFactory
from tests.payments.factories import PaymentSessionFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/merchants/methodconnection/"
MATRIX = f"{LIST}matrix/"
SWITCH = f"{LIST}switch/"


@pytest.fixture(autouse=True)
def shop():
    return ShopFactory(joiner_id=1001)


@pytest.fixture
def viewer(client):
    """Who may look at connections, and no more."""
    staff = User.objects.create(username="viewer", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_methodconnection"))
    client.force_login(staff)
    return client


def text(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def fingerprint(answer):
    return re.search(r'name="fingerprint" value="(\w+)"', answer.content.decode())[1]


def said(answer):
    return " ".join(str(message) for message in answer.context["messages"])


def states():
    return {row.pk: (row.connected, row.in_use) for row in MethodConnection.objects.all()}


class TestSwitching:
    def test_asks_then_does_and_returns(self, admin_client, shop):
        row = ConnectionFactory(merchant__code="one")
        PaymentSessionFactory(merchant=row.merchant, order__shop=shop)
        back = f"{MATRIX}?page=KR1/1001/KR"
        asked = admin_client.post(SWITCH, {"wish": "unuse", "row": row.pk, "back": back})
        shown = text(asked)
        assert "KR1/1001 KR" in shown and "Stripe one 연결 안 됨" in shown
        assert "1곳에서 이 결제수단으로 결제할 수 없게 됩니다" in shown
        assert "1건은 그대로 둡니다" in shown
        assert states() == {row.pk: (True, True)}
        sent = {"wish": "unuse", "row": row.pk, "back": back, "fingerprint": fingerprint(asked)}
        done = admin_client.post(SWITCH, sent, follow=True)
        assert states() == {row.pk: (True, False)}
        assert done.redirect_chain == [(back, 302)]
        assert "1건을 바꾸었습니다: 사용 끄기" in said(done)

    def test_the_history_has_what_was_done_and_not_what_was_shown(self, admin_client):
        rows = [ConnectionFactory(), ConnectionFactory()]
        keys = ",".join(str(row.pk) for row in rows)
        new = LogEntry.objects.exclude(pk__in=list(LogEntry.objects.values_list("pk", flat=True)))
        asked = admin_client.post(SWITCH, {"wish": "unuse", "row": keys})
        assert not new.exists()
        admin_client.post(SWITCH, {"wish": "unuse", "row": keys, "fingerprint": fingerprint(asked)})
        done = {(entry.object_id, entry.actor.username, *entry.changes) for entry in new}
        assert done == {(row.pk, "staff", "in_use") for row in rows}

    @pytest.mark.parametrize(
        ("action", "before", "after"),
        [
            ("connect_chosen", {"connected": False}, (True, True)),
            ("disconnect_chosen", {}, (False, True)),
            ("use_chosen", {"in_use": False}, (True, True)),
            ("unuse_chosen", {}, (True, False)),
        ],
    )
    def test_from_the_list(self, admin_client, action, before, after):
        rows = [ConnectionFactory(**before), ConnectionFactory(**before, method__code="BANK")]
        chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
        asked = admin_client.post(f"{LIST}?nation=KR", chosen)
        keys = ",".join(str(row.pk) for row in rows)
        assert f'name="row" value="{keys}"' in asked.content.decode()
        wish = action.removesuffix("_chosen")
        sent = {"wish": wish, "row": keys, "back": f"{LIST}?nation=KR", "fingerprint": fingerprint(asked)}
        assert admin_client.post(SWITCH, sent).url == f"{LIST}?nation=KR"
        assert states() == {row.pk: after for row in rows}

    def test_a_stale_page_is_shown_anew_and_does_nothing(self, admin_client):
        row = ConnectionFactory(priority=2)
        asked = admin_client.post(SWITCH, {"wish": "unuse", "row": row.pk})
        other = ConnectionFactory(priority=1, merchant__code="newcomer")
        sent = {"wish": "unuse", "row": row.pk, "fingerprint": fingerprint(asked)}
        again = admin_client.post(SWITCH, sent)
        assert states() == {row.pk: (True, True), other.pk: (True, True)}
        assert "화면을 연 뒤에 설정이 바뀌었습니다" in text(again)
        assert fingerprint(again) != fingerprint(asked)

    def test_a_refusal_says_why_and_changes_nothing(self, admin_client):
        other = ConnectionFactory(priority=1)
        row = ConnectionFactory(priority=1, connected=False)
        answer = admin_client.post(SWITCH, {"wish": "connect", "row": row.pk}, follow=True)
        assert answer.redirect_chain == [(LIST, 302)]
        assert str(other) in said(answer) and "아무것도 바꾸지 않았습니다" in said(answer)
        assert states()[row.pk] == (False, True)

    @pytest.mark.parametrize(
        ("wish", "row", "message"), [("use", True, "이미 그 상태"), ("use", False, "바꿀 연결을 고르세요")]
    )
    def test_nothing_to_do(self, admin_client, wish, row, message):
        chosen = {"row": ConnectionFactory().pk} if row else {}
        answer = admin_client.post(SWITCH, {"wish": wish} | chosen, follow=True)
        assert message in said(answer)

    @pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "/pay", "/admin/merchants\n"])
    def test_returns_to_connections_only(self, admin_client, back):
        sent = {"wish": "use", "row": ConnectionFactory().pk, "back": back}
        assert admin_client.post(SWITCH, sent).url == LIST

    @pytest.mark.parametrize(
        "sent",
        [
            {},
            {"wish": "drop", "row": "1"},
            {"wish": "use", "row": "x"},
            {"wish": "use", "row": "1,"},
            {"wish": "use", "row": "-1"},
            {"wish": "use", "row": "9" * 30},
            {"wish": "use", "row": "\0"},
            {"move": "١"},
        ],
        ids=str,
    )
    def test_crafted_requests(self, admin_client, sent):
        assert admin_client.post(SWITCH, sent).status_code == 400

    def test_an_address_to_be_posted_to_only(self, admin_client):
        assert admin_client.get(SWITCH).status_code == 405


class TestPermission:
    @pytest.mark.parametrize("more", [{}, {"fingerprint": "x"}])
    def test_who_may_only_view_does_not_switch(self, viewer, more):
        row = ConnectionFactory()
        assert viewer.post(SWITCH, {"wish": "unuse", "row": row.pk} | more).status_code == 403
        assert viewer.post(SWITCH, {"move": row.pk} | more).status_code == 403
        chosen = {"action": "unuse_chosen", "_selected_action": [row.pk]}
        assert "fingerprint" not in viewer.post(LIST, chosen, follow=True).content.decode()
        assert states() == {row.pk: (True, True)}

    def test_who_may_only_view_sees_no_switches(self, viewer):
        row = ConnectionFactory(in_use=False)
        shown = viewer.get(MATRIX).content.decode()
        assert row.merchant.code in shown
        assert not any(part in shown for part in ('name="row"', 'name="move"', "연결 켜기", "/add/"))
        assert "unuse_chosen" not in viewer.get(LIST).content.decode()

    def test_who_may_change_switches(self, viewer):
        staff = User.objects.get(username="viewer")
        staff.user_permissions.add(Permission.objects.get(codename="change_methodconnection"))
        row = ConnectionFactory()
        asked = viewer.post(SWITCH, {"wish": "unuse", "row": row.pk})
        viewer.post(SWITCH, {"wish": "unuse", "row": row.pk, "fingerprint": fingerprint(asked)})
        assert states() == {row.pk: (True, False)}

    def test_others_see_nothing(self, client):
        client.force_login(User.objects.create(username="nobody", is_staff=True))
        assert client.get(MATRIX).status_code == 403
        assert client.post(SWITCH, {"wish": "use", "row": "1"}).status_code == 403


class TestMatrixPage:
    def test_shows_methods_and_gateways(self, admin_client):
        ConnectionFactory(merchant__code="one")
        ConnectionFactory(merchant=MerchantFactory(code="soon", gateway="inicis"), connected=False)
        shown = text(admin_client.get(MATRIX))
        assert "신용카드 Stripe one" in shown
        assert "KG이니시스 PGB가 아직 이 PG사와 통신하지 못합니다" in shown
        assert "soon 연결 끊김" in shown
        assert "부결제수단은 PG로 보내지 않습니다: 포인트" in shown

    def test_an_empty_cell_leads_to_a_form_filled_in(self, admin_client):
        MerchantFactory()
        address = f"{reverse('admin:merchants_methodconnection_add')}?db_type=KR1&amp;nation=KR&amp;method=BANK"
        shown = admin_client.get(MATRIX).content.decode()
        assert f"{address}&amp;joiner_id=1001" in shown
        form = admin_client.get(address.replace("&amp;", "&")).context["adminform"].form
        assert (form["db_type"].value(), form["method"].value()) == ("KR1", "BANK")

    @pytest.mark.parametrize("query", ["page=KR9/1/KR", "page=%00", "page=KR1/1001/JP", "device=any", "device=%00"])
    def test_pages_that_are_not_there(self, admin_client, query):
        assert admin_client.get(f"{MATRIX}?{query}").status_code == 404

    def test_without_a_shop(self, admin_client, shop):
        shop.delete()
        assert "사용 중인 상점이 없습니다" in text(admin_client.get(MATRIX))

    def test_moving_is_offered_where_it_does_something(self, admin_client):
        alone = ConnectionFactory(method__code="BANK")
        off = ConnectionFactory(method__code="MOBILE", in_use=False)
        closed = ConnectionFactory(method__code="PAYCO", merchant__is_active=False)
        first, second = ConnectionFactory(priority=1), ConnectionFactory(priority=2)
        shown = admin_client.get(MATRIX).content.decode()
        offered = {int(pk) for pk in re.findall(r'name="move" value="(\d+)"', shown)}
        assert offered == {off.pk, first.pk, second.pk}
        assert {alone.pk, closed.pk} & offered == set()

    def test_move(self, admin_client):
        old = ConnectionFactory(merchant__code="old", priority=1)
        new = ConnectionFactory(merchant__code="new", priority=1, connected=False)
        asked = admin_client.post(SWITCH, {"move": new.pk})
        assert "Stripe old Stripe new" in text(asked)
        assert f"이 PG로 전환 {new}".replace(">", "&gt;") in text(asked)
        sent = {"wish": "move", "row": new.pk, "fingerprint": fingerprint(asked)}
        admin_client.post(SWITCH, sent)
        assert states() == {old.pk: (False, True), new.pk: (True, True)}


@pytest.mark.parametrize("url", [LIST, MATRIX, "/admin/merchants/paymentmethod/"])
def test_queries_do_not_grow_with_the_rows(admin_client, django_assert_num_queries, url):
    row = ConnectionFactory(method__code="CARD")
    counts = []
    for rows in (10, 1000):
        MethodConnection.objects.bulk_create(
            MethodConnection(
                db_type="KR1", joiner_id=n, nation="KR", method=row.method, merchant=row.merchant, priority=rows
            )
            for n in range(2000, 2000 + rows)
        )
        with django_assert_num_queries(12, exact=False) as few:
            assert admin_client.get(url).status_code == 200
        counts.append(len(few))
    assert counts[0] == counts[1]
