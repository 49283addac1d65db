"""결제 현황 with a browser: from the sums of the day to a payment found by filter, its totals and its file."""

import csv
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from bridge import watch
from payments.models import Attention, PaymentSession
from tests.payments.factories import DeliveryFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SERIOUS = {"serious", "critical"}


def faults(page: Page) -> list[str]:
    """What axe finds in the pages' own part: unfold's frame around it is not ours."""
    found = Axe().run(page, context=".pgb", options={"runOnly": ["wcag2a", "wcag2aa"]})
    return [
        f"{one['id']} {one['nodes'][0]['html']}" for one in found.response["violations"] if one["impact"] in SERIOUS
    ]


def fits(page: Page, width: int) -> bool:
    page.set_viewport_size({"width": width, "height": 900})
    return bool(page.evaluate("document.documentElement.scrollWidth") <= width)


def test_staff_look_at_the_day_find_a_payment_and_take_it_out(world, office, tmp_path):
    world.start(70001)
    world.pay(70001)
    world.start(70002)
    world.work()

    office.reload()
    expect(office.locator(".pgb-figures-big dd").first).to_have_text("₩64,900")
    office.get_by_role("link", name="오늘").click()
    office.get_by_text("표로 보기").click()
    expect(office.locator(".pgb-details tbody tr")).to_have_count(1)
    assert faults(office) == []
    assert fits(office, 390) and fits(office, 1440)

    office.get_by_role("link", name="결제내역").click()
    office.locator("a", has_text="조건").first.click()
    office.locator("#changelist-filter").get_by_label("결제 완료").check()
    office.locator("#changelist-filter button[type=submit]").click()
    expect(office.locator("#result_list tbody tr")).to_have_count(1)
    expect(office.locator(".pgb-sums tbody tr").first).to_contain_text("₩64,900")
    assert fits(office, 390) and fits(office, 1440)

    office.get_by_role("link", name="내려받기").click()
    assert faults(office) == []
    office.get_by_label("사유").fill("3월 매출 정산")
    with office.expect_download() as downloading:
        office.get_by_role("button", name="내려받기").click()
    file = tmp_path / "payments.csv"
    downloading.value.save_as(file)
    (row,) = csv.DictReader(Path(file).read_text("utf-8-sig").splitlines())
    assert (row["주문번호"], row["결제 금액"]) == ("70001", "64900")


def test_staff_see_what_is_to_be_done_and_take_it_in_hand(world, office):
    world.start(70001)
    world.pay(70001)
    DeliveryFactory(
        session=PaymentSession.objects.get(), order=world.session(70001).order, state="DEAD", sequence=9, cause="x"
    )
    watch.once()

    office.reload()
    office.get_by_role("link", name="상점 통보 실패").click()
    expect(office.locator("#result_list tbody tr")).to_have_count(1)
    assert fits(office, 390) and fits(office, 1440)
    office.locator("#result_list").get_by_role("link", name="KR1 70001").click()
    assert faults(office) == []
    assert fits(office, 390) and fits(office, 1440)
    office.get_by_label("메모").fill("상점 개발팀에 문의함")
    office.get_by_role("button", name="확인 중").click()
    expect(office.get_by_text("표시했습니다")).to_be_visible()
    expect(office.locator(".pgb-big")).to_contain_text("확인 중 · kim")
    assert Attention.objects.get().note == "상점 개발팀에 문의함"
