"""The actions of the back office that no flow of the other files clicks, each pressed once in a browser."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, User
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import expect

from bridge import reconcile, watch
from installments.models import InterestFreeNotice
from merchants.models import Merchant, MethodConnection, PaymentMethod, Shop
from tests.factories import ConnectionFactory
from tests.installments.factories import NoticeFactory
from tests.payments.factories import DeliveryFactory, DifferenceFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def save(page):
    page.get_by_role("button", name="저장", exact=True).click()
    expect(page.get_by_text(re.compile("(저장|추가)했습니다")).first).to_be_visible()


def act_on_all(page, action):
    page.check("#action-toggle")
    page.select_option("select[name=action]", label=action)
    page.get_by_role("button", name="실행").click()


def download(page):
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="내려받기").click()
    return downloaded.value.path().read_bytes()


def test_connections(world, office):
    office.goto("/admin/merchants/methodconnection/add/")
    office.fill("#id_db_type", "KR1")
    office.fill("#id_nation", "KR")
    office.select_option("#id_method", "SAMSUNGPAY")
    office.locator(".select2-selection").click()
    office.get_by_role("option", name="stripe-kr").click()
    save(office)
    connection = MethodConnection.objects.get(method="SAMSUNGPAY")

    for action, field, value in (("사용 끄기", "in_use", False), ("사용 켜기", "in_use", True)):
        office.goto("/admin/merchants/methodconnection/?method__code__exact=SAMSUNGPAY")
        act_on_all(office, action)
        office.get_by_role("button", name="확인하고 바꾸기").click()
        connection.refresh_from_db()
        assert getattr(connection, field) is value

    other = ConnectionFactory(method_id="SAMSUNGPAY", in_use=False)
    office.goto("/admin/merchants/methodconnection/matrix/")
    office.get_by_role("button", name="이 PG로 전환").last.click()
    office.get_by_role("button", name="확인하고 바꾸기").click()
    other.refresh_from_db()
    connection.refresh_from_db()
    assert (other.in_use, connection.connected) == (True, False)

    office.goto(f"/admin/merchants/methodconnection/{connection.pk}/delete/")
    office.get_by_role("button", name="삭제합니다").click()
    assert not MethodConnection.objects.filter(pk=connection.pk).exists()


def test_a_method_a_shop_and_a_merchant(world, office):
    office.goto("/admin/merchants/paymentmethod/CARD/change/")
    office.fill("#id_name", "카드")
    save(office)
    assert PaymentMethod.objects.get(pk="CARD").name == "카드"

    office.goto(f"/admin/merchants/shop/{world.shop.pk}/change/")
    office.fill("#id_name", "본점")
    save(office)
    assert Shop.objects.get(pk=world.shop.pk).name == "본점"

    office.goto(f"/admin/merchants/merchant/{world.merchant.pk}/change/")
    office.get_by_role("link", name="복사").click()
    office.fill("#id_code", "stripe-copy")
    office.fill("#id_mid", "acct_copy")
    office.fill("#id_key_secret_key", "sk_test_0123456789abcdef_copy")
    office.fill("#id_key_webhook_secret", "whsec_0123456789abcdef_copy")
    save(office)
    copy = Merchant.objects.get(code="stripe-copy")

    office.goto(f"/admin/merchants/merchant/{copy.pk}/delete/")
    office.get_by_role("button", name="삭제합니다").click()
    assert not Merchant.objects.filter(pk=copy.pk).exists()
    office.goto(f"/admin/merchants/merchant/{world.merchant.pk}/delete/")
    expect(office.get_by_role("button", name="삭제합니다")).to_have_count(0)


def test_notices(world, office):
    office.goto("/admin/installments/interestfreenotice/add/")
    office.select_option("#id_issuer", "SAMSUNG")
    office.get_by_label("2개월", exact=True).check()
    office.get_by_label("3개월", exact=True).check()
    office.fill("#id_starts_on", "2026-10-01")
    office.fill("#id_ends_on", "2026-10-31")
    office.get_by_role("button", name="저장", exact=True).click()
    expect(office.locator("#result_list tbody tr")).to_have_count(2)

    office.goto("/admin/installments/interestfreenotice/copy/?source=2026-10&target=2026-11")
    office.get_by_role("button", name="2건 만들기").click()
    expect(office.locator("#result_list tbody tr")).to_have_count(4)
    assert InterestFreeNotice.objects.filter(starts_on=date(2026, 11, 1), ends_on=date(2026, 11, 30)).count() == 2

    office.get_by_role("link", name="내보내기").click()
    office.get_by_label("형식").select_option(label="CSV")
    office.get_by_label("사유").fill("12월 준비")
    assert download(office).decode("utf-8-sig").count("삼성") == 4

    office.goto(f"/admin/installments/interestfreenotice/{NoticeFactory(issuer_id='KB').pk}/delete/")
    office.get_by_role("button", name="삭제합니다").click()
    assert not InterestFreeNotice.objects.filter(issuer="KB").exists()


def test_personal_data_and_sums(world, office):
    world.start(70001, BuyerName="홍길동", BuyerTel="010-9876-1234")
    world.pay(70001)
    world.work()
    office.goto("/admin/payments/paymentsession/")
    office.get_by_role("link", name="KR1 70001").click()
    expect(office.get_by_text("홍길동")).to_have_count(0)
    office.get_by_role("button", name="개인정보 보기").click()
    office.get_by_label("사유").fill("환불 계좌 확인")
    office.get_by_role("button", name="개인정보 보기").click()
    expect(office.get_by_text("홍길동")).to_be_visible()

    office.goto("/admin/")
    office.get_by_role("link", name="기간별 합계 내려받기").click()
    office.get_by_label("사유").fill("매출 정산")
    assert download(office)

    office.goto("/admin/people/historyentry/")
    expect(office.locator("#result_list")).to_contain_text("환불 계좌 확인")
    assert LogEntry.objects.filter(action=LogEntry.Action.ACCESS).count() >= 2


def test_reconciliation(world, office):
    world.start(70002)
    world.pay_unheard(70002)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1), tick=True):
        reconcile.one_day("stripe", timezone.localdate() - timedelta(days=1))
    office.goto("/admin/payments/reconciliation/")
    office.get_by_role("link", name="stripe-kr").click()
    office.get_by_role("link", name="처리할 차이 보기").click()
    office.get_by_role("link", name=world.session(70002).reference).click()
    office.get_by_role("button", name="다시 조회").click()
    expect(office.get_by_text("두 기록이 같아지면 저절로 해소됩니다.")).to_have_count(2)
    world.work()
    watch.once()
    office.reload()
    expect(office.get_by_text("해소됨", exact=True)).to_be_visible()

    row = DifferenceFactory()
    message = DeliveryFactory(session=row.session, state="DEAD")
    office.goto(f"/admin/payments/difference/{row.pk}/change/")
    office.get_by_role("button", name="재통보").click()
    expect(office.get_by_text("재통보를 요청했습니다")).to_be_visible()
    message.refresh_from_db()
    assert message.state == "WAITING"
    office.get_by_label("메모").fill("PG사에서 환불함")
    office.get_by_role("button", name="처리함").click()
    expect(office.get_by_text("처리함 · kim")).to_be_visible()

    office.goto("/admin/payments/difference/?state=all")
    office.get_by_role("link", name="내려받기 (CSV, Excel)").click()
    office.get_by_label("사유").fill("11월 대사")
    assert row.subject in download(office).decode()


def test_staff_and_languages(world, office):
    lee = User.objects.create_user("lee", password="a password of lee", is_staff=True)
    TOTPDevice.objects.create(user=lee, name="app", confirmed=True)
    office.goto(f"/admin/auth/user/{lee.pk}/change/")
    office.get_by_role("button", name="2단계 인증 초기화").click()
    expect(office.get_by_text("2단계 인증을 초기화했습니다")).to_be_visible()
    assert not TOTPDevice.objects.filter(user=lee).exists()

    office.goto("/admin/auth/user/add/")
    office.fill("#id_username", "park")
    office.fill("#id_password1", "Kx8!pq27ZwLm")
    office.fill("#id_password2", "Kx8!pq27ZwLm")
    save(office)
    assert User.objects.get(username="park").is_staff
    assert Group.objects.filter(name="운영").exists()
