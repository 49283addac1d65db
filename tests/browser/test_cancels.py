"""Money going back, as staff see it through: a part, with a second person, and out of 확인 필요."""

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import expect

from payments.models import Approval, ApprovalLimit, Cancellation, PaymentSession

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def payment(world):
    """Order 70001 is paid with 64,900 won."""
    world.start(70001)
    world.pay(70001)
    world.work()
    return f"/admin/payments/paymentsession/{world.session(70001).pk}/change/"


def second_person(office, name="lee"):
    """Another browser's page, in which somebody with the role 승인 is logged in."""
    user = User.objects.create_user(name, password="a password of lee", is_staff=True)
    user.groups.add(Group.objects.get(name="승인"))
    base = office.url.split("/admin/")[0]
    page = office.context.browser.new_page(base_url=base, locale="en-US", viewport={"width": 1440, "height": 900})
    page.goto("/admin/")
    page.fill("#id_username", name)
    page.fill("#id_password", "a password of lee")
    page.click("button[type=submit]")
    expect(page.locator("h1")).to_contain_text("현황")
    return page


def approve(page):
    page.goto("/admin/payments/approval/")
    page.locator("#result_list tbody a").first.click()
    page.get_by_role("button", name="승인하고 실행").click()
    expect(page.get_by_text("승인했습니다")).to_be_visible()


def test_a_part_goes_back(world, office, payment):
    office.goto(payment)
    office.get_by_role("link", name="부분취소").click()
    office.fill("#id_amount", "70000")
    office.fill("#id_reason", "고객 변심")
    office.get_by_role("button", name="다음: 확인").click()
    expect(office.get_by_role("alert")).to_contain_text("₩64,900보다 큽니다")
    office.fill("#id_amount", "4,900")
    office.get_by_role("button", name="다음: 확인").click()
    expect(office.locator(".pgb-table")).to_contain_text("₩60,000")
    office.get_by_role("button", name="취소 실행").click()
    expect(office.get_by_text("취소를 요청했습니다")).to_be_visible()
    world.work()
    # The page asks by itself how it stands.
    expect(office.locator(".pgb-big")).to_contain_text("부분취소", timeout=30_000)
    expect(office.locator(".pgb-lines")).to_contain_text("취소 완료")
    assert world.refunds() == [4900]

    office.get_by_role("link", name="취소내역").click()
    office.locator("#result_list tbody a").first.click()
    expect(office.locator(".pgb-big")).to_contain_text("₩4,900")
    expect(office.locator(".pgb-big")).to_contain_text("취소 완료")


def test_all_of_it_goes_back_with_a_second_person(world, office, payment):
    ApprovalLimit.objects.update(amount=0)
    office.goto(payment)
    office.get_by_role("link", name="전액취소").click()
    office.fill("#id_reason", "재고 없음")
    office.get_by_role("button", name="다음: 확인").click()
    office.get_by_role("button", name="승인 요청").click()
    expect(office.get_by_text("승인을 요청했습니다")).to_be_visible()
    assert not Cancellation.objects.exists()

    lee = second_person(office)
    expect(lee.locator(".pgb-badge")).to_have_text("1")
    approve(lee)
    world.work()
    office.reload()
    expect(office.locator(".pgb-big")).to_contain_text("취소")
    row = Cancellation.objects.get()
    assert (row.state, row.requested_by, row.approved_by) == ("DONE", "kim", "lee")
    assert world.refunds() == [64_900]


def test_money_in_review_is_accepted_by_two(world, office):
    world.start(70001)
    PaymentSession.objects.update(amount=70_000)
    world.pay(70001)
    world.work()
    office.goto(f"/admin/payments/paymentsession/{world.session(70001).pk}/change/")
    office.get_by_role("link", name="확인 필요 처리").click()
    expect(office.locator(".pgb-wrong")).to_contain_text("₩64,900")
    office.get_by_label("정상 인정", exact=False).check()
    office.fill("#id_reason", "구매자와 금액을 확인함")
    office.get_by_role("button", name="처리하기").click()
    expect(office.get_by_text("승인을 요청했습니다")).to_be_visible()
    approve(second_person(office))
    world.work()
    office.reload()
    expect(office.locator(".pgb-big")).to_contain_text("결제 완료")
    assert world.told(70001) == ["PayComplete"]


def test_money_in_review_is_sent_back_or_resolved(world, office):
    world.start(70001)
    PaymentSession.objects.update(amount=70_000)
    world.pay(70001)
    world.work()
    page = f"/admin/payments/paymentsession/{world.session(70001).pk}/change/"
    office.goto(page)
    office.get_by_role("link", name="확인 필요 처리").click()
    office.get_by_role("link", name="PG사에서 취소").click()
    office.fill("#id_reason", "금액 불일치")
    office.get_by_role("button", name="다음: 확인").click()
    office.get_by_role("button", name="승인 요청").click()
    expect(office.get_by_text("승인을 요청했습니다")).to_be_visible()
    office.locator("a[href*='/approval/']", has_text="취소").first.click()
    office.get_by_role("button", name="요청 철회").click()
    expect(office.get_by_text("요청을 철회했습니다")).to_be_visible()
    assert Approval.objects.get().state == "WITHDRAWN"

    office.goto(page)
    office.get_by_role("link", name="확인 필요 처리").click()
    office.get_by_label("해결됨: 취소로", exact=False).check()
    office.fill("#id_reason", "계좌로 돌려줌")
    office.get_by_label("PG사에 남은 돈을 직접 처리했습니다").check()
    office.get_by_role("button", name="처리하기").click()
    expect(office.get_by_text("처리를 기록했습니다")).to_be_visible()
    world.work()
    office.reload()
    expect(office.locator(".pgb-big")).to_contain_text("취소")
    assert PaymentSession.objects.get().stage == "CANCELLED"


def test_a_limit_and_a_download(world, office, payment):
    office.goto("/admin/payments/approvallimit/")
    office.get_by_role("link", name="운영").first.click()
    office.fill("#id_amount", "1,000")
    office.get_by_role("button", name="저장", exact=True).click()
    expect(office.locator("#result_list")).to_contain_text("1,000")

    office.goto("/admin/payments/cancellation/")
    office.get_by_role("link", name="내려받기 (CSV, Excel)").click()
    office.get_by_label("사유").fill("3월 정산")
    with office.expect_download() as downloaded:
        office.get_by_role("button", name="내려받기").click()
    assert downloaded.value.path().read_bytes()
