"""The back office as staff use it: with a browser, on a desk and on a phone."""

import pytest
from playwright.sync_api import expect

from payments.models import Delivery, PaymentSession

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WIDTHS = {"desk": 1440, "phone": 390}


def test_staff_find_a_payment_look_again_and_send_again(world, office):
    world.start(70001)
    world.pay_unheard(70001)

    office.get_by_role("link", name="결제내역").click()
    office.fill("#searchbar", "70001")
    office.press("#searchbar", "Enter")
    expect(office.locator("#result_list tbody tr")).to_have_count(1)
    office.get_by_role("link", name="KR1 70001").click()
    expect(office.locator(".pgb-big")).to_contain_text("결제 대기")

    office.get_by_role("button", name="다시 조회").click()
    expect(office.get_by_text("다시 조회를 요청했습니다")).to_be_visible()
    world.work()
    office.reload()
    expect(office.locator(".pgb-big")).to_contain_text("결제 완료")
    expect(office.locator(".pgb-lines")).to_contain_text("kim")

    office.get_by_role("button", name="재통보").click()
    expect(office.get_by_text("재통보를 요청했습니다")).to_be_visible()
    world.work()
    assert Delivery.objects.get().tries.count() == 2


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS.keys())
def test_no_page_is_wider_than_the_screen(world, office, width):
    world.start(70001)
    world.pay(70001)
    world.work()
    session = PaymentSession.objects.get()
    office.set_viewport_size({"width": width, "height": 900})
    pages = ["", "paymentsession/", "notification/", "delivery/"]
    pages += [f"paymentsession/{session.pk}/change/", f"notification/{session.notifications.first().pk}/change/"]
    pages += [f"delivery/{session.deliveries.get().pk}/change/"]
    addresses = [f"/admin/payments/{path}" if path else "/admin/" for path in pages]
    addresses.append(f"/admin/merchants/shop/{world.shop.pk}/change/")
    for path in addresses:
        office.goto(path)
        expect(office.locator("h1")).to_be_visible()
        assert office.evaluate("document.documentElement.scrollWidth") <= width, path


def test_the_filters_open_and_filter(world, office):
    world.start(70001)
    world.start(70002, PayType="CARD")
    world.pay(70002)
    world.work()
    office.get_by_role("link", name="결제내역").click()
    office.locator("a", has_text="조건").first.click()
    office.locator("#changelist-filter").get_by_label("결제 완료").check()
    office.locator("#changelist-filter button[type=submit]").click()
    expect(office.locator("#result_list tbody tr")).to_have_count(1)
    expect(office.locator("#result_list")).to_contain_text("KR1 70002")
