"""가맹점 관리: the list, a merchant's page, copying, and the button that checks its keys."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from merchants.models import CardIssuer, IssuerReview, Merchant
from payments.models import CredentialCheck
from tests.factories import STRIPE_CREDENTIALS, ConnectionFactory, MerchantFactory
from tests.merchants.forms import INICIS_KEYS
from tests.payments.factories import CredentialCheckFactory, PaidSessionFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)  # in Seoul
LIST = reverse("admin:merchants_merchant_changelist")


@pytest.fixture
def staff(client):
    """Log in somebody with these rights alone, and return the client."""

    def log_in(*rights):
        user = User.objects.create(username="lee", is_staff=True)
        for right in rights:
            app, name = right.split(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=name))
        client.force_login(user)
        return client

    return log_in


def live_inicis(**changes):
    return MerchantFactory(**{"gateway": "inicis", "mode": "live", "credentials": INICIS_KEYS, **changes})


def url(name, merchant):
    return reverse(f"admin:merchants_{name}", args=[merchant.pk])


def shown(client, merchant):
    return client.get(url("merchant_change", merchant)).content.decode()


class TestList:
    def test_same_queries_at_any_length(self, admin_client, django_assert_max_num_queries):
        counts = []
        for rows in (10, 990):
            made = Merchant.objects.bulk_create(
                MerchantFactory.build(gateway="inicis", mode="live") for _ in range(rows)
            )
            IssuerReview.objects.create(merchant=made[0], issuer_id="SAMSUNG", state="passed")
            with django_assert_max_num_queries(12) as asked:
                assert admin_client.get(LIST).status_code == 200
            counts.append(len(asked))
        assert counts[0] == counts[1]

    def test_tells_how_many_issuers_passed_where_that_matters(self, admin_client):
        merchant = live_inicis()
        MerchantFactory()
        IssuerReview.objects.create(merchant=merchant, issuer_id="SAMSUNG", state="passed")
        IssuerReview.objects.create(merchant=merchant, issuer_id="SHINHAN", state="reviewing")
        text = admin_client.get(LIST).content.decode()
        assert text.count("통과 1 /") == 1
        assert f"통과 1 / {CardIssuer.objects.count()}" in text

    @pytest.mark.parametrize(
        ("keys", "found"), [("soon", ["today", "in-30"]), ("over", ["over"]), ("", ["in-30", "in-31", "over", "today"])]
    )
    def test_is_filtered_by_the_end_of_keys(self, admin_client, keys, found):
        with time_machine.travel(NOON, tick=False):
            for code, days in (("over", -1), ("today", 0), ("in-30", 30), ("in-31", 31)):
                ends_on = date(2026, 3, 2) + timedelta(days=days)
                MerchantFactory(code=code, credentials_expire_on=ends_on)
            answer = admin_client.get(LIST, {"keys": keys} if keys else {})
        assert sorted(row.code for row in answer.context["cl"].result_list) == sorted(found)

    @pytest.mark.parametrize("query", [{"q": "SIRtqoon"}, {"mode__exact": "live"}, {"purpose__exact": "escrow"}])
    def test_is_searched_and_filtered(self, admin_client, query):
        MerchantFactory()
        wanted = live_inicis(mid="SIRtqoon01", purpose="escrow")
        assert list(admin_client.get(LIST, query).context["cl"].result_list) == [wanted]

    @pytest.mark.parametrize("name", ["q", "gateway__exact", "mode__exact", "currency", "keys"])
    def test_odd_filters_are_no_error_of_ours(self, admin_client, name):
        admin_client.raise_request_exception = False
        for odd in ("\0", "x", "9" * 40):
            assert admin_client.get(LIST, {name: odd}).status_code < 500


class TestPage:
    def test_asks_the_same_however_much_there_is(self, admin_client, django_assert_max_num_queries):
        merchant = live_inicis()
        counts = []
        for _ in range(2):
            for issuer in CardIssuer.objects.exclude(reviews__merchant=merchant)[:15]:
                IssuerReview.objects.create(merchant=merchant, issuer=issuer, state="passed")
            for _ in range(12):
                PaidSessionFactory(merchant=merchant)
                ConnectionFactory(merchant=merchant)
                CredentialCheckFactory(merchant=merchant, state="WORKS")
            with django_assert_max_num_queries(25) as asked:
                shown(admin_client, merchant)
            counts.append(len(asked))
        assert counts[0] == counts[1]

    def test_live_one_has_a_banner(self, admin_client):
        assert "실거래 가맹점입니다." in shown(admin_client, live_inicis())
        assert "실거래 가맹점입니다." not in shown(admin_client, MerchantFactory())

    def test_webhook_address_and_events_are_there_to_copy(self, admin_client, settings):
        merchant = MerchantFactory()
        text = shown(admin_client, merchant)
        assert f"{settings.PGB_PUBLIC_URL}/PGBReturn/Webhook/stripe/{merchant.webhook_token}" in text
        assert "checkout.session.async_payment_succeeded" in text

    @pytest.mark.parametrize(
        ("facts", "words"),
        [
            ({"credentials_expire_on": date(2026, 3, 1)}, "만료되었습니다"),
            ({"credentials_expire_on": date(2026, 3, 2)}, "0일 남음"),
            ({"credentials_expire_on": date(2026, 4, 1)}, "30일 남음"),
            ({"is_active": False}, "사용 안 함"),
            ({"ends_at": NOON}, "기간 종료"),
            ({"starts_at": NOON + timedelta(seconds=1)}, "기간 시작 전"),
            ({"purpose": "escrow"}, "주문 결제에는 쓰이지 않습니다"),
        ],
    )
    def test_warns(self, admin_client, facts, words):
        with time_machine.travel(NOON, tick=False):
            assert words in shown(admin_client, MerchantFactory(**facts))

    def test_does_not_warn_without_need(self, admin_client):
        with time_machine.travel(NOON, tick=False):
            quiet = {
                "credentials_expire_on": date(2026, 4, 2),
                "starts_at": NOON,
                "ends_at": NOON + timedelta(seconds=1),
            }
            text = shown(admin_client, MerchantFactory(**quiet))
        for words in ("만료되었습니다", "일 남음", "기간 종료", "기간 시작 전"):
            assert words not in text

    def test_tells_where_it_is_connected_and_links_there(self, admin_client):
        connection = ConnectionFactory(joiner_id=1007)
        other = ConnectionFactory()
        text = shown(admin_client, connection.merchant)
        assert reverse("admin:merchants_methodconnection_change", args=[connection.pk]) in text
        assert "KR1/1007" in text
        assert reverse("admin:merchants_methodconnection_change", args=[other.pk]) not in text

    def test_last_twenty_payments_the_newest_first(self, admin_client):
        merchant = MerchantFactory()
        made = [PaidSessionFactory(merchant=merchant, created_at=NOON + timedelta(hours=n)) for n in range(21)]
        PaidSessionFactory()
        answer = admin_client.get(url("merchant_change", merchant))
        assert list(answer.context["payments"]) == made[:0:-1]
        text = answer.content.decode()
        assert reverse("admin:payments_paymentsession_change", args=[made[20].pk]) in text
        assert "₩64,900" in text

    def test_payments_are_for_those_who_may_see_payments(self, staff):
        session = PaidSessionFactory()
        text = shown(staff("merchants.view_merchant"), session.merchant)
        assert (session.reference in text, "last-payments" in text) == (False, False)
        User.objects.all().delete()
        assert session.reference in shown(
            staff("merchants.view_merchant", "payments.view_paymentsession"), session.merchant
        )

    def test_who_may_only_look_sees_no_input(self, staff):
        merchant = live_inicis()
        IssuerReview.objects.create(merchant=merchant, issuer_id="SAMSUNG", state="passed")
        text = shown(staff("merchants.view_merchant"), merchant)
        assert "····0223" in text
        assert "삼성" in text
        for forbidden in ("id_key_", "_pass_issuers", 'credential-check"><form', url("copy", merchant)):
            assert forbidden not in text
        assert not [secret for secret in INICIS_KEYS.values() if secret in text]


class TestCopy:
    def test_brings_all_but_names_and_keys(self, admin_client):
        merchant = live_inicis(code="first", mid="SIRtqoon01", currency="JPY", purpose="billing", note="메모 하나")
        answer = admin_client.get(url("copy", merchant), follow=True)
        text = answer.content.decode()
        form = answer.context["adminform"].form
        assert form.gateway == "inicis"
        assert {name: form.initial.get(name) for name in ("code", "mid", "mode", "currency", "purpose", "note")} == {
            "code": None,
            "mid": None,
            "mode": "live",
            "currency": "JPY",
            "purpose": "billing",
            "note": "메모 하나",
        }
        assert not [hint for hint in merchant.credential_hints.values() if hint in text]

    @pytest.mark.parametrize("copy", ["x", "\0", "9" * 30, "999"])
    def test_of_nothing_is_an_empty_form(self, admin_client, copy):
        add = reverse("admin:merchants_merchant_add")
        assert admin_client.get(add, {"gateway": "stripe", "copy": copy}).status_code == 200

    def test_is_for_those_who_may_add(self, staff):
        merchant = MerchantFactory()
        assert staff("merchants.view_merchant").get(url("copy", merchant)).status_code == 403


class TestKeyCheck:
    def test_button_writes_a_row_and_asks_nobody(self, admin_client):
        merchant = MerchantFactory()
        before = timezone.now()
        admin_client.post(url("check", merchant))
        check = CredentialCheck.objects.get()
        assert (check.merchant, check.state, check.requested_by, check.attempts) == (merchant, "WAITING", "staff", 0)
        assert before <= check.due_at <= timezone.now()

    def test_pressed_twice_is_one_check(self, admin_client):
        merchant = MerchantFactory()
        for _ in range(2):
            answer = admin_client.post(url("check", merchant), follow=True)
        assert CredentialCheck.objects.count() == 1
        assert "이미 확인하고 있습니다." in answer.content.decode()

    def test_gateway_that_pgb_cannot_talk_to_is_told(self, admin_client):
        merchant = live_inicis()
        assert "아직 KG이니시스와(과) 통신하지 못해" in shown(admin_client, merchant)
        answer = admin_client.post(url("check", merchant), follow=True)
        assert "확인하지 못합니다" in answer.content.decode()
        assert not CredentialCheck.objects.exists()

    @pytest.mark.parametrize(
        ("facts", "words"),
        [
            ({"state": "WAITING"}, "PG사에 묻고 있습니다."),
            ({"state": "WORKS"}, "이 키를 받아들였고"),
            ({"state": "REFUSED", "code": "wrong_account", "message": "acct_other"}, "wrong_account: acct_other"),
            ({"state": "REFUSED", "code": "wrong_mode"}, "구분에 맞는 키"),
            ({"state": "REFUSED", "code": "account_not_readable"}, "제한된 키라서"),
            ({"state": "REFUSED", "code": "a_word_of_the_gateway"}, "a_word_of_the_gateway"),
            ({"state": "UNANSWERED", "code": "deadline"}, "키가 틀렸다는 뜻은 아닙니다"),
            ({"state": "UNANSWERED", "code": "cannot_open"}, "PGB_FIELD_KEYS"),
        ],
    )
    def test_page_tells_the_outcome_who_asked_and_when(self, admin_client, facts, words):
        check = CredentialCheckFactory(**facts, requested_at=NOON)
        with time_machine.travel(NOON, tick=False):
            text = shown(admin_client, check.merchant)
        assert words in text
        assert "kim · 2026-03-02 12:00:00" in text

    def test_page_asks_again_while_the_bridge_is_at_it(self, admin_client):
        check = CredentialCheckFactory()
        panel = url("check", check.merchant)
        assert f'hx-get="{panel}"' in shown(admin_client, check.merchant)
        CredentialCheck.objects.update(state="WORKS", due_at=None)
        text = admin_client.get(panel).content.decode()
        assert ("hx-get" in text, "정상" in text) == (False, True)

    def test_check_that_nobody_begins_is_told_and_no_longer_watched(self, admin_client):
        check = CredentialCheckFactory(requested_at=timezone.now() - timedelta(seconds=61))
        text = admin_client.get(url("check", check.merchant)).content.decode()
        assert "작업 프로세스" in text
        assert "hx-get" not in text

    def test_keys_changed_since_are_not_those_that_worked(self, admin_client):
        merchant = MerchantFactory()
        CredentialCheckFactory(merchant=merchant, state="WORKS")
        assert "인증 정보가 바뀌었습니다" not in shown(admin_client, merchant)
        merchant.credentials = STRIPE_CREDENTIALS
        merchant.save()
        assert "인증 정보가 바뀌었습니다" in shown(admin_client, merchant)

    def test_is_for_those_who_may_change(self, staff):
        merchant = MerchantFactory()
        client = staff("merchants.view_merchant")
        assert client.post(url("check", merchant)).status_code == 403
        assert client.get(url("check", merchant)).status_code == 200
        assert "인증 정보 확인</button>" not in shown(client, merchant)

    def test_strangers_learn_nothing(self, staff):
        merchant = MerchantFactory()
        client = staff()
        for name in ("check", "copy"):
            assert client.get(url(name, merchant)).status_code == 403
            assert client.get(reverse(f"admin:merchants_{name}", args=[10**15])).status_code in (403, 404)

    def test_missing_merchant_is_not_found(self, admin_client):
        for name in ("check", "copy"):
            assert admin_client.get(reverse(f"admin:merchants_{name}", args=["9" * 30])).status_code == 404
